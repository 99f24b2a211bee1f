//! What has happened and what was believed, told by any host of any other, also after an agent's
//! restart; and a cluster in which nothing happens, which is silent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::task::JoinHandle;
use weft_api::{BeliefView, EventView, EventsView};
use weft_e2e::{Cluster, Kind, Plain, eventually, holds};
use weft_lab::{Host, Service};
use weft_trace::Trace;

/// Within this time a change at one host is known to all.
const SOON: Duration = Duration::from_secs(10);
/// Who types what these tests type.
const ROOT: &str = "user root";
/// Within this time an agent looks at its kernel, also if nothing calls it.
const LOOKS: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_with_its_who_and_why_and_any_moment_is_recalled() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let [h1, h2] = ["h1", "h2"].map(|name| cluster.host(name).unwrap());
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let _c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();

    who_became_a_member_is_told(&cluster).await;
    who_asked_is_told(&cluster).await;

    // Asked at h1, told by h3, which runs nothing: it hears of networks and nodes.
    let made = happened(&cluster, h1, &["--host", "h3", "--kind", "network"], "network_made").await;
    assert_eq!((made.host.as_str(), made.who.as_str()), ("h3", "the registry"));
    // What the other end of the wire was told, and that the kernel was programmed for it.
    let came = happened(&cluster, h1, &["--kind", "endpoint"], "endpoint_came").await;
    assert!(came.told.contains(&c2.address.to_string()), "{came:?}");
    assert_eq!((came.who.as_str(), came.why.as_str()), ("node h2", "its owner says so"));
    happened(&cluster, h1, &["--host", "h2", "--kind", "kernel"], "kernel_applied").await;
    happened(&cluster, h1, &["--host", "h2", "--kind", "address"], "address_leased").await;

    // Somebody meddles with h2's kernel.
    let namespace = format!("weft-{vni}");
    let port = port_of(&cluster, &c2).await;
    let of_bridge = ["ip", "netns", "exec", &namespace, "ip", "neigh", "flush", "nud", "permanent"];
    let of_programs = ["ip", "link", "set", &port, "mtu", "1300"];
    let woven = cluster.is_woven(h2).await.unwrap();
    h2.run(if woven { &of_programs } else { &of_bridge }).await.unwrap();
    let drift = happened(&cluster, h1, &["--host", "h2", "--kind", "drift"], "kernel_drift").await;
    assert_eq!(drift.who, "somebody else on this host");

    // A restart forgets nothing and takes nothing away.
    let before = seqs(&cluster, h2).await;
    let known = since(&cluster, h2).await;
    h2.stop_agent().await.unwrap();
    h2.start_agent().await.unwrap();
    happened(&cluster, h1, &["--host", "h2", "--kind", "agent"], "agent_stopped").await;
    let after = seqs(&cluster, h2).await;
    assert!(after.starts_with(&before), "{before:?} {after:?}");
    assert_eq!(since(&cluster, h2).await, known, "a row is as old as it was");
    let all: EventsView = cluster.json(h2, &["events"]).await.unwrap();
    let lost = all.events.iter().find(|event| event.what == "endpoint_gone");
    assert!(lost.is_none(), "{lost:?}");

    // c2 goes; h1's belief of a moment before still has it.
    let with_c2 = all.events.last().unwrap().at.clone();
    c2.remove().await.unwrap();
    let gone = happened(&cluster, h1, &["--kind", "endpoint"], "endpoint_gone").await;
    assert!(gone.told.starts_with("c2 ("), "{gone:?}");
    for (at, knows) in [(&with_c2, true), (&gone.at, false)] {
        let believed = ["events", "--at", at, "--host", "h1"];
        let belief: BeliefView =
            cluster.json(cluster.host("h3").unwrap(), &believed).await.unwrap();
        assert_eq!((belief.host.as_str(), belief.nodes.len()), ("h1", 3));
        let names: Vec<_> = belief.endpoints.iter().filter_map(|e| e.name.as_deref()).collect();
        assert_eq!(names.contains(&"c2"), knows, "{at}: {belief:?}");
        assert!(names.contains(&"c1") && belief.managed && !belief.away, "{at}: {belief:?}");
    }
    let early = h1.weft(&["events", "--at", "2001-01-01T00:00:00Z"]).await.unwrap();
    assert_eq!(early.status.code(), Some(2), "{early:?}");
    assert!(early.stderr.contains("not known any more") && early.stderr.contains("begin at"));

    // A host that crashes is told of by those that miss it, and all hosts' events are one list.
    cluster.host("h3").unwrap().kill().await.unwrap();
    // h2 may have been down for a moment too, while its agent was restarted.
    told_by(&cluster, h1, &["--kind", "node"], "node h3 is down").await;
    let merged = h1.weft(&["events", "--all", "--output", "json"]).await.unwrap();
    assert_eq!(merged.status.code(), Some(1), "h3 does not answer");
    let merged: EventsView = serde_json::from_str(&merged.stdout).unwrap();
    let silent: Vec<_> = merged.hosts.iter().filter(|host| host.since.is_none()).collect();
    assert_eq!(silent.len(), 1);
    assert_eq!(silent[0].host, "h3");
    assert!(["h1", "h2"].iter().all(|host| merged.events.iter().any(|e| e.host == *host)));
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_as_they_happen_and_a_quiet_cluster_logs_nothing() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let [on_h1, on_h2] = ["h1", "h2"].map(|host| first_of(h1, host));
    // It follows once it is asked; until then networks are made and taken away.
    let heard = || async {
        h1.run(&["weft", "network", "create", "more"]).await?;
        h1.run(&["weft", "network", "rm", "more"]).await?;
        holds(on_h1.is_finished() && on_h2.is_finished(), || "nothing is heard".into())
    };
    eventually(SOON, heard).await.unwrap();
    for (host, event) in [("h1", on_h1.await.unwrap()), ("h2", on_h2.await.unwrap())] {
        assert_eq!((event.host.as_str(), event.who.as_str()), (host, "the registry"));
    }

    // Packets flow, people look, and what is not Weft's changes: nothing of it is worth a line.
    let namespace = format!("weft-{vni}");
    let before = [h1, h2].map(|host| host.log(Service::Agent));
    assert_eq!(c1.ping(c2.address, 20).await.unwrap().received, 20);
    for host in [h1, h2] {
        let looked = cluster.status(host).await.unwrap().reconcile.last_at;
        let inside = ["ip", "netns", "exec", &namespace];
        let touch = ["ip", "link", "set", "lo", "up"];
        let inside = if cluster.is_woven(host).await.unwrap() { &[][..] } else { &inside[..] };
        host.run(&[inside, &touch].concat()).await.unwrap();
        let looks = || async {
            let last = cluster.status(host).await?.reconcile.last_at;
            holds(last != looked, || format!("{} has not looked since {looked:?}", host.name()))
        };
        eventually(LOOKS, looks).await.unwrap();
        for verb in [&["verify"][..], &["drops"], &["events"], &["path", "c1", "c2"]] {
            assert!(host.weft(verb).await.unwrap().is_success(), "{verb:?}");
        }
    }
    assert_eq!([h1, h2].map(|host| host.log(Service::Agent)), before);
    cluster.down().await.unwrap();
}

