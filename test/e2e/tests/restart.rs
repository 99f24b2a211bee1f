//! The kernel goes on without the agent, and the agent with what the kernel has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Container, Flowing, Kind, eventually, holds};
use weft_lab::Host;

const SOON: Duration = Duration::from_secs(10);
/// Within this time what was altered by hand is as it was: it takes a tenth of a second, on a machine that
/// has nothing else to do, and half a minute where nobody hears of it.
const MENDED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn no_packet_is_lost_however_the_agent_ends_and_it_finds_nothing_to_change() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();
    let flowing = Flowing::start(&c1, &c2, "app").await.unwrap();

    for host in [c1.host, c2.host] {
        host.kill_agent().await.unwrap();
        host.start_agent().await.unwrap();
        nothing_was_changed(&cluster, host).await;
        host.stop_agent().await.unwrap();
        host.start_agent().await.unwrap();
        nothing_was_changed(&cluster, host).await;
    }
    c1.host.kill_agent().await.unwrap();
    c2.host.kill_agent().await.unwrap();
    c2.host.start_agent().await.unwrap();
    c1.host.start_agent().await.unwrap();
    nothing_was_changed(&cluster, c1.host).await;
    nothing_was_changed(&cluster, c2.host).await;

    println!("{}", flowing.finish().unwrap());
    nothing_was_changed(&cluster, c1.host).await;
    cluster.down().await.unwrap();
}

/// Waits until the host knows all again; by then its agent has not touched the kernel.
async fn nothing_was_changed(cluster: &Cluster, host: &Host) {
    let began = Instant::now();
    let settled = || async {
        let known = cluster.endpoints(host).await?.len();
        holds(known == 2, || format!("{} knows {known} endpoints", host.name()))?;
        let status = cluster.status(host).await?;
        let fresh = status.cluster.as_ref().is_some_and(|cluster| cluster.manager_reachable);
        let looked = status.reconcile.last_at.is_some();
        holds(fresh && looked && status.degraded.is_empty(), || format!("{status:?}"))?;
        Ok(status.reconcile)
    };
    let reconcile = eventually(SOON, settled).await.unwrap();
    println!("{}: settled {:?} after its start: {reconcile:?}", host.name(), began.elapsed());
    assert!(reconcile.in_sync, "{reconcile:?}");
    assert_eq!(reconcile.changes, 0, "the restarted agent changed the kernel: {reconcile:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_altered_by_hand_is_mended_as_soon_as_it_is_heard_of() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    let network = cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();
    assert_eq!(c1.ping("c2", 1).await.unwrap().received, 1);
    let cases = match cluster.is_woven(c1.host).await.unwrap() {
        true => woven_cases(&cluster, &c1).await,
        false => bridge_cases(&cluster, network.vni, (&c1, &c2)).await,
    };
    let table = "nft list table inet weft | grep -q 4789";
    let filter =
        ["delete", "flush"].map(|how| (format!("nft {how} table inet weft"), table.into()));
    for (altered, is_right) in cases.iter().chain(&filter) {
        mended(&cluster, &c1, altered, is_right).await;
    }
    assert_eq!(c1.ping("c2", 1).await.unwrap().received, 1);
    cluster.down().await.unwrap();
}

/// What is altered, and how it is seen to be right again.
type Case = (String, String);

async fn bridge_cases(
    cluster: &Cluster,
    vni: u32,
    (c1, c2): (&Container<'_>, &Container<'_>),
) -> Vec<Case> {
    let endpoints = cluster.endpoints(c1.host).await.unwrap();
    let find = |name: &str| endpoints.iter().find(|e| e.name.as_ref().unwrap().as_str() == name);
    let (own, other) = (find("c1").unwrap(), find("c2").unwrap());
    let (mac, ip, vtep) = (other.mac, other.addresses[0], c2.host.address());
    let wp = own.interface.as_deref().unwrap();
    let inside = |command: String| format!("ip netns exec weft-{vni} {command}");
    let fdb = inside(format!("bridge fdb show dev vx0 | grep -q '{mac} dst {vtep} '"));
    let neigh = inside(format!("ip neigh show {ip} dev vx0 | grep -q 'lladdr {mac} PERM'"));
    let up = |link: &str| inside(format!("ip -br link show {link} | grep -q '[<,]UP'"));
    let port_of =
        |link: &str| inside(format!("ip link show {link} | grep -q '[<,]UP[,>].*master br0'"));

    [
        (inside(format!("bridge fdb del {mac} dev vx0 dst {vtep}")), fdb.clone()),
        (
            inside(format!("bridge fdb replace {mac} dev vx0 dst 192.0.2.99 self static")),
            fdb.clone(),
        ),
        (inside(format!("ip neigh del {ip} dev vx0")), neigh.clone()),
        (inside(format!("ip neigh replace {ip} lladdr 02:00:00:00:00:99 dev vx0")), neigh.clone()),
        (inside("ip link set vx0 down".into()), up("vx0")),
        (inside("ip link set br0 down".into()), up("br0")),
        (inside(format!("ip link set {wp} down")), up(wp)),
        (inside(format!("ip link set {wp} nomaster")), port_of(wp)),
        (inside("ip link del vx0".into()), port_of("vx0")),
        (inside("ip link del vx0".into()), fdb.clone()),
        (inside("ip link del vx0".into()), neigh.clone()),
    ]
    .into()
}

/// The programs' tables are nobody's but theirs: what others can touch are interfaces.
async fn woven_cases(cluster: &Cluster, c1: &Container<'_>) -> Vec<Case> {
    let wp = cluster.port(c1.host, &c1.name).await.unwrap();
    let up = |link: &str| format!("ip -br link show {link} | grep -q '[<,]UP'");
    let mtu = format!("ip link show {wp} | grep -q 'mtu 1450'");
    let shared = "ip -d link show weft-vxlan | grep -q 'external.*dstport 4789'";
    [
        (format!("ip link set {wp} down"), up(&wp)),
        (format!("ip link set {wp} mtu 1400"), mtu),
        ("ip link set weft-vxlan down".into(), up("weft-vxlan")),
        ("ip link del weft-vxlan".into(), shared.into()),
    ]
    .into()
}

async fn mended(cluster: &Cluster, at: &Container<'_>, altered: &str, is_right: &str) {
    let host = at.host;
    let before = cluster.status(host).await.unwrap().reconcile.changes;
    host.run(&["sh", "-c", is_right]).await.unwrap();
    host.run(&["sh", "-c", altered]).await.unwrap();
    let began = Instant::now();
    eventually(MENDED, || async {
        host.run(&["sh", "-c", is_right]).await?;
        let after = cluster.status(host).await?.reconcile.changes;
        holds(after > before, || format!("`{altered}` has no effect"))
    })
    .await
    .unwrap_or_else(|error| panic!("after `{altered}`: {error:#}"));
    println!("{:?} after `{altered}`", began.elapsed());
}
