//! Whatever others do to Weft's part of the kernel is seen and mended.
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

use support::programs::takes_programs;
use support::{Host, desired, mac, v4, vni, with_egress};
use weft_kernel::{ApplyError, Kernel, Netns};
use weft_plan::{Change, Plan, diff};

const VNI: u32 = 5000;

/// After `command` there is something to do, and the plan does it.
async fn check(host: &Host, command: &str, expected: &str) {
    let wanted = desired(&[VNI, VNI + 1]);
    host.reach(&wanted).await;
    let port = wanted.segments[&vni(VNI)].ports.keys().next().unwrap().to_string();
    host.run_in(VNI, &command.replace("PORT", &port));
    let plan = host.reach(&wanted).await;
    let told = plan.to_string();
    assert!(told.contains(expected), "`{command}` leads to:\n{told}");
    assert!(plan.changes.iter().all(|change| change.vni() == Some(vni(VNI))), "{told}");
}

#[tokio::test]
async fn entries_that_others_change_are_put_right() {
    let host = Host::new();
    let mac = mac(2);
    for (command, expected) in [
        ("bridge fdb del 02:00:00:00:00:02 dev vx0", "02:00:00:00:00:02 is at host 192.0.2.2"),
        ("bridge fdb replace 02:00:00:00:00:02 dev vx0 dst 192.0.2.9", "is at host 192.0.2.2"),
        (
            "bridge fdb replace 02:00:00:00:00:02 dev vx0 dst 192.0.2.2 port 9",
            "is at host 192.0.2.2",
        ),
        (
            "bridge fdb replace 02:00:00:00:00:02 dev vx0 dst 192.0.2.2 vni 9",
            "is at host 192.0.2.2",
        ),
        (
            "bridge fdb replace 02:00:00:00:00:02 dev vx0 dst 192.0.2.2 dynamic",
            "is at host 192.0.2.2",
        ),
        (
            "bridge fdb add 02:00:00:00:00:07 dev vx0 dst 192.0.2.9",
            "02:00:00:00:00:07 is at no host",
        ),
        (
            "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.9; bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.8",
            "is at no host",
        ),
        ("ip neigh del 10.9.0.2 dev vx0", "10.9.0.2 is 02:00:00:00:00:02"),
        (
            "ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:09 nud permanent dev vx0",
            "10.9.0.2 is 02",
        ),
        (
            "ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 nud reachable dev vx0",
            "10.9.0.2 is 02",
        ),
        ("ip neigh del fd00::2 dev vx0", "fd00::2 is 02:00:00:00:00:02"),
        (
            "ip neigh add 10.9.0.7 lladdr 02:00:00:00:00:07 nud permanent dev vx0",
            "10.9.0.7 is nobody's",
        ),
    ] {
        check(&host, command, expected).await;
    }
    assert_eq!(mac.to_string(), "02:00:00:00:00:02");
}

#[tokio::test]
async fn interfaces_that_others_change_are_put_right() {
    let host = Host::new();
    // Kernels that take no programs do not tell of this either.
    if takes_programs().await {
        let command = "ip link set PORT type bridge_slave locked off";
        check(&host, command, "from any station").await;
    }
    for (command, expected) in [
        ("ip link set vx0 down", "it is down"),
        ("ip link set br0 down", "it is down"),
        ("ip link set PORT down", "it is down"),
        ("ip link set PORT nomaster", "no port of its bridge"),
        ("ip link set vx0 nomaster", "no port of its bridge"),
        ("ip link set vx0 mtu 1200", "its MTU is 1200"),
        ("ip link set PORT mtu 1200", "its MTU is 1200"),
        ("ip link set br0 mtu 1200", "its MTU is 1200"),
        ("ip link set br0 type bridge stp_state 1 forward_delay 300", "spanning tree"),
        ("ip link set br0 type bridge mcast_snooping 1", "multicast snooping"),
        ("ip link set PORT type bridge_slave learning on", "learning is on"),
        ("ip link set PORT type bridge_slave flood on", "flooding"),
        ("ip link set PORT type bridge_slave isolated on", "isolated"),
        ("ip link set vx0 type bridge_slave learning on", "learning is on"),
        ("ip link set vx0 type bridge_slave flood off", "flooding"),
        ("ip link set vx0 type vxlan id 5000 learning", "learning is on"),
        ("bridge fdb del 02:00:00:00:00:01 dev PORT master", "stations"),
        ("bridge fdb add 02:00:00:00:00:08 dev PORT master static", "stations"),
        ("bridge fdb replace 02:00:00:00:00:01 dev vx0 master static", "stations"),
        ("echo 1 > /proc/sys/net/ipv6/conf/vx0/disable_ipv6", "IPv6"),
        ("echo 0 > /proc/sys/net/ipv6/conf/br0/disable_ipv6", "IPv6"),
        ("echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables", "packet filter"),
    ] {
        check(&host, command, expected).await;
    }
}

