//! Faults in the programs and in their tables, on hosts of the bpf engine.

use std::net::Ipv4Addr;

use weft_e2e::{Cluster, Plain, Words, Woven, eventually};
use weft_lab::{Host, Spec};
use weft_model::{Hop, MacAddr};

use super::{SOON, green};

/// What a fault is made of.
struct Scene<'a> {
    vni: u32,
    c1: &'a Plain<'a>,
    c2: &'a Plain<'a>,
    /// The interfaces by which frames come in: at h1 c1's port, at h2 the underlay.
    port: u32,
    underlay: u32,
    h1: Ipv4Addr,
    h3: Ipv4Addr,
}

/// One fault: made while reconciling is paused, behind the agent's back.
struct Row {
    hop: Hop,
    cause: &'static str,
    host: &'static str,
    spoil: fn(&Woven, &Scene<'_>) -> anyhow::Result<()>,
}

const WRONG: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x99]);

const ROWS: &[Row] = &[
    Row {
        hop: Hop::Neighbor,
        cause: "the neighbour entry for $C2 is gone, and reconciling is paused",
        host: "h1",
        spoil: |tables, scene| tables.forget_neighbor(scene.vni, scene.c2.address),
    },
    Row {
        hop: Hop::Neighbor,
        cause: "the neighbour entry for $C2 says 02:00:00:00:00:99 instead of $MAC2",
        host: "h1",
        spoil: |tables, scene| tables.set_neighbor(scene.vni, scene.c2.address, WRONG),
    },
    Row {
        hop: Hop::Neighbor,
        cause: "the sender's port: the guard's table of ports lacks it",
        host: "h1",
        spoil: |tables, scene| tables.forget_port(scene.port),
    },
    Row {
        hop: Hop::Neighbor,
        cause: "the sender's port: what comes in by it is not guarded",
        host: "h1",
        spoil: |tables, scene| tables.detach(scene.port),
    },
    Row {
        hop: Hop::Encap,
        cause: "the forwarding entry for $MAC2 is gone",
        host: "h1",
        spoil: |tables, scene| tables.forget_home(scene.vni, scene.c2.mac),
    },
    Row {
        hop: Hop::Encap,
        cause: "leads to $H3 (h3) instead of $H2",
        host: "h1",
        spoil: |tables, scene| tables.send_home(scene.vni, scene.c2.mac, scene.h3),
    },
    Row {
        hop: Hop::Decap,
        cause: "the guard's table of members lacks $H1",
        host: "h2",
        spoil: |tables, scene| tables.forget_peer(scene.h1),
    },
    Row {
        hop: Hop::Decap,
        cause: "the guard does not let its network in",
        host: "h2",
        spoil: |tables, scene| tables.forget_network(scene.vni),
    },
    Row {
        hop: Hop::Decap,
        cause: "the guard knows no home of c1",
        host: "h2",
        spoil: |tables, scene| tables.forget_home(scene.vni, scene.c1.mac),
    },
    Row {
        hop: Hop::Decap,
        cause: "the guard takes $H3 for the home of c1, not $H1",
        host: "h2",
        spoil: |tables, scene| tables.send_home(scene.vni, scene.c1.mac, scene.h3),
    },
    Row {
        hop: Hop::Deliver,
        cause: "the entry for $MAC2, the receiver's station, is gone",
        host: "h2",
        spoil: |tables, scene| tables.forget_home(scene.vni, scene.c2.mac),
    },
    Row {
        hop: Hop::Deliver,
        cause: "the entry for $MAC2 leads to $H3 (h3) instead of to the receiver's port",
        host: "h2",
        spoil: |tables, scene| tables.send_home(scene.vni, scene.c2.mac, scene.h3),
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_in_the_programs_is_named_by_its_hop_and_cause() {
    let datapath = vec!["bpf".to_owned()];
    let spec = Spec { hosts: 3, docker: false, datapath, ..Spec::default() };
    let cluster = Cluster::up_in(spec).await.unwrap();
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let words = super::words(&cluster, vni, &c2).await;
    let port = words.fill("$PORT1");
    let (h1, h3) = (c1.host.address(), cluster.host("h3").unwrap().address());
    let port = number(c1.host, &port).await;
    let underlay = number(c2.host, "eth0").await;
    let scene = Scene { vni, c1: &c1, c2: &c2, port, underlay, h1, h3 };
    eventually(SOON, || green(&cluster, "c1 c2")).await.unwrap();

    for row in ROWS {
        let spoken = words.fill(row.cause);
        let host = cluster.host(row.host).unwrap();
        host.run(&["weft", "reconcile", "pause"]).await.unwrap();
        (row.spoil)(&Woven::of(host).unwrap(), &scene).unwrap();
        let told = cluster.trace("h3", "c1 c2").await.unwrap();
        let failed = told.hops.iter().find(|hop| Some(hop.hop) == told.failed);
        let failed = failed.unwrap_or_else(|| panic!("{spoken}: nothing failed: {told:#?}"));
        assert_eq!(failed.hop, row.hop, "{spoken}: {told:#?}");
        assert!(failed.cause.as_ref().unwrap().contains(&spoken), "{spoken}: {failed:#?}");
        assert!(failed.remedy.as_ref().unwrap().contains("weft reconcile resume"), "{failed:#?}");
        // What is told is so.
        assert!(answers(&c1, &c2).await.is_err(), "{spoken}");
        host.run(&["weft", "reconcile", "resume"]).await.unwrap();
        eventually(SOON, || green(&cluster, "c1 c2")).await.unwrap();
        eventually(SOON, || answers(&c1, &c2)).await.unwrap();
    }
    a_lost_entrance_is_no_fault(&cluster, &scene).await;
    cluster.down().await.unwrap();
}

/// Without the program at the underlay the kernel's own device takes the packet, and its rules count.
async fn a_lost_entrance_is_no_fault(cluster: &Cluster, scene: &Scene<'_>) {
    let h2 = scene.c2.host;
    h2.run(&["weft", "reconcile", "pause"]).await.unwrap();
    Woven::of(h2).unwrap().detach(scene.underlay).unwrap();
    let told = cluster.trace("h3", "c1 c2").await.unwrap();
    assert_eq!(told.failed, None, "{told:#?}");
    assert!(told.hops[4].kernel.contains("weft-vxlan takes"), "{told:#?}");
    eventually(SOON, || answers(scene.c1, scene.c2)).await.unwrap();
    h2.run(&["ip", "link", "del", "weft-vxlan"]).await.unwrap();
    let told = cluster.trace("h3", "c1 c2").await.unwrap();
    assert_eq!(told.failed, Some(Hop::Decap), "{told:#?}");
    let cause = told.hops[4].cause.as_ref().unwrap();
    assert!(cause.contains("the VXLAN device weft-vxlan is gone"), "{cause}");
    h2.run(&["weft", "reconcile", "resume"]).await.unwrap();
    eventually(SOON, || green(cluster, "c1 c2")).await.unwrap();
}

async fn answers(from: &Plain<'_>, to: &Plain<'_>) -> anyhow::Result<()> {
    from.run(&["ip", "neigh", "flush", "all"]).await?;
    from.reaches(to).await
}

/// Rules for what the host itself sends and gets stop bridges, and not programs: trace says so.
pub(crate) async fn rules_of_the_host_stop_no_program<F: Future<Output = anyhow::Result<()>>>(
    cluster: &Cluster,
    words: &Words,
    pings: impl Fn() -> F,
) {
    let add = "nft 'add table ip theirs; \
               add chain ip theirs out { type filter hook output priority 0; }; \
               add rule ip theirs out udp dport 4789 drop; \
               add chain ip theirs in { type filter hook input priority 0; }; \
               add rule ip theirs in udp dport 4789 drop'";
    for host in ["h1", "h2"] {
        words.shell(cluster.host(host).unwrap(), add).await.unwrap();
    }
    let passes = || async {
        pings().await?;
        green(cluster, "c1 c2").await
    };
    eventually(SOON, passes).await.unwrap();
    let told = cluster.trace("h3", "c1 c2").await.unwrap();
    assert!(told.hops[3].kernel.contains("chain out in table ip theirs"), "{told:#?}");
    for host in ["h1", "h2"] {
        words.shell(cluster.host(host).unwrap(), "nft delete table ip theirs").await.unwrap();
    }
    eventually(SOON, || green(cluster, "c1 c2")).await.unwrap();
}

async fn number(host: &Host, interface: &str) -> u32 {
    let shown = host.run(&["ip", "-o", "link", "show", interface]).await.unwrap();
    shown.split(':').next().unwrap().parse().unwrap()
}
