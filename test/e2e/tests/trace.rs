//! `weft trace` names the hop at which a packet ends and why, for every fault that is made here; on
//! a healthy path, before and after each, all six hops are green.
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

use weft_e2e::{Cluster, Kind, Plain, Words, eventually, holds};
use weft_model::Hop;
use weft_trace::Verdict;

/// Within this time a fault shows, and a mended one does not any more.
const SOON: Duration = Duration::from_secs(8);

/// One fault: how it is made and unmade, and what is to be told of it.
struct Row {
    hop: Hop,
    /// A part of the cause.
    cause: &'static str,
    /// Further words of the command; the first is the sender, the second whom it is for.
    trace: &'static str,
    /// On which host.
    host: &'static str,
    /// What a shell does there; `weft reconcile pause` goes before and `resume` after if the fault
    /// is in what is Weft's own.
    break_it: &'static str,
    mend_it: &'static str,
}

const PAUSED: &str = "weft reconcile resume";
const SEGMENT: &str = "ip netns exec weft-$VNI";

const ROWS: &[Row] = &[
    Row {
        hop: Hop::Lookup,
        cause: "nothing on network app is called c4",
        trace: "c1 c4",
        host: "h1",
        break_it: "",
        mend_it: "",
    },
    Row {
        hop: Hop::Lookup,
        cause: "(nft table `ip weft_dns` in its namespace) was removed",
        trace: "c1 c2",
        host: "h1",
        break_it: "$INSIDE nft delete table ip weft_dns",
        mend_it: "",
    },
    Row {
        hop: Hop::Lookup,
        cause: "loopback is down",
        trace: "c3 c1",
        host: "h1",
        break_it: "ip netns exec c3 ip link set lo down",
        mend_it: "ip netns exec c3 ip link set lo up",
    },
    Row {
        hop: Hop::Neighbor,
        cause: "the neighbour entry for $C2 is gone, and reconciling is paused",
        trace: "c1 c2",
        host: "h1",
        break_it: "weft reconcile pause && $SEGMENT ip neigh del $C2 dev vx0",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Neighbor,
        cause: "says 02:00:00:00:00:99 instead of $MAC2",
        trace: "c1 c2",
        host: "h1",
        break_it: "weft reconcile pause && \
                   $SEGMENT ip neigh replace $C2 lladdr 02:00:00:00:00:99 dev vx0 nud permanent",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Neighbor,
        cause: "the sender's bridge port: it is down",
        trace: "c1 c2",
        host: "h1",
        break_it: "weft reconcile pause && $SEGMENT ip link set $PORT1 down",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Encap,
        cause: "leads to $H3 (h3) instead of $H2",
        trace: "c1 c2",
        host: "h1",
        break_it: "weft reconcile pause && \
                   $SEGMENT bridge fdb replace $MAC2 dev vx0 dst $H3 self permanent",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Encap,
        cause: "the forwarding entry for $MAC2 is gone",
        trace: "c1 c2",
        host: "h1",
        break_it: "weft reconcile pause && $SEGMENT bridge fdb del $MAC2 dev vx0 dst $H2 self",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Underlay,
        cause: "do not arrive at h2, the network's are up to 1500",
        trace: "c1 c2",
        host: "h1",
        break_it: "ip link set eth0 mtu 1400",
        mend_it: "ip link set eth0 mtu 1500",
    },
    Row {
        hop: Hop::Underlay,
        cause: "chain out in table ip theirs drops",
        trace: "c1 c2",
        host: "h1",
        break_it: "nft 'add table ip theirs; \
                   add chain ip theirs out { type filter hook output priority 0; }; \
                   add rule ip theirs out udp dport 4789 drop'",
        mend_it: "nft delete table ip theirs",
    },
    Row {
        hop: Hop::Decap,
        cause: "chain INPUT in table ip filter drops",
        trace: "c1 c2",
        host: "h2",
        break_it: "iptables -I INPUT -p udp --dport 4789 -j DROP",
        mend_it: "iptables -D INPUT -p udp --dport 4789 -j DROP",
    },
    Row {
        hop: Hop::Decap,
        cause: "set of members (inet weft) lacks $H1, and reconciling is paused",
        trace: "c1 c2",
        host: "h2",
        break_it: "weft reconcile pause && nft delete element inet weft peers '{' $H1 '}'",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Decap,
        cause: "the VXLAN device vx0 is gone",
        trace: "c1 c2",
        host: "h2",
        break_it: "weft reconcile pause && $SEGMENT ip link del vx0",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Decap,
        cause: "the VXLAN device vx0: it is down",
        trace: "c1 c2",
        host: "h2",
        break_it: "weft reconcile pause && $SEGMENT ip link set vx0 down",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Deliver,
        cause: "the receiver's bridge port: it is down",
        trace: "c1 c2",
        host: "h2",
        break_it: "weft reconcile pause && $SEGMENT ip link set $PORT2 down",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Deliver,
        cause: "chain across in table bridge theirs drops",
        trace: "c1 c2",
        host: "h2",
        break_it: "$SEGMENT nft 'add table bridge theirs; \
                   add chain bridge theirs across { type filter hook forward priority 0; }; \
                   add rule bridge theirs across ip daddr $C2 drop'",
        mend_it: "$SEGMENT nft delete table bridge theirs",
    },
    Row {
        hop: Hop::Deliver,
        cause: "the policy of chain entry in table ip own drops",
        trace: "c1 c2 --port 5432",
        host: "h2",
        break_it: "ip netns exec c2 nft 'add table ip own; \
                   add chain ip own entry { type filter hook input priority 0; policy drop; }'",
        mend_it: "ip netns exec c2 nft delete table ip own",
    },
    Row {
        hop: Hop::Deliver,
        cause: "nobody in c2 listens",
        trace: "c1 c2 --port 5432",
        host: "h2",
        break_it: "",
        mend_it: "",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_named_by_its_hop_and_cause() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    // Of its own, so that it does not follow the underlay's.
    let app = cluster.network("app", &["--mtu", "1450"]).await.unwrap().vni;
    cluster.network("data", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let _c3 = cluster.plain("h1", "app", "c3", &[]).await.unwrap();
    let _c4 = cluster.plain("h2", "data", "c4", &[]).await.unwrap();
    let pid = c1.host.docker(&["inspect", "-f", "{{.State.Pid}}", "c1"]).await.unwrap();
    let words = words(&cluster, app, &c2).await;
    let words = words.with("$INSIDE", format!("nsenter -t {} -n", pid.trim()));
    eventually(SOON, || green(&cluster, "c1 c2")).await.unwrap();

    a_ping_is_seen_everywhere(&cluster).await;
    for row in ROWS {
        let began = Instant::now();
        let host = cluster.host(row.host).unwrap();
        let spoken = words.fill(row.cause);
        eventually(SOON, || async {
            // A fault that is mended at once is made again: it is to be seen while it is there.
            words.shell(host, row.break_it).await.ok();
            fails(&cluster, row, &spoken).await
        })
        .await
        .unwrap();
        words.shell(host, row.mend_it).await.unwrap();
        let healthy = if row.trace.starts_with("c3") { "c3 c1" } else { "c1 c2" };
        eventually(SOON, || green(&cluster, healthy)).await.unwrap();
        println!("{:9}{spoken}: {:?}", row.hop.word(), began.elapsed());
    }
    faults_of_the_link_are_told(&cluster, &c2).await;
    cluster.down().await.unwrap();
}

/// Both hosts count and time it, there and back, and the workloads' rules say where it ends.
async fn a_ping_is_seen_everywhere(cluster: &Cluster) {
    let told = cluster.trace("h3", "c1 c2 --live").await.unwrap();
    let live = told.live.unwrap();
    assert!(live.returned >= 3 && live.lost.is_none(), "{live:#?}");
    assert!(live.points.iter().all(|point| point.seen >= live.returned), "{live:#?}");
    let places: Vec<_> = live.points.iter().map(|point| (point.hop, point.host.as_str())).collect();
    let out =
        [(Hop::Neighbor, "h1"), (Hop::Encap, "h1"), (Hop::Underlay, "h2"), (Hop::Deliver, "h2")];
    let back =
        [(Hop::Neighbor, "h2"), (Hop::Encap, "h2"), (Hop::Underlay, "h1"), (Hop::Deliver, "h1")];
    assert_eq!(places, [out, back].concat());
    assert!(live.points[1..].iter().all(|point| point.took_us.is_some()), "{live:#?}");
    println!("live: {:?} µs there and back", live.round_trip_us.unwrap());
    let told = cluster.trace("h1", "c1 c3 --live").await.unwrap();
    assert_eq!(told.live.unwrap().points.len(), 4, "on one host it is in no tunnel");

    // A rule that no ruleset shows to nft: only what is sent tells of it.
    let h2 = cluster.host("h2").unwrap();
    let drop_pings =
        ["ip", "netns", "exec", "c2", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"];
    h2.run(&drop_pings).await.unwrap();
    let told = cluster.trace("h3", "c1 c2 --live").await.unwrap();
    assert_eq!(told.live.unwrap().lost.as_deref(), Some("the receiver does not answer pings"));
    assert_eq!(told.verdict, Verdict::Ok);
    let answer = ["ip", "netns", "exec", "c2", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=0"];
    h2.run(&answer).await.unwrap();
}

/// Faults between the hosts, of which no host's kernel knows.
async fn faults_of_the_link_are_told(cluster: &Cluster, c2: &Plain<'_>) {
    c2.host.swallow(4789).await.unwrap();
    ends_at_underlay(cluster, "c1 c2", "something between them swallows VXLAN").await;
    c2.host.heal().await.unwrap();
    c2.host.narrow(1400).await.unwrap();
    ends_at_underlay(cluster, "c1 c2", "larger than 1400 bytes do not arrive at h2").await;
    c2.host.heal().await.unwrap();
    // By its address: the names of a host that is cut off are hidden after a while.
    c2.host.cut().await.unwrap();
    ends_at_underlay(cluster, &format!("c1 {}", c2.address), "h2: it is down or cut off").await;
    c2.host.heal().await.unwrap();
    eventually(SOON, || green(cluster, "c1 c2")).await.unwrap();
}

async fn ends_at_underlay(cluster: &Cluster, asked: &str, cause: &str) {
    let began = Instant::now();
    let told = cluster.trace("h3", asked).await.unwrap();
    assert_eq!(told.failed, Some(Hop::Underlay), "{told:#?}");
    let hop = &told.hops[3];
    assert!(hop.cause.as_ref().unwrap().contains(cause), "{hop:#?}");
    println!("underlay {cause}: {:?}", began.elapsed());
}

async fn fails(cluster: &Cluster, row: &Row, cause: &str) -> anyhow::Result<()> {
    let told = cluster.trace("h3", row.trace).await?;
    let failed = told.hops.iter().find(|hop| Some(hop.hop) == told.failed);
    let right = failed.is_some_and(|failed| {
        failed.hop == row.hop
            && failed.cause.as_ref().is_some_and(|told| told.contains(cause))
            && failed.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty())
    });
    holds(right, || format!("{} should fail because {cause}:\n{told:#?}", row.hop))
}

async fn green(cluster: &Cluster, asked: &str) -> anyhow::Result<()> {
    let told = cluster.trace("h3", asked).await?;
    holds(told.verdict == Verdict::Ok, || format!("{told:#?}"))
}

/// What stands for addresses and names in the rows.
async fn words(cluster: &Cluster, vni: u32, c2: &Plain<'_>) -> Words {
    let port = async |host: &str, name: &str| {
        let endpoints = cluster.endpoints(cluster.host(host).unwrap()).await.unwrap();
        let named = |endpoint: &&weft_api::EndpointView| {
            endpoint.name.as_ref().is_some_and(|known| known.as_str() == name)
        };
        endpoints.iter().find(named).unwrap().interface.clone().unwrap()
    };
    let address = |host: &str| cluster.host(host).unwrap().address().to_string();
    Words::new(vec![
        ("$SEGMENT", SEGMENT.to_owned()),
        ("$VNI", vni.to_string()),
        ("$C2", c2.address.to_string()),
        ("$MAC2", c2.mac.to_string()),
        ("$PORT1", port("h1", "c1").await),
        ("$PORT2", port("h2", "c2").await),
        ("$H1", address("h1")),
        ("$H2", address("h2")),
        ("$H3", address("h3")),
    ])
}
