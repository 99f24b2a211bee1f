//! `weft doctor` finds nothing on healthy hosts, and of each fault that is made here exactly that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use weft_doctor::{Check, Diagnosis, Severity};
use weft_e2e::{Cluster, Kind, eventually, holds};

/// Within this time a fault shows, and a mended one does not any more.
const SOON: Duration = Duration::from_secs(8);

/// One fault of one host, and what is to be found of it.
struct Row {
    check: Check,
    severity: Severity,
    /// A part of what is found.
    what: &'static str,
    host: &'static str,
    break_it: &'static str,
    mend_it: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        check: Check::Firewall,
        severity: Severity::Error,
        what: "chain INPUT in table ip filter drops VXLAN (UDP 4789)",
        host: "h2",
        break_it: "iptables -I INPUT -p udp --dport 4789 -j DROP",
        mend_it: "iptables -D INPUT -p udp --dport 4789 -j DROP",
    },
    Row {
        check: Check::Firewall,
        severity: Severity::Error,
        what: "the policy of chain INPUT in table ip filter drops VXLAN (UDP 4789)",
        host: "h2",
        break_it: "iptables -A INPUT -p udp --dport 4788 -j ACCEPT && iptables -P INPUT DROP",
        mend_it: "iptables -P INPUT ACCEPT && iptables -D INPUT -p udp --dport 4788 -j ACCEPT",
    },
    Row {
        check: Check::Firewall,
        severity: Severity::Error,
        what: "chain out in table inet theirs drops VXLAN",
        host: "h3",
        break_it: "nft 'add table inet theirs; \
                   add chain inet theirs out { type filter hook output priority 0; }; \
                   add rule inet theirs out oifname eth0 udp dport 4789 drop'",
        mend_it: "nft delete table inet theirs",
    },
    Row {
        check: Check::Firewall,
        severity: Severity::Error,
        what: "chain filter_INPUT in table inet firewalld drops VXLAN",
        host: "h2",
        // What firewalld 1.3 writes for an interface in zone public, where 4788 is open.
        break_it: "nft 'add table inet firewalld; \
            add chain inet firewalld filter_INPUT { type filter hook input priority 10; }; \
            add chain inet firewalld filter_IN_public; \
            add rule inet firewalld filter_INPUT ct state { established, related } accept; \
            add rule inet firewalld filter_INPUT ct status dnat accept; \
            add rule inet firewalld filter_INPUT iifname lo accept; \
            add rule inet firewalld filter_INPUT ct state invalid drop; \
            add rule inet firewalld filter_INPUT jump filter_IN_public; \
            add rule inet firewalld filter_INPUT reject with icmpx admin-prohibited; \
            add rule inet firewalld filter_IN_public \
                udp dport 4788 ct state { new, untracked } accept; \
            add rule inet firewalld filter_IN_public meta l4proto { icmp, ipv6-icmp } accept'",
        mend_it: "nft delete table inet firewalld",
    },
    Row {
        check: Check::Port,
        severity: Severity::Warning,
        what: "another VXLAN device, theirs (VNI 99), uses UDP port 4789",
        host: "h2",
        break_it: "ip link add theirs type vxlan id 99 dstport 4789 local $H2",
        mend_it: "ip link del theirs",
    },
    Row {
        check: Check::Subnet,
        severity: Severity::Warning,
        what: "network app ($SUBNET) overlaps the host's route",
        host: "h3",
        break_it: "ip route add $SUBNET dev eth0",
        mend_it: "ip route del $SUBNET dev eth0",
    },
    Row {
        check: Check::Kernel,
        severity: Severity::Warning,
        what: "reconciling is paused",
        host: "h1",
        break_it: "weft reconcile pause",
        mend_it: "weft reconcile resume",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_finding_and_health_has_none() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let app = cluster.network("app", &[]).await.unwrap();
    let _c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let _c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let subnet = app.subnets[0].to_string();
    let address = cluster.host("h2").unwrap().address().to_string();
    let fill = |text: &str| text.replace("$SUBNET", &subnet).replace("$H2", &address);
    eventually(SOON, || healthy(&cluster)).await.unwrap();

    for row in ROWS {
        let began = Instant::now();
        let host = cluster.host(row.host).unwrap();
        host.run(&["sh", "-c", &fill(row.break_it)]).await.unwrap();
        eventually(SOON, || finds(&cluster, row, fill(row.what))).await.unwrap();
        host.run(&["sh", "-c", &fill(row.mend_it)]).await.unwrap();
        eventually(SOON, || healthy(&cluster)).await.unwrap();
        println!("{:11}{}: {:?}", row.check.word(), fill(row.what), began.elapsed());
    }
    a_program_at_the_port_is_found(&cluster).await;
    faults_of_the_link_are_found(&cluster).await;
    cluster.down().await.unwrap();
}

