//! Workloads that are not Docker's leave with the host's address, and are apart from each other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "integration tests"
)]

mod support;

use std::net::UdpSocket;
use std::time::Duration;

use support::cable::join;
use support::{Host, desired, mac, run, v4};
use weft_kernel::{Netns, WorkloadLink, wire_workload_from};
use weft_model::Mtu;
use weft_plan::{Desired, Egress, IfName, Port};

const PATIENCE: Duration = Duration::from_secs(10);
const SHORTLY: Duration = Duration::from_millis(100);

fn wanted() -> Desired {
    let port = |number: u8| {
        let peer = format!("wxtest{number}").parse().unwrap();
        (
            format!("wetest{number}").parse().unwrap(),
            Port {
                peer,
                mac: mac(number),
                addresses: [v4(&format!("172.30.0.{number}"))].into(),
                forwards: false,
            },
        )
    };
    let egress = Egress {
        bridge: IfName::egress(),
        address: "172.30.0.1/16".parse().unwrap(),
        ports: [port(2), port(3)].into(),
    };
    Desired { egress: Some(egress), ..desired(&[]) }
}

async fn workload(host: &Host, number: u8) -> Netns {
    let netns = Netns::unnamed().unwrap();
    let setup = WorkloadLink {
        name: "eth1".parse().unwrap(),
        mac: None,
        addresses: vec![format!("172.30.0.{number}/16").parse().unwrap()],
        mtu: Mtu::ETHERNET,
        default_via: Some(v4("172.30.0.1")),
    };
    let peer = format!("wxtest{number}").parse().unwrap();
    wire_workload_from(&host.netns, &peer, &netns, setup).await.unwrap();
    netns
}

/// Something outside, at 198.51.100.2, which knows the way to the workloads.
fn outside(host: &Host) -> Netns {
    let outside = Netns::unnamed().unwrap();
    join(host, "eth0", &outside);
    host.run("ip addr add 198.51.100.1/24 dev eth0; ip link set eth0 up");
    run(&outside, "ip addr add 198.51.100.2/24 dev eth0; ip link set eth0 up");
    run(&outside, "ip route add 172.30.0.0/16 via 198.51.100.1");
    outside
}

fn socket(netns: &Netns, at: &str, patience: Duration) -> UdpSocket {
    let socket = netns.run(|| UdpSocket::bind(at).unwrap()).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket
}

#[tokio::test]
async fn workloads_leave_with_the_hosts_address_and_are_answered() {
    let host = Host::new();
    host.reach(&wanted()).await;
    let (workload, outside) = (workload(&host, 2).await, outside(&host));
    let sender = socket(&workload, "172.30.0.2:0", PATIENCE);
    let receiver = socket(&outside, "198.51.100.2:7000", PATIENCE);
    sender.send_to(b"hello", "198.51.100.2:7000").unwrap();
    let (_, from) = receiver.recv_from(&mut [0; 64]).unwrap();
    assert_eq!(from.ip(), v4("198.51.100.1"));
    receiver.send_to(b"hello", from).unwrap();
    assert_eq!(sender.recv_from(&mut [0; 64]).unwrap().0, 5);
    // Nobody outside begins a conversation.
    let other = socket(&workload, "172.30.0.2:7000", SHORTLY);
    receiver.send_to(b"hello", "172.30.0.2:7000").unwrap();
    assert!(other.recv_from(&mut [0; 64]).is_err());
}