#[tokio::test]
async fn interfaces_that_others_remove_or_replace_are_made_again() {
    let host = Host::new();
    for (command, expected) in [
        ("ip link del vx0", "make VXLAN device vx0"),
        ("ip link del br0", "make the bridge"),
        ("ip link del PORT", "make port"),
        ("ip link add wpffffffffffe type veth peer name strange", "remove port wpffffffffffe"),
        (
            "ip link add strange type veth peer name odd; ip link set odd master br0",
            "remove port odd",
        ),
        (
            "ip link del vx0; ip link add vx0 mtu 1450 type vxlan id 5000 local 192.0.2.1 dstport 4789",
            "not in the host's namespace",
        ),
        (
            "ip link del vx0; ip link add vx0 type vxlan id 77 remote 192.0.2.9 dstport 4789",
            "default destination",
        ),
        ("ip link del br0; ip link add br0 type veth peer name odd", "of another kind"),
    ] {
        check(&host, command, expected).await;
    }
}

#[tokio::test]
async fn a_table_that_others_change_is_put_right() {
    let host = Host::new();
    let wanted = desired(&[]);
    for command in [
        "nft delete table inet weft",
        "nft flush chain inet weft guard",
        "nft add element inet weft peers { 192.0.2.9 }",
        "nft insert rule inet weft guard accept",
        "nft add rule inet weft guard udp dport 4789 accept",
        "nft add chain inet weft more",
        "nft flush set inet weft peers",
        "nft flush ruleset",
    ] {
        host.reach(&wanted).await;
        host.run(command);
        let plan = host.reach(&wanted).await;
        assert_eq!(plan.len(), 1, "`{command}` leads to:\n{plan}");
    }
}

#[tokio::test]
async fn a_table_that_is_right_is_not_written_again() {
    let host = Host::new();
    let wanted = desired(&[]);
    host.reach(&wanted).await;
    host.run("ip addr add 192.0.2.1/24 dev lo; nft add table ip others");
    assert_eq!(host.reach(&wanted).await, Plan::default());
    // Another agent, which did not write it, reads the same.
    let other = weft_kernel::Linux::at(host.netns.clone(), host.directory.path()).unwrap();
    assert_eq!(diff(&wanted, &other.observe().await.unwrap()), Plan::default());
}

#[tokio::test]
async fn half_made_segments_are_completed() {
    let host = Host::new();
    let wanted = desired(&[VNI]);
    let whole = diff(&wanted, &host.observe().await);
    for length in 0..=whole.len() {
        let prefix = Plan { changes: whole.changes[..length].to_vec() };
        assert!(host.linux.apply(&prefix).await.failures.is_empty());
        host.reach(&wanted).await;
        let plan = weft_plan::teardown(&host.observe().await);
        assert!(host.linux.apply(&plan).await.failures.is_empty());
    }
}