/// On a host that has nothing on any network, so that the port is free.
async fn a_program_at_the_port_is_found(cluster: &Cluster) {
    const ROW: Row = Row {
        check: Check::Port,
        severity: Severity::Error,
        what: "UDP port 4789 belongs to perl",
        host: "h3",
        break_it: "",
        mend_it: "",
    };
    let host = cluster.host(ROW.host).unwrap();
    let script = "socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(4789, INADDR_ANY)); <>";
    let mut program = host.spawn(&["perl", "-MSocket", "-e", script]).unwrap();
    eventually(SOON, || finds(cluster, &ROW, ROW.what.to_owned())).await.unwrap();
    program.kill().await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

/// Faults between the hosts, which show only in what arrives.
async fn faults_of_the_link_are_found(cluster: &Cluster) {
    let h2 = cluster.host("h2").unwrap();
    h2.swallow(4789).await.unwrap();
    eventually(SOON, || concerns_h2(cluster, Check::Vxlan, "UDP port 4789 arrives")).await.unwrap();
    h2.heal().await.unwrap();
    h2.narrow(1400).await.unwrap();
    let what = "packets larger than 1400 bytes do not arrive";
    eventually(SOON, || concerns_h2(cluster, Check::Mtu, what)).await.unwrap();
    h2.heal().await.unwrap();
    h2.cut().await.unwrap();
    eventually(SOON, || concerns_h2(cluster, Check::Reach, "h2 does not answer h1")).await.unwrap();
    h2.heal().await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

async fn healthy(cluster: &Cluster) -> anyhow::Result<()> {
    let told = doctor(cluster).await?;
    holds(told.findings.is_empty(), || format!("{told:#?}"))?;
    holds((told.hosts.len(), told.ways) == (3, 6), || format!("{told:#?}"))
}

async fn finds(cluster: &Cluster, row: &Row, what: String) -> anyhow::Result<()> {
    let told = doctor(cluster).await?;
    let right = match told.findings.as_slice() {
        [one] => {
            (one.check, one.severity, one.host.as_str()) == (row.check, row.severity, row.host)
                && one.what.contains(&what)
                && !one.why.is_empty()
                && !one.remedy.is_empty()
        }
        _ => false,
    };
    holds(right, || format!("should be {what}: {told:#?}"))
}

/// All findings are of one kind, and of ways from or to h2.
async fn concerns_h2(cluster: &Cluster, check: Check, what: &str) -> anyhow::Result<()> {
    let told = doctor(cluster).await?;
    let of_h2 = told
        .findings
        .iter()
        .all(|one| one.check == check && (one.host == "h2" || one.peer.as_deref() == Some("h2")));
    let said = told.findings.iter().any(|one| one.what.contains(what));
    let checks: BTreeSet<Check> = told.findings.iter().map(|one| one.check).collect();
    holds(of_h2 && said && checks.len() == 1, || format!("should be {what}: {told:#?}"))
}

async fn doctor(cluster: &Cluster) -> anyhow::Result<Diagnosis> {
    let out = cluster.host("h1")?.weft(&["doctor", "-o", "json"]).await?;
    serde_json::from_str(&out.stdout).with_context(|| format!("{} {}", out.stdout, out.stderr))
}