/// So are the founding of the cluster and joining it, which no registry was asked for.
async fn who_became_a_member_is_told(cluster: &Cluster) {
    let [h1, h3] = ["h1", "h3"].map(|name| cluster.host(name).unwrap());
    let founded = "asked the registry: found a cluster";
    assert_eq!(told_by(cluster, h3, &["--host", "h1", "--kind", "commanded"], founded).await, ROOT);
    let joined = format!("asked the registry: let this host join, at {}", h1.address());
    assert_eq!(told_by(cluster, h1, &["--host", "h3", "--kind", "commanded"], &joined).await, ROOT);
    let again = h3.weft(&["init"]).await.unwrap();
    assert!(!again.is_success(), "{again:?}");
    let in_vain = "asked the registry in vain: found a cluster: this host is already a member";
    assert_eq!(told_by(cluster, h3, &["--kind", "commanded"], in_vain).await, ROOT);
}

/// Who has asked for what, told by the host where it was asked.
async fn who_asked_is_told(cluster: &Cluster) {
    let [h1, h3] = ["h1", "h3"].map(|name| cluster.host(name).unwrap());
    let asked = "asked the registry: make network app";
    let who = told_by(cluster, h3, &["--host", "h1", "--kind", "commanded"], asked).await;
    assert_eq!(who, ROOT);
    let claimed = "asked the registry: addresses of app for this host";
    told_by(cluster, h1, &["--host", "h2", "--kind", "commanded"], claimed).await;
    let taken = h1.weft(&["network", "create", "app"]).await.unwrap();
    assert!(!taken.is_success(), "{taken:?}");
    let in_vain = "asked the registry in vain: make network app: ";
    assert_eq!(told_by(cluster, h1, &["--kind", "commanded"], in_vain).await, ROOT);
}

