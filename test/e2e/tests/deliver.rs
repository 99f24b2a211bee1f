//! Last hop: the frame goes into the container's interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Kind, Ping, Plain, eventually};
use weft_kernel::capture::Capture;
use weft_wire::Decoded;

/// Within this time a change at one host is in the kernels of all.
const SOON: Duration = Duration::from_secs(5);
/// Where a workload listens.
const PORT: u16 = 7777;

#[tokio::test(flavor = "multi_thread")]
async fn containers_on_different_hosts_find_and_reach_each_other_by_name() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();

    assert_eq!(c1.resolve("c2").await.unwrap(), [c2.address("app").await.unwrap()]);
    assert_eq!(c2.resolve("c1.app").await.unwrap(), [c1.address("app").await.unwrap()]);
    assert_eq!(c1.ping("c2", 3).await.unwrap(), Ping { sent: 3, received: 3 });
    assert_eq!(c2.ping("c1", 3).await.unwrap(), Ping { sent: 3, received: 3 });
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_frame_gets_from_one_network_into_another() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let subnet = ["10.98.0.0/24", "10.99.0.0/24"];
    let a = cluster.network("a", &["--subnet", subnet[0]]).await.unwrap();
    cluster.network("b", &["--subnet", subnet[1]]).await.unwrap();
    let a1 = cluster.plain("h1", "a", "a1", &[]).await.unwrap();
    let a2 = cluster.plain("h2", "a", "a2", &[]).await.unwrap();
    let b1 = cluster.plain("h1", "b", "b1", &[]).await.unwrap();
    let b2 = cluster.plain("h2", "b", "b2", &[]).await.unwrap();
    for (from, to) in [(&a1, &a2), (&b1, &b2)] {
        eventually(SOON, || from.reaches(to)).await.unwrap();
    }
    let (near, far) = (b1.address, b2.address);
    assert_eq!(a1.ping(near, 1).await.unwrap().received, 0, "on the same host");
    assert_eq!(a1.ping(far, 1).await.unwrap().received, 0, "on the other host");

    // Also not if it insists: the other network's addresses and stations made its own neighbours.
    ip(&a1, &["route", "add", subnet[1], "dev", "eth0"]);
    for to in [&b1, &b2] {
        let (address, mac) = (to.address.to_string(), to.mac.to_string());
        ip(&a1, &["neigh", "replace", &address, "lladdr", &mac, "dev", "eth0"]);
    }
    let inboxes = [listen(&b1), listen(&b2)];
    let mut tried = cluster.outlet(a1.host, a.vni, "a1").await.unwrap();
    let mut seen = [&b1, &b2].map(|on| Capture::open(&on.netns, "eth0").unwrap());
    for (from, to) in [(&a1, &b1), (&a1, &b2), (&b1, &b2)] {
        send(from, to);
    }
    // b1's own arrives, and before it nothing did.
    assert_eq!(heard(&inboxes[1]), "b1");
    inboxes[0].set_nonblocking(true).unwrap();
    assert!(inboxes[0].recv(&mut [0; 8]).is_err(), "a1's datagram was delivered to b1");
    assert!(any_from(&mut tried, &a1), "a1's frames went into its own network");
    assert!(!seen.iter_mut().any(|capture| any_from(capture, &a1)), "a1's frame in network b");
    cluster.down().await.unwrap();
}

fn ip(inside: &Plain<'_>, arguments: &[&str]) {
    let status = inside.netns.run(|| Command::new("ip").args(arguments).status());
    assert!(status.unwrap().unwrap().success(), "ip {arguments:?}");
}

fn listen(at: &Plain<'_>) -> UdpSocket {
    let socket = at.netns.run(|| UdpSocket::bind((at.address, PORT))).unwrap().unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    socket
}

/// Sends its own name.
fn send(from: &Plain<'_>, to: &Plain<'_>) {
    let send =
        || UdpSocket::bind((from.address, 0))?.send_to(from.name.as_bytes(), (to.address, PORT));
    from.netns.run(send).unwrap().unwrap();
}

fn heard(inbox: &UdpSocket) -> String {
    let mut text = [0; 64];
    let length = inbox.recv(&mut text).expect("a datagram was to arrive");
    String::from_utf8_lossy(&text[..length]).into_owned()
}

/// Whether a frame of the workload's passed so far.
fn any_from(capture: &mut Capture, workload: &Plain<'_>) -> bool {
    std::iter::from_fn(|| capture.next(Instant::now()))
        .any(|frame| Decoded::parse(&frame).unwrap().ethernet.source == workload.mac)
}
