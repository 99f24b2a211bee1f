//! Fifth hop, whatever an administrator does to the packet filter: forged packets are never let in,
//! and right ones go on, or it is seen that they do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use weft_api::{NodeView, Standing};
use weft_doctor::{Check, Diagnosis};
use weft_e2e::{Cluster, Inbox, Kind, Pinging, Plain, eventually, holds, underlay};
use weft_kernel::Netns;
use weft_lab::{Host, OUTSIDE};
use weft_model::{DEFAULT_VXLAN_PORT, Hop};
use weft_wire::Vxlan;

/// Within this time a change at one host is in the kernels of all.
const SOON: Duration = Duration::from_secs(5);
/// Within this time a host that is not reached is said to be away.
const NOTICED: Duration = Duration::from_secs(20);
/// After a flush traffic is back within this time.
const BACK: Duration = Duration::from_secs(1);
const FLUSHES: usize = 5;
/// How long firewalld may take to start, to load its rules anew, or to end: it is a Python program.
const FIREWALLD: Duration = Duration::from_secs(60);
const RELOADS: usize = 3;
/// A system bus and firewalld with settings of this host alone, with both of Weft's ports open.
const START: &str = "mkdir -p /run/dbus /run/firewalld.own && \
    cp -a /etc/firewalld/. /run/firewalld.own && \
    firewall-offline-cmd --system-config /run/firewalld.own \
        --add-port 4788/udp --add-port 4789/udp && \
    dbus-daemon --system --fork --nopidfile && \
    { firewalld --nofork --nopid --system-config /run/firewalld.own \
        </dev/null >/run/firewalld.log 2>&1 & echo $! >/run/firewalld.pid; }";

/// Stops firewalld once it lets nothing new in; fails if it was over with that already.
const CATCH: &str = "closed() { nft list table inet firewalld_policy_drop >/dev/null 2>&1; }; \
    end=$(($(date +%s) + 30)); \
    until closed; do [ $(date +%s) -lt $end ] || exit 1; done; \
    kill -STOP $(cat /run/firewalld.pid) && closed";

#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_or_closed_packet_filter_lets_no_forged_packet_in() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let _c3 = cluster.plain("h3", "app", "c3", &[]).await.unwrap();
    eventually(SOON, || c1.reaches(&c2)).await.unwrap();
    let (h2, h3) = (c2.host, cluster.host("h3").unwrap());
    let inbox = Inbox::at(&c2.netns, c2.address).unwrap();
    let forged = Vxlan { vni }.emit(&c1.station().letter(c2.station(), "forged"));
    let senders = [underlay(cluster.lab.host(OUTSIDE)).unwrap(), underlay(h3).unwrap()];
    let at = SocketAddr::from((h2.address(), DEFAULT_VXLAN_PORT));
    let forging = Forging::start(&senders, at, &forged);

    let pings = Pinging::start(&c1.netns, c2.address).unwrap();
    for _ in 0..FLUSHES {
        forging.goes_on().await;
        h2.run(&["nft", "flush", "ruleset"]).await.unwrap();
        eventually(SOON, || has_table(h2)).await.unwrap();
    }
    let answered = pings.finish().unwrap();
    println!("{FLUSHES} flushes: no answer for {:?} at most", answered.silence);
    assert!(answered.silence < BACK, "{answered:?}");

    survives_reloads(&cluster, (&c1, &c2), &forging).await;

    // A policy that drops is the administrator's word: what it blocks is seen.
    h2.run(&["iptables", "-P", "INPUT", "DROP"]).await.unwrap();
    eventually(NOTICED, || is_away(&cluster, h2)).await.unwrap();
    // Programs take frames before the filter is asked, and go on with those of members.
    let passes = u32::from(cluster.is_woven(h2).await.unwrap());
    assert_eq!(c1.ping(c2.address, 1).await.unwrap().received, passes);
    let blocked = blocked(h2).await;
    println!("INPUT DROP: {blocked}");
    assert!(blocked.contains("the policy of chain INPUT in table ip filter drops"), "{blocked}");
    let degraded = eventually(NOTICED, || said(&cluster, h2)).await.unwrap();
    println!("INPUT DROP: {degraded}");
    forging.goes_on().await;
    h2.run(&["iptables", "-P", "INPUT", "ACCEPT"]).await.unwrap();
    eventually(SOON, || c1.reaches(&c2)).await.unwrap();

    let sent = forging.finish();
    println!("{sent} forged packets, none delivered");
    let packet = Vxlan { vni }.emit(&c1.station().letter(c2.station(), "right"));
    let member = underlay(c1.host).unwrap();
    member
        .run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))
        .unwrap()
        .unwrap()
        .send_to(&packet, at)
        .unwrap();
    assert_eq!(inbox.heard().unwrap(), "right");
    let dropped = cluster.dropped(h2).await.unwrap();
    assert!(dropped["unknown_peer"] > 0 && dropped["not_owner"] > 0, "{dropped:?}");
    cluster.down().await.unwrap();
}

/// While firewalld loads its rules anew it lets replies in and nothing else. A tunnel has none: how
/// long that takes is firewalld's business, but it is over when it says so.
async fn survives_reloads(
    cluster: &Cluster,
    (c1, c2): (&Plain<'_>, &Plain<'_>),
    forging: &Forging,
) {
    let pings = Pinging::start(&c1.netns, c2.address).unwrap();
    let reloading = Reloading::begin(c2.host).await;
    for _ in 0..RELOADS {
        forging.goes_on().await;
        reloading.reload().await;
        eventually(SOON, || c1.reaches(c2)).await.unwrap();
        c2.host.run(&["nft", "list", "table", "inet", "weft"]).await.unwrap();
    }
    reloading.stopped_midway(|| is_named(cluster, c2.host)).await;
    eventually(SOON, || c1.reaches(c2)).await.unwrap();
    reloading.end().await;
    let answered = pings.finish().unwrap();
    println!("{RELOADS} reloads: no answer for {:?} at most", answered.silence);
}