#[tokio::test]
async fn namespaces_of_which_only_the_name_is_left_are_made_again() {
    let host = Host::new();
    let wanted = desired(&[VNI]);
    host.reach(&wanted).await;
    let path = host.directory.path().join("weft-5000");
    nix::mount::umount2(&path, nix::mount::MntFlags::MNT_DETACH).unwrap();
    let plan = host.reach(&wanted).await;
    assert!(plan.to_string().contains("make namespace"), "{plan}");
    nix::mount::umount2(&path, nix::mount::MntFlags::MNT_DETACH).unwrap();
    std::fs::remove_file(&path).unwrap();
    host.reach(&wanted).await;
}

#[tokio::test]
async fn namespaces_of_no_network_are_removed_and_others_left_alone() {
    let host = Host::new();
    host.reach(&desired(&[VNI])).await;
    Netns::create_in(host.directory.path(), "weft-6000").unwrap();
    Netns::create_in(host.directory.path(), "weft-thing").unwrap();
    Netns::create_in(host.directory.path(), "weft-1").unwrap();
    let plan = host.reach(&desired(&[VNI])).await;
    assert_eq!(plan.changes, [Change::RemoveSegment(vni(6000))]);
    host.reach(&desired(&[])).await;
    let left: Vec<_> = std::fs::read_dir(host.directory.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 2);
}

#[tokio::test]
async fn the_egress_bridge_is_put_right() {
    let host = Host::new();
    let wanted = with_egress(desired(&[]));
    for command in [
        "ip link set wetest type bridge_slave isolated off",
        "ip link set weft-egress down",
        "ip addr flush dev weft-egress",
        "ip addr add 10.1.1.1/24 dev weft-egress",
        "echo 0 > /proc/sys/net/ipv4/ip_forward",
        "ip link del weft-egress",
        "ip link del wxtest",
        "nft delete chain inet weft forward",
    ] {
        host.reach(&wanted).await;
        host.run(command);
        assert!(!host.reach(&wanted).await.is_empty(), "`{command}` is not seen");
    }
}

#[tokio::test]
async fn a_vxlan_number_that_somebody_has_is_an_error_with_a_hint() {
    let host = Host::new();
    host.run("ip link add theirs type vxlan id 5000 local 192.0.2.1 dstport 4789");
    let plan = diff(&desired(&[VNI]), &host.observe().await);
    let failures = host.linux.apply(&plan).await.failures;
    let taken =
        failures.iter().find(|failure| matches!(failure.error, ApplyError::VniTaken { .. }));
    let hint = taken.expect("the number is taken").error.hint();
    assert!(hint.contains("weft init --vxlan-port"), "{hint}");
    host.run("ip link del theirs");
    host.reach(&desired(&[VNI])).await;
}

#[tokio::test]
async fn a_udp_port_that_somebody_has_is_an_error_with_a_hint() {
    let host = Host::new();
    let socket = host.netns.run(|| std::net::UdpSocket::bind("0.0.0.0:4789").unwrap()).unwrap();
    let plan = diff(&desired(&[VNI]), &host.observe().await);
    let failures = host.linux.apply(&plan).await.failures;
    let taken =
        failures.iter().find(|failure| matches!(failure.error, ApplyError::PortTaken { .. }));
    let error = &taken.expect("the port is taken").error;
    assert!(error.to_string().contains("UDP port 4789 is in use"), "{error}");
    assert!(error.hint().contains("weft init --vxlan-port"));
    drop(socket);
    host.reach(&desired(&[VNI])).await;
}

#[tokio::test]
async fn thousands_of_entries_are_one_batch() {
    let host = Host::new();
    let mut wanted = desired(&[VNI]);
    let segment = wanted.segments.get_mut(&vni(VNI)).unwrap();
    for number in 0..5000_u16 {
        let [high, low] = number.to_be_bytes();
        let mac = weft_model::MacAddr([0x06, 0, 0, 0, high, low]);
        segment.fdb.insert(mac, weft_model::Vtep(v4("192.0.2.2")));
        segment.neighbors.insert(std::net::Ipv4Addr::new(10, 9, high + 1, low).into(), mac);
    }
    host.reach(&wanted).await;
    host.reach(&desired(&[VNI])).await;
}