/// Since when c1 is where it is, as the host of c2 tells it.
async fn since(cluster: &Cluster, host: &Host) -> String {
    let traced = || async {
        let trace: Trace = cluster.json(host, &["trace", "c2", "c1"]).await?;
        trace.hops[0].since.clone().context("it is not known")
    };
    eventually(SOON, traced).await.unwrap()
}

/// What a workload's port is called.
async fn port_of(cluster: &Cluster, workload: &Plain<'_>) -> String {
    let endpoints = cluster.endpoints(workload.host).await.unwrap();
    let its = endpoints.into_iter().find(|endpoint| endpoint.mac == workload.mac).unwrap();
    its.interface.unwrap()
}

/// The first event that is heard at `at` of those that concern networks on `host`.
fn first_of(at: &Host, host: &str) -> JoinHandle<EventView> {
    let words = ["weft", "events", "-f", "-o", "json", "--kind", "network", "--host", host];
    let mut following = at.spawn(&words).unwrap();
    tokio::spawn(async move {
        let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
        let Some(line) = lines.next_line().await.unwrap() else {
            let ended = following.wait_with_output().await.unwrap();
            panic!("it ended: {}", String::from_utf8_lossy(&ended.stderr));
        };
        serde_json::from_str(&line).unwrap()
    })
}

/// The last event of this kind that `filter` finds, once there is one.
async fn happened(cluster: &Cluster, at: &Host, filter: &[&str], what: &str) -> EventView {
    let find = || async {
        let told: EventsView = cluster.json(at, &[&["events"], filter].concat()).await?;
        let found = told.events.iter().rfind(|event| event.what == what).cloned();
        found.ok_or_else(|| anyhow::anyhow!("no {what} among {:#?}", told.events))
    };
    eventually(SOON, find).await.unwrap()
}

/// Who did what is told in words that begin so.
async fn told_by(cluster: &Cluster, at: &Host, filter: &[&str], begins: &str) -> String {
    let find = || async {
        let told: EventsView = cluster.json(at, &[&["events"], filter].concat()).await?;
        let found = told.events.iter().find(|event| event.told.starts_with(begins));
        let who = found.map(|event| event.who.clone());
        who.with_context(|| format!("no {begins} among {:#?}", told.events))
    };
    eventually(SOON, find).await.unwrap()
}

async fn seqs(cluster: &Cluster, host: &Host) -> Vec<u64> {
    let told: EventsView = cluster.json(host, &["events"]).await.unwrap();
    let seqs: Vec<u64> = told.events.iter().map(|event| event.seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "one is missing: {seqs:?}");
    seqs
}