/// A firewalld of a host's own, as an administrator has it.
struct Reloading<'a>(&'a Host);

impl<'a> Reloading<'a> {
    async fn begin(host: &'a Host) -> Self {
        host.run(&["sh", "-c", START]).await.unwrap();
        eventually(FIREWALLD, || async {
            let state = host.exec(&["firewall-cmd", "--state"]).await?;
            holds(state.is_success(), || host_log(host))
        })
        .await
        .unwrap();
        Self(host)
    }

    async fn reload(&self) {
        let reload = ["firewall-cmd", "--reload"];
        let done = self.0.exec_within(FIREWALLD, &reload).await.unwrap();
        assert!(done.is_success(), "{done:?} {}", host_log(self.0));
        let rules = self.0.run(&["nft", "list", "table", "inet", "firewalld"]).await.unwrap();
        assert!(rules.contains("udp dport 4789"), "{rules}");
    }

    /// Looks at the host while firewalld is in the midst of a reload, and stopped there.
    async fn stopped_midway(&self, look: impl AsyncFn()) {
        let stopped = || async {
            let reload = self.0.spawn(&["firewall-cmd", "--reload"])?;
            let closed = self.0.exec(&["sh", "-c", CATCH]).await?;
            if closed.is_success() {
                look().await;
            }
            self.0.run(&["sh", "-c", "kill -CONT $(cat /run/firewalld.pid)"]).await?;
            let done = reload.wait_with_output().await?;
            holds(closed.is_success() && done.status.success(), || format!("{closed:?} {done:?}"))
        };
        eventually(FIREWALLD, stopped).await.unwrap();
    }

    async fn end(self) {
        self.0.run(&["sh", "-c", "kill $(cat /run/firewalld.pid)"]).await.unwrap();
        eventually(FIREWALLD, || async {
            let tables = self.0.run(&["nft", "list", "tables"]).await?;
            holds(!tables.contains("firewalld"), || tables)
        })
        .await
        .unwrap();
    }
}

fn host_log(host: &Host) -> String {
    std::fs::read_to_string(host.root().join("run/firewalld.log")).unwrap_or_default()
}

/// The rules are put back.
async fn has_table(host: &Host) -> anyhow::Result<()> {
    host.run(&["nft", "list", "table", "inet", "weft"]).await.map(drop).map_err(Into::into)
}

/// The host whose packets are blocked sees nobody.
async fn is_away(cluster: &Cluster, host: &Host) -> anyhow::Result<()> {
    let nodes: Vec<NodeView> = cluster.json(host, &["node", "ls"]).await?;
    let seen = nodes.iter().filter(|node| node.standing == Standing::Up).count();
    holds(seen == 0, || format!("{} still sees {seen} nodes", host.name()))
}

/// What stops new packets while firewalld loads its rules anew is said by doctor and trace.
async fn is_named(cluster: &Cluster, host: &Host) {
    let policy = "the policy of chain filter_input in table inet firewalld_policy_drop drops";
    let blocked = blocked(host).await;
    println!("reload: {blocked}");
    assert!(blocked.contains(policy) && blocked.contains("try: wait: firewalld"), "{blocked}");
    let told = cluster.trace("h1", "c1 c2").await.unwrap();
    if cluster.is_woven(host).await.unwrap() {
        // Programs take frames before the filter is asked.
        return assert_eq!(told.failed, None, "{told:#?}");
    }
    assert_eq!(told.failed, Some(Hop::Decap), "{told:#?}");
    let decap = told.hops.iter().find(|hop| hop.hop == Hop::Decap).unwrap();
    assert!(decap.cause.as_ref().unwrap().contains(policy), "{decap:#?}");
}

/// The rules that its doctor names.
async fn blocked(host: &Host) -> String {
    let out = host.weft(&["doctor", "-o", "json"]).await.unwrap();
    let told: Diagnosis = serde_json::from_str(&out.stdout).unwrap();
    let rules = told.findings.iter().filter(|finding| finding.check == Check::Firewall);
    rules.map(|finding| format!("{}; try: {}\n", finding.what, finding.remedy)).collect()
}

/// What its status says of it.
async fn said(cluster: &Cluster, host: &Host) -> anyhow::Result<String> {
    let degraded = cluster.status(host).await?.degraded;
    let said = degraded.first().map(|one| format!("{}; try: {}", one.reason, one.hint));
    said.ok_or_else(|| anyhow::anyhow!("nothing is degraded"))
}

/// The same packet again and again, from several hosts.
struct Forging {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Forging {
    fn start(from: &[Netns], to: SocketAddr, packet: &[u8]) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let start = |netns: &Netns| {
            let socket = netns.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)));
            let socket = socket.unwrap().unwrap();
            let (stop, sent, packet) = (Arc::clone(&stop), Arc::clone(&sent), packet.to_vec());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    socket.send_to(&packet, to).unwrap();
                    sent.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_micros(500));
                }
            })
        };
        let threads = from.iter().map(start).collect();
        Self { stop, sent, threads }
    }

    /// Waits until more is sent.
    async fn goes_on(&self) {
        let before = self.sent.load(Ordering::Relaxed);
        let more = || async {
            let sent = self.sent.load(Ordering::Relaxed);
            holds(sent > before + 100, || format!("{sent} are sent"))
        };
        eventually(SOON, more).await.unwrap();
    }

    /// How many were sent.
    fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        self.sent.load(Ordering::Relaxed)
    }
}
