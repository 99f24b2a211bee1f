//! What others do is heard within a second.
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

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use support::{Host, desired, vni};
use tokio::time::timeout;
use weft_kernel::{Disturbance, Kernel};

const PROMPT: Duration = Duration::from_secs(1);

/// Waits for one disturbance among others.
async fn check(heard: &mut BoxStream<'static, Disturbance>, expected: Disturbance) {
    let wanted = async { while heard.next().await.expect("the stream goes on") != expected {} };
    timeout(PROMPT, wanted).await.unwrap_or_else(|_| panic!("{expected:?} is not heard"));
}

/// Waits until there was nothing to hear for a while.
async fn quiet(heard: &mut BoxStream<'static, Disturbance>) {
    while timeout(Duration::from_millis(600), heard.next()).await.is_ok() {}
}

#[tokio::test]
async fn what_others_change_is_heard() {
    let host = Host::new();
    host.reach(&desired(&[5000])).await;
    let mut heard = host.linux.watch();
    quiet(&mut heard).await;
    for (command, expected) in [
        ("bridge fdb del 02:00:00:00:00:02 dev vx0", Disturbance::Segment(vni(5000))),
        ("ip neigh del 10.9.0.2 dev vx0", Disturbance::Segment(vni(5000))),
        ("ip link set vx0 down", Disturbance::Segment(vni(5000))),
        ("ip link set br0 type bridge stp_state 1", Disturbance::Segment(vni(5000))),
    ] {
        host.run_in(5000, command);
        check(&mut heard, expected).await;
        quiet(&mut heard).await;
    }
    host.run("nft delete table inet weft");
    check(&mut heard, Disturbance::Firewall).await;
    host.run("ip addr add 192.0.2.1/32 dev lo");
    check(&mut heard, Disturbance::Host).await;
    quiet(&mut heard).await;
    host.start_dockers_filter();
    check(&mut heard, Disturbance::Firewall).await;
    quiet(&mut heard).await;
    host.run("iptables -F DOCKER-USER");
    check(&mut heard, Disturbance::Firewall).await;
}

#[tokio::test]
async fn a_kernel_that_nobody_touches_is_silent() {
    let host = Host::new();
    let mut heard = host.linux.watch();
    host.reach(&desired(&[5000])).await;
    quiet(&mut heard).await;
    host.reach(&desired(&[5000])).await;
    host.run("nft add table ip others; ip link add other type veth peer name another");
    assert!(timeout(PROMPT, heard.next()).await.is_err());
}

#[tokio::test]
async fn the_watch_follows_segments_as_they_come_and_go() {
    let host = Host::new();
    let mut heard = host.linux.watch();
    host.reach(&desired(&[5000])).await;
    check(&mut heard, Disturbance::Segment(vni(5000))).await;
    quiet(&mut heard).await;
    host.run_in(5000, "ip link set br0 down");
    check(&mut heard, Disturbance::Segment(vni(5000))).await;
    host.reach(&desired(&[5000])).await;
    quiet(&mut heard).await;
    let path = host.directory.path().join("weft-5000");
    nix::mount::umount2(&path, nix::mount::MntFlags::MNT_DETACH).unwrap();
    check(&mut heard, Disturbance::Namespaces).await;
    host.reach(&desired(&[])).await;
    check(&mut heard, Disturbance::Namespaces).await;
}

#[tokio::test]
async fn two_watches_hear_the_same() {
    let host = Host::new();
    let (mut one, mut other) = (host.linux.watch(), host.linux.watch());
    host.run("nft add table inet weft");
    check(&mut one, Disturbance::Firewall).await;
    check(&mut other, Disturbance::Firewall).await;
}