#[tokio::test]
async fn workloads_do_not_reach_each_other_by_the_egress_bridge() {
    let host = Host::new();
    host.reach(&wanted()).await;
    let (one, other) = (workload(&host, 2).await, workload(&host, 3).await);
    let sender = socket(&one, "172.30.0.2:0", SHORTLY);
    let receiver = socket(&other, "172.30.0.3:7000", SHORTLY);
    sender.send_to(b"directly", "172.30.0.3:7000").unwrap();
    assert!(receiver.recv_from(&mut [0; 64]).is_err());
    run(&one, "ip route add 172.30.0.3/32 via 172.30.0.1");
    sender.send_to(b"by the gateway", "172.30.0.3:7000").unwrap();
    assert!(receiver.recv_from(&mut [0; 64]).is_err());
    let gateway = socket(&host.netns, "172.30.0.1:7000", PATIENCE);
    sender.send_to(b"to the gateway", "172.30.0.1:7000").unwrap();
    assert!(gateway.recv_from(&mut [0; 64]).is_ok());
}

/// Sends one datagram out and one back; then one from outside that nobody asked for.
fn leaves_and_is_not_reached(workload: &Netns, outside: &Netns, patience: Duration) -> bool {
    let sender = socket(workload, "172.30.0.2:0", PATIENCE);
    let receiver = socket(outside, "198.51.100.2:7000", patience);
    let other = socket(workload, "172.30.0.2:7000", SHORTLY);
    sender.send_to(b"hello", "198.51.100.2:7000").unwrap();
    let Ok((_, from)) = receiver.recv_from(&mut [0; 64]) else { return false };
    receiver.send_to(b"hello", from).unwrap();
    receiver.send_to(b"hello", "172.30.0.2:7000").unwrap();
    sender.recv_from(&mut [0; 64]).is_ok() && other.recv_from(&mut [0; 64]).is_err()
}

#[tokio::test]
async fn where_docker_filters_workloads_leave_through_its_chain_for_others() {
    let host = Host::new();
    host.reach(&wanted()).await;
    let (workload, outside) = (workload(&host, 2).await, outside(&host));
    host.start_dockers_filter();
    assert!(!leaves_and_is_not_reached(&workload, &outside, SHORTLY), "Docker filters");
    host.reach(&wanted()).await;
    assert!(leaves_and_is_not_reached(&workload, &outside, PATIENCE));
    for damage in [
        "iptables -F DOCKER-USER; iptables -A DOCKER-USER -j RETURN",
        "iptables -D DOCKER-USER 4",
        "iptables -I DOCKER-USER 1 -j RETURN",
    ] {
        host.run(damage);
        let plan = host.reach(&wanted()).await;
        assert_eq!(plan.len(), 1, "after `{damage}`:\n{plan}");
        assert!(leaves_and_is_not_reached(&workload, &outside, PATIENCE), "{damage}");
    }
    // What a person forbids stays forbidden.
    host.run("iptables -I DOCKER-USER -d 198.51.100.2 -j DROP");
    assert!(host.reach(&wanted()).await.is_empty());
    assert!(!leaves_and_is_not_reached(&workload, &outside, SHORTLY));
}

#[tokio::test]
async fn dockers_bridges_stay_dockers_business() {
    let host = Host::new();
    host.start_dockers_filter();
    host.reach(&wanted()).await;
    let workload = workload(&host, 2).await;
    let container = Netns::unnamed().unwrap();
    join(&host, "vc", &container);
    host.run(
        "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; \
         ip link set vc master docker0 up; ip link set docker0 up",
    );
    run(&container, "ip addr add 172.17.0.2/16 dev eth0; ip link set eth0 up");
    run(&container, "ip route add default via 172.17.0.1");
    let sender = socket(&workload, "172.30.0.2:0", SHORTLY);
    let receiver = socket(&container, "172.17.0.2:7000", SHORTLY);
    sender.send_to(b"hello", "172.17.0.2:7000").unwrap();
    assert!(receiver.recv_from(&mut [0; 64]).is_err(), "Docker would have dropped it");
    host.run("iptables -A FORWARD -o docker0 -p udp --dport 7000 -j ACCEPT");
    sender.send_to(b"hello", "172.17.0.2:7000").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(receiver.recv_from(&mut [0; 64]).is_ok(), "a published port is open to all");
}
