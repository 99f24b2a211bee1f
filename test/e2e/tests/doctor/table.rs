//! What a shell can do to a host, and undo.

use weft_doctor::{Check, Severity};
use weft_e2e::{Cluster, Kind, Words, eventually};

use crate::row::{Row, SOON, healthy};
use crate::{hosts, links};

/// An Engine that says of itself what `/run/engine` holds, whatever it is asked.
const ENGINE: &str = r#"perl -MIO::Socket::UNIX -e '
    my $s = IO::Socket::UNIX->new(Local => "/var/run/docker.sock", Listen => 64) or die;
    while (my $c = $s->accept) {
        while (my $line = <$c>) { last if $line eq "\r\n" }
        open my $f, "<", "/run/engine"; my $said = join "", <$f>;
        print $c "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
            "Content-Length: ", length $said, "\r\nConnection: close\r\n\r\n", $said;
        close $c;
    }' </dev/null >/dev/null 2>&1 & echo $! > /run/engine.pid"#;

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
    Row {
        check: Check::Capacity,
        severity: Severity::Error,
        what: "all of the addresses of network small are handed out",
        host: "h1",
        // The last one is refused if the block that is claimed ahead was the last: it is full then.
        break_it: "weft network create small --subnet 10.99.0.0/29 && for i in 1 2 3 4 5; do \
                   ip netns add s$i && \
                   { weft attach --network small --name s$i s$i || [ $i = 5 ]; } || exit 1; done",
        mend_it: "for i in 1 2 3 4 5; do weft detach s$i; ip netns delete s$i; done; \
                  until weft network rm small; do sleep 0.1; done",
    },
    Row {
        check: Check::Engine,
        severity: Severity::Error,
        what: "Docker Engine 19.03.1 is older than 20.10",
        host: "h3",
        break_it: r#"iptables -t nat -N DOCKER
            echo '{"ServerVersion": "19.03.1", "LiveRestoreEnabled": true}' > /run/engine
            $ENGINE"#,
        mend_it: "$NO_ENGINE",
    },
    Row {
        check: Check::Engine,
        severity: Severity::Warning,
        what: "Docker's live-restore is off",
        host: "h3",
        break_it: r#"iptables -t nat -N DOCKER
            echo '{"ServerVersion": "29.1.0", "LiveRestoreEnabled": false}' > /run/engine
            $ENGINE"#,
        mend_it: "$NO_ENGINE",
    },
    Row {
        check: Check::Engine,
        severity: Severity::Warning,
        what: "Docker's rules are not in the packet filter",
        host: "h3",
        break_it: r#"echo '{"ServerVersion": "29.1.0", "LiveRestoreEnabled": true}' > /run/engine
            $ENGINE"#,
        mend_it: "kill $(cat /run/engine.pid); rm -f /var/run/docker.sock",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_finding_and_health_has_none() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let app = cluster.network("app", &[]).await.unwrap();
    let _c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let _c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let words = Words::default()
        .with(
            "$NO_ENGINE",
            "kill $(cat /run/engine.pid); rm -f /var/run/docker.sock; \
                             iptables -t nat -X DOCKER",
        )
        .with("$ENGINE", ENGINE)
        .with("$SUBNET", app.subnets[0].to_string())
        .with("$H2", cluster.host("h2").unwrap().address().to_string());
    eventually(SOON, || healthy(&cluster)).await.unwrap();
    for row in ROWS {
        row.comes_and_goes(&cluster, &words).await;
    }
    hosts::a_program_at_the_port_is_found(&cluster).await;
    hosts::a_kernel_without_a_packet_filter_is_found(&cluster).await;
    links::faults_of_the_link_are_found(&cluster).await;
    hosts::a_disk_that_fills_up_is_found(&cluster).await;
    hosts::a_clock_that_is_wrong_is_found(&cluster).await;
    cluster.down().await.unwrap();
}
