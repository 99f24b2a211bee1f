//! Who is who: certificates, tokens, the CA, hosts that move, networks that are gone when a host returns.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "integration tests"
)]

use std::time::{Duration, Instant};

use weft_api::{CaView, EventsView, NetworkView, Standing};
use weft_e2e::{Answers, Cluster, Kind, Pinging, Plain, eventually, holds};
use weft_lab::{Host, Service, Spec};

/// Longer than anything here may take.
const SOON: Duration = Duration::from_secs(10);
/// How long a certificate lives where tests wait for its end.
const LIFE: &str = "6s";
/// A host that moves is found again within this time.
const FOUND: Duration = Duration::from_secs(8);
/// How many pings a test that means it has sent at least.
const MANY: u16 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_under_traffic_and_who_is_late_comes_back_by_itself() {
    let spec = Spec { hosts: 3, ..Spec::default() };
    let init = ["--address-rest", "1s", "--certificate-life", LIFE];
    let cluster = Cluster::founded(spec, &init).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    cluster.network("app", &[]).await.unwrap();
    let (p1, p2) = pair(&cluster).await;
    let pings = Pinging::start(&p1.netns, p2.address).unwrap();

    // Twice renewed, so that the second one was asked for with the first.
    for host in [h1, h2, h3] {
        for _twice in 0..2 {
            let before = until(&cluster, host).await.unwrap();
            eventually(SOON, || async {
                let now = until(&cluster, host).await?;
                holds(now > before, || format!("{}: {now:?}", host.name()))
            })
            .await
            .unwrap();
        }
    }
    cluster.agree_on_nodes().await.unwrap();
    let renewed = ["events", "--host", "h2", "--kind", "certificate"];
    let renewed: EventsView = cluster.json(h1, &renewed).await.unwrap();
    assert!(renewed.events.len() >= 2, "{renewed:#?}");
    let last = renewed.events.last().unwrap();
    assert_eq!((last.what.as_str(), last.who.as_str()), ("certificate_renewed", "this host"));
    for host in [h1, h2, h3] {
        let log = host.log(Service::Agent);
        assert!(!log.contains("node is down"), "{log}");
    }

    // h3 cannot be reached by the manager until its certificate has run out; h2 refuses it then.
    h3.cut_from(h1).await.unwrap();
    let ends = until(&cluster, h3).await.unwrap();
    eventually(SOON, || async {
        let status = h3.run(&["weft", "status"]).await?;
        holds(status.contains("certificate has run out"), || format!("{ends} {status}"))
    })
    .await
    .unwrap();
    h3.kill_agent().await.unwrap();
    h3.start_agent().await.unwrap();
    eventually(SOON, || async { logs(h2, &["a host is refused", "expired"]) }).await.unwrap();
    h3.heal().await.unwrap();
    let healed = Instant::now();
    eventually(SOON, || cluster.agree_on_nodes()).await.unwrap();
    println!("with a certificate that had run out a host is back after {:?}", healed.elapsed());
    none_lost(&pings.finish().unwrap());
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ca_is_rotated_under_traffic_and_what_was_good_before_is_refused_and_told() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    cluster.network("app", &[]).await.unwrap();
    let (p1, p2) = pair(&cluster).await;
    let pings = Pinging::start(&p1.netns, p2.address).unwrap();
    let manager = h1.address().to_string();
    let token = async || h1.run(&["weft", "token", "--quiet"]).await.unwrap().trim().to_owned();

    // Thrown out while its agent runs on: its certificate is worth nothing.
    let rotated = token().await;
    h1.run(&["weft", "node", "rm", "h3"]).await.unwrap();
    eventually(SOON, || async { logs(h1, &["a host is refused", "no_member"]) }).await.unwrap();
    h1.run(&["weft", "token", "--rotate"]).await.unwrap();
    h3.run(&["weft", "leave", "--force"]).await.unwrap();
    let refused = h3.weft(&["join", "--token", &rotated, &manager]).await.unwrap();
    assert!(!refused.is_success() && refused.stderr.contains("was rotated since"), "{refused:?}");
    logs(h1, &["a host was not let in", "was rotated since"]).unwrap();
    let of_old_ca = token().await;
    h3.run(&["weft", "join", "--token", &of_old_ca, &manager]).await.unwrap();
    eventually(SOON, || cluster.agree_on_nodes()).await.unwrap();

    // h3 is away while the CA is rotated, so the former one stays good, and the managers say for whom.
    h3.cut().await.unwrap();
    let told = h1.run(&["weft", "ca", "rotate"]).await.unwrap();
    assert!(told.contains("generation 1") && told.contains("weft token"), "{told}");
    eventually(SOON, || async {
        let ca: CaView = cluster.json(h1, &["ca", "show"]).await?;
        holds(ca.waiting == ["h3"] && ca.former_sha256.is_some(), || format!("{ca:?}"))
    })
    .await
    .unwrap();
    let refused = h1.weft(&["ca", "retire"]).await.unwrap();
    assert!(refused.stderr.contains("h3") && refused.stderr.contains("--force"), "{refused:?}");
    h3.heal().await.unwrap();
    eventually(SOON, || async {
        let ca: CaView = cluster.json(h2, &["ca", "show"]).await?;
        let over = ca.generation == 1 && ca.former_sha256.is_none();
        holds(over, || format!("{ca:?}"))
    })
    .await
    .unwrap();
    eventually(SOON, || cluster.agree_on_nodes()).await.unwrap();

    // Tokens name the CA.
    h3.run(&["weft", "leave"]).await.unwrap();
    let refused = h3.weft(&["join", "--token", &of_old_ca, &manager]).await.unwrap();
    let words = refused.stderr.contains("not of the cluster") && refused.stderr.contains("rotated");
    assert!(!refused.is_success() && words, "{refused:?}");
    h3.run(&["weft", "join", "--token", &token().await, &manager]).await.unwrap();
    // The manager's new key outlives its agent.
    h1.kill_agent().await.unwrap();
    h1.start_agent().await.unwrap();
    eventually(SOON, || cluster.agree_on_nodes()).await.unwrap();
    none_lost(&pings.finish().unwrap());
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_another_address_is_found_by_everybody() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let (p1, p2) = pair(&cluster).await;
    let p3 = cluster.plain("h3", "app", "p3", &[]).await.unwrap();
    // A worker moves, then the manager.
    for (host, number) in [("h2", 77), ("h1", 78)] {
        let host = cluster.host(host).unwrap();
        let (old, new) = (host.address(), format!("192.0.2.{number}"));
        let change = format!("ip address del {old}/24 dev eth0; ip address add {new}/24 dev eth0");
        host.run(&["sh", "-c", &change]).await.unwrap();
        let moved = Instant::now();
        eventually(FOUND, || everybody_finds(&cluster, host.name(), &new)).await.unwrap();
        for (from, to) in [(&p1, &p2), (&p3, &p1), (&p2, &p3)] {
            eventually(FOUND, || from.reaches(to)).await.unwrap();
        }
        println!("{} is found at its new address after {:?}", host.name(), moved.elapsed());
        assert_eq!(p2.ping(p3.address, 3).await.unwrap().received, 3);
    }
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_was_removed_meanwhile_is_torn_down_by_who_returns_and_its_vni_waits() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let [h1, h3] = ["h1", "h3"].map(|name| cluster.host(name).unwrap());
    let app: NetworkView = cluster.network("app", &[]).await.unwrap();
    let vni = app.vni.to_string();
    cluster.plain("h3", "app", "first", &[]).await.unwrap().remove().await.unwrap();
    h3.cut().await.unwrap();
    // From the block that it has.
    cluster.plain("h3", "app", "late", &[]).await.unwrap();
    h1.run(&["weft", "network", "rm", "app"]).await.unwrap();
    let again = ["weft", "network", "create", "other", "--vni", &vni];
    let refused = h1.exec(&again).await.unwrap();
    for words in ["rests", "h3", "weft node rm"] {
        assert!(!refused.is_success() && refused.stderr.contains(words), "{refused:?}");
    }
    h3.heal().await.unwrap();
    eventually(SOON, || async { logs(h3, &["a network was removed while this host was away"]) })
        .await
        .unwrap();
    eventually(SOON, || async { Ok(h1.run(&again).await.map(drop)?) }).await.unwrap();
    let left = h3.run(&["sh", "-c", "ls /run/netns | grep weft- || true"]).await.unwrap();
    assert_eq!(left, "");
    assert_eq!(cluster.endpoints(h3).await.unwrap().len(), 0);
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_refused_while_the_first_one_runs_and_may_come_after_it() {
    let cluster = Cluster::up(4, Kind::Plain).await.unwrap();
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    h4.run(&["weft", "leave"]).await.unwrap();
    h1.run(&["weft", "network", "create", "app"]).await.unwrap();
    let known = || async { Ok(h2.run(&["weft", "network", "inspect", "app"]).await?) };
    eventually(SOON, known).await.unwrap();
    let (p1, p2) = pair(&cluster).await;
    let pings = Pinging::start(&p1.netns, p2.address).unwrap();

    // h4 becomes a copy of h2.
    h4.stop_agent().await.unwrap();
    let state = |host: &Host| host.root().join("var/lib/weft");
    for name in ["member.json", "registry.json", "local.redb"] {
        tokio::fs::copy(state(h2).join(name), state(h4).join(name)).await.unwrap();
    }
    h4.start_agent().await.unwrap();
    for host in [h1, h3] {
        eventually(SOON, || async { logs(host, &["a host is refused", "clone"]) }).await.unwrap();
    }
    eventually(SOON, || async {
        let status = h4.run(&["weft", "status"]).await?;
        holds(status.contains("another host runs with this node's identity"), || status)
    })
    .await
    .unwrap();
    logs(h4, &["another host is this node"]).unwrap();
    // The first one goes on, seen by all and found where it is.
    let at = h2.address().to_string();
    for host in [h1, h3] {
        let nodes = cluster.nodes(host).await.unwrap();
        let first = nodes.iter().find(|node| node.name.as_str() == "h2").unwrap();
        assert!(first.standing == Standing::Up && first.vtep.to_string() == at, "{first:?}");
        let log = host.log(Service::Agent);
        assert!(!log.contains("node is down"), "{log}");
    }
    h2.run(&["weft", "network", "create", "goes-on"]).await.unwrap();
    none_lost(&pings.finish().unwrap());

    // Its end sets the identity free.
    h2.kill().await.unwrap();
    for host in [h1, h3, h4] {
        let address = h4.address().to_string();
        eventually(SOON, || async {
            let nodes = cluster.nodes(host).await?;
            let found = nodes.iter().find(|node| node.name.as_str() == "h2");
            let found = found.is_some_and(|node| {
                node.vtep.to_string() == address && node.standing != Standing::Down
            });
            holds(found, || format!("{}: {nodes:?}", host.name()))
        })
        .await
        .unwrap();
    }
    let status = h4.run(&["weft", "status"]).await.unwrap();
    assert!(!status.contains("another host runs"), "{status}");
    cluster.down().await.unwrap();
}

/// A workload on h1 and one on h2 that reach each other.
async fn pair(cluster: &Cluster) -> (Plain<'_>, Plain<'_>) {
    let p1 = cluster.plain("h1", "app", "p1", &[]).await.unwrap();
    let p2 = cluster.plain("h2", "app", "p2", &[]).await.unwrap();
    eventually(SOON, || p1.reaches(&p2)).await.unwrap();
    (p1, p2)
}

/// The end of a host's certificate, as its agent tells it.
async fn until(cluster: &Cluster, host: &Host) -> anyhow::Result<String> {
    let status = cluster.status(host).await?;
    Ok(status.cluster.and_then(|cluster| cluster.certificate_until).unwrap_or_default())
}

fn logs(host: &Host, words: &[&str]) -> anyhow::Result<()> {
    let log = host.log(Service::Agent);
    let line = log.lines().any(|line| words.iter().all(|word| line.contains(word)));
    holds(line, || format!("{} has not logged {words:?}: {log}", host.name()))
}

/// Every host has the node at this address, sees it up, and lets its packets in.
async fn everybody_finds(cluster: &Cluster, name: &str, address: &str) -> anyhow::Result<()> {
    for host in cluster.lab.hosts() {
        let nodes = cluster.nodes(host).await?;
        let found = nodes.iter().find(|node| node.name.as_str() == name);
        let found = found.is_some_and(|node| {
            node.vtep.to_string() == address
                && matches!(node.standing, Standing::Up | Standing::Own)
        });
        holds(found, || format!("{}: {nodes:?}", host.name()))?;
        let guard = host.run(&["nft", "list", "table", "inet", "weft"]).await?;
        let here = host.name() == name;
        holds(here || guard.contains(address), || format!("{}: {guard}", host.name()))?;
    }
    Ok(())
}

fn none_lost(answers: &Answers) {
    println!("{} pings, longest silence {:?}", answers.sent, answers.silence);
    assert!(answers.sent > MANY && answers.lost.is_empty(), "{answers:?}");
}
