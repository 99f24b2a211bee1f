//! The bpf engine: programs carry what bridges carry elsewhere, beside them and in turn with them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use weft_e2e::{Cluster, Flowing, Pinging, Plain, Streaming, eventually, holds};
use weft_kernel::Netns;
use weft_lab::{Host, Spec};

const SOON: Duration = Duration::from_secs(10);
/// Who is behind a router.
const BEHIND: Ipv4Addr = Ipv4Addr::new(198, 18, 7, 2);

fn lab(hosts: u8, docker: bool, datapath: &[&str]) -> Spec {
    let datapath = datapath.iter().map(ToString::to_string).collect();
    Spec { hosts, docker, datapath, ..Spec::default() }
}

/// A host's engine, which has all in place.
async fn runs(cluster: &Cluster, host: &Host, engine: &str) -> anyhow::Result<()> {
    let status = cluster.status(host).await?;
    let sound = status.degraded.is_empty() && status.reconcile.in_sync;
    let looked = status.reconcile.last_at.is_some();
    holds(status.engine == engine && sound && looked, || format!("{}: {status:?}", host.name()))
}

/// Restarts a host's agent with another data plane.
async fn switch(cluster: &Cluster, host: &Host, engine: &str) {
    let file = format!("echo 'datapath = \"{engine}\"' > /etc/weft/weft.toml");
    host.run(&["sh", "-c", &file]).await.unwrap();
    host.stop_agent().await.unwrap();
    host.start_agent().await.unwrap();
    eventually(SOON, || runs(cluster, host, engine)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_find_and_reach_each_other_and_no_restart_of_the_agent_is_noticed() {
    let cluster = Cluster::up_in(lab(2, true, &["bpf"])).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();
    let same = cluster.container("h1", "app", "same").await.unwrap();
    for host in [c1.host, c2.host] {
        eventually(SOON, || runs(&cluster, host, "bpf")).await.unwrap();
        let namespaces = host.run(&["sh", "-c", "ls /run/netns | grep -c ^weft- || true"]).await;
        assert_eq!(namespaces.unwrap().trim(), "0", "a network needs no object");
    }
    for (from, to) in [(&c1, "c2"), (&c2, "c1"), (&c1, "same"), (&same, "c2")] {
        assert_eq!(from.ping(to, 3).await.unwrap().received, 3, "{} to {to}", from.name);
    }
    let flowing = Flowing::start(&c1, &c2, "app").await.unwrap();
    for host in [c1.host, c2.host] {
        host.kill_agent().await.unwrap();
        host.start_agent().await.unwrap();
        eventually(SOON, || runs(&cluster, host, "bpf")).await.unwrap();
        assert_eq!(cluster.status(host).await.unwrap().reconcile.changes, 0);
        host.stop_agent().await.unwrap();
        host.start_agent().await.unwrap();
        eventually(SOON, || runs(&cluster, host, "bpf")).await.unwrap();
    }
    println!("{}", flowing.finish().unwrap());
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_with_different_engines_share_networks_and_change_engines_while_they_are_used() {
    let cluster = Cluster::up_in(lab(3, false, &["bpf", "bridge"])).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    cluster.network("other", &[]).await.unwrap();
    let mut there = Vec::new();
    for (host, name) in [("h1", "c1"), ("h1", "c1b"), ("h2", "c2"), ("h3", "c3")] {
        there.push(cluster.plain(host, "app", name, &[]).await.unwrap());
    }
    let apart = cluster.plain("h3", "other", "apart", &[]).await.unwrap();
    everybody_answers(&there).await;
    // A stranger to the network has its own route to it, and is not answered.
    for to in &there {
        assert_eq!(apart.ping(to.address, 1).await.unwrap().received, 0, "{}", to.name);
    }
    let pings = Pinging::start(&there[0].netns, there[2].address).unwrap();
    for (host, engine) in [("h1", "bridge"), ("h2", "bpf"), ("h1", "bpf"), ("h2", "bridge")] {
        let host = cluster.host(host).unwrap();
        switch(&cluster, host, engine).await;
        everybody_answers(&there).await;
    }
    let pings = pings.finish().unwrap();
    println!("of {} pings {} were lost", pings.sent, pings.lost.len());
    // One changes the host's end of a wire while a packet is on it, four times.
    assert!(pings.lost.len() * 20 < usize::from(pings.sent), "{pings:?}");
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_attached_by_clsact_carry_on_without_their_agent() {
    let attach = Some("clsact".to_owned());
    let spec = Spec { attach, ..lab(2, false, &["bpf", "bridge"]) };
    let cluster = Cluster::up_in(spec).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    eventually(SOON, || c1.reaches(&c2)).await.unwrap();
    let pings = Pinging::start(&c1.netns, c2.address).unwrap();
    for (end, engine) in [(&c1, "bpf"), (&c2, "bridge")] {
        eventually(SOON, || runs(&cluster, end.host, engine)).await.unwrap();
        let guard = cluster.status(end.host).await.unwrap().guard;
        assert_eq!(guard.attached.as_deref(), Some("clsact"), "{guard:?}");
        end.host.kill_agent().await.unwrap();
        let filters = end.host.run(&["tc", "filter", "show", "dev", "eth0", "ingress"]).await;
        assert!(filters.unwrap().contains("weft-"), "it goes without its agent");
        end.host.start_agent().await.unwrap();
        eventually(SOON, || runs(&cluster, end.host, engine)).await.unwrap();
        assert_eq!(cluster.status(end.host).await.unwrap().reconcile.changes, 0);
    }
    assert_eq!(pings.finish().unwrap().lost, [0_u16; 0]);
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_forwards_needs_a_network_that_allows_it() {
    let cluster = Cluster::up_in(lab(2, false, &["bpf", "bridge"])).await.unwrap();
    cluster.network("routed", &["--opt", "forwarding=true"]).await.unwrap();
    cluster.network("plain", &[]).await.unwrap();
    for (network, passes) in [("routed", true), ("plain", false)] {
        // Of both engines one is the router's host and the other the receiver's.
        for (at, other) in [("h1", "h2"), ("h2", "h1")] {
            let router = cluster.plain(at, network, &format!("{network}-{at}"), &[]).await.unwrap();
            let end =
                cluster.plain(other, network, &format!("{network}-{at}-end"), &[]).await.unwrap();
            eventually(SOON, || router.reaches(&end)).await.unwrap();
            let before = cluster.dropped(router.host).await.unwrap()["spoofed_address"];
            router.run(&["ip", "addr", "add", "198.18.5.5/32", "dev", "lo"]).await.unwrap();
            let via = router.address.to_string();
            end.run(&["ip", "route", "add", "198.18.5.5", "via", &via]).await.unwrap();
            let to = end.address.to_string();
            let ping = ["busybox", "ping", "-I", "198.18.5.5", "-W", "1", "-c", "2", &to];
            assert_eq!(router.exec(&ping).await.unwrap().is_success(), passes, "{network} at {at}");
            let after = cluster.dropped(router.host).await.unwrap()["spoofed_address"];
            assert_eq!(after - before, if passes { 0 } else { 2 }, "{network} at {at}");
        }
    }
    cluster.down().await.unwrap();
}

/// Docker in Docker, a router in a container: what programs have unwrapped unsegmented goes on over an
/// interface that is none of Weft's.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_router_passes_on_is_whole_however_large() {
    let cluster = Cluster::up_in(lab(2, false, &["bpf"])).await.unwrap();
    cluster.network("routed", &["--opt", "forwarding=true"]).await.unwrap();
    let router = cluster.plain("h1", "routed", "router", &[]).await.unwrap();
    let end = cluster.plain("h2", "routed", "end", &[]).await.unwrap();
    let behind = behind(&router).await;
    end.run(&["ip", "route", "add", "198.18.7.0/24", "via", &router.address.to_string()])
        .await
        .unwrap();
    eventually(SOON, || router.reaches(&end)).await.unwrap();
    let inward = Streaming::start(&end.netns, &behind, BEHIND).unwrap();
    let outward = Streaming::start(&behind, &end.netns, end.address).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (stream, way) in [(inward, "inward"), (outward, "outward")] {
        let carried = stream.finish().unwrap();
        assert!(carried > 1 << 20, "{carried} bytes {way}");
    }
    cluster.down().await.unwrap();
}

/// A namespace that only `router` reaches.
async fn behind(router: &Plain<'_>) -> Netns {
    router.host.run(&["ip", "netns", "add", "behind"]).await.unwrap();
    let netns = Netns::open(&router.host.root().join("run/netns/behind")).unwrap();
    router
        .run(&["ip", "link", "add", "in0", "type", "veth", "peer", "name", "out0"])
        .await
        .unwrap();
    router.run(&["ip", "addr", "add", "198.18.7.1/24", "dev", "in0"]).await.unwrap();
    router.run(&["ip", "link", "set", "in0", "up"]).await.unwrap();
    router.run(&["sysctl", "-qw", "net.ipv4.ip_forward=1"]).await.unwrap();
    router.run(&["ip", "link", "set", "out0", "netns", "behind"]).await.unwrap();
    let within = ["ip", "-n", "behind"];
    let address = format!("{BEHIND}/24");
    for command in [
        &["addr", "add", &address, "dev", "out0"][..],
        &["link", "set", "out0", "up"],
        &["route", "add", "default", "via", "198.18.7.1"],
    ] {
        router.host.run(&[&within[..], command].concat()).await.unwrap();
    }
    netns
}

async fn everybody_answers(all: &[Plain<'_>]) {
    for from in all {
        for to in all {
            eventually(SOON, || from.reaches(to)).await.unwrap();
        }
    }
}
