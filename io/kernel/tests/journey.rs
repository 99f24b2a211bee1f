//! Two hosts, one endpoint each: frames arrive, and nothing floods.
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

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use support::pair::{
    Cable, PATIENCE, Side, carries, check_arrives, check_crossing, pair, socket, until,
};
use support::programs::takes_programs;
use support::{Host, run, v4};
use weft_kernel::capture::Capture;
use weft_kernel::{Attachment, host};
use weft_model::Mtu;
use weft_path::Reason;

#[tokio::test]
async fn frames_arrive_and_neither_arp_nor_discovery_crosses_the_underlay() {
    let (a, b) = pair().await;
    let mut cable = Capture::open(&a.host.netns, "eth0").unwrap();
    for (from, at, to) in [
        ("10.9.0.1:0", "10.9.0.2:7000", "10.9.0.2:7000"),
        ("[fd00::1]:0", "[fd00::2]:7000", "[fd00::2]:7000"),
    ] {
        let (sender, receiver) = (socket(&a.workload, from), socket(&b.workload, at));
        check_arrives(&sender, &receiver, to);
        let back = sender.local_addr().unwrap().to_string();
        check_arrives(&receiver, &sender, &back);
    }
    // An address that nobody has, asked for before the last datagram is sent.
    let sender = socket(&a.workload, "10.9.0.1:0");
    sender.send_to(b"nobody", "10.9.0.77:7000").unwrap();
    let receiver = socket(&b.workload, "10.9.0.2:7001");
    sender.send_to(b"the end", "10.9.0.2:7001").unwrap();
    receiver.recv_from(&mut [0; 64]).unwrap();
    let frames = until(&mut cable, b"the end");
    check_crossing(&frames);
    let inner_icmp =
        |frame: &Vec<u8>| carries(frame, [0x86, 0xdd]) && frame.get(50 + 14 + 6) == Some(&58);
    assert!(!frames.iter().any(inner_icmp), "neighbour discovery crosses");
}

#[tokio::test]
async fn vxlan_of_strangers_is_counted_and_dropped() {
    let (a, b) = pair().await;
    let (sender, receiver) =
        (socket(&a.workload, "10.9.0.1:0"), socket(&b.workload, "10.9.0.2:7000"));
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
    let mut without = b.desired.clone();
    without.guard.peers.clear();
    b.host.reach(&without).await;
    receiver.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    sender.send_to(b"hello", "10.9.0.2:7000").unwrap();
    let silence = receiver.recv_from(&mut [0; 64]).unwrap_err();
    assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    let drops = b.host.linux.drops().await.unwrap();
    assert_eq!(drops[&Reason::UnknownPeer], 1, "{drops:?}");
    // The packet filter does the same where the programs are not, and counts too.
    if takes_programs().await {
        take_programs_away(&b.host);
    }
    let deadline = Instant::now() + PATIENCE;
    let rules = loop {
        // The kernel lets go of a program some time after its last pin.
        sender.send_to(b"hello", "10.9.0.2:7000").unwrap();
        assert!(receiver.recv_from(&mut [0; 64]).is_err());
        let rules = b.host.run("nft list chain inet weft vxlan");
        if !rules.contains("@peers counter packets 0 ") {
            break rules;
        }
        assert!(Instant::now() < deadline, "{rules}");
    };
    let drops = b.host.linux.drops().await.unwrap();
    assert!(drops[&Reason::UnknownPeer] > 1, "{drops:?}");
    // What is right is left alone, and so its counters are.
    b.host.reach(&without).await;
    assert_eq!(b.host.run("nft list chain inet weft vxlan"), rules);
    assert_eq!(b.host.linux.drops().await.unwrap(), drops);
}

fn take_programs_away(host: &Host) {
    let links = host.pins().join("links");
    match host.linux.attachment() {
        Attachment::Tcx => {
            std::fs::remove_dir_all(&links).unwrap();
            std::fs::create_dir(&links).unwrap();
        }
        Attachment::Clsact => drop(host.run("tc qdisc del dev eth0 clsact")),
    }
}

#[tokio::test]
async fn the_hosts_do_not_track_vxlan_of_members() {
    let (a, b) = pair().await;
    let count = |state| format!("udp dport 4789 ct state {state} counter");
    for host in [&a.host, &b.host] {
        host.run("nft add table inet probe");
        for hook in ["input", "output"] {
            host.run(&format!(
                "nft 'add chain inet probe {hook} {{ type filter hook {hook} priority 0; }}'"
            ));
            for state in ["untracked", "new,established,related"] {
                host.run(&format!("nft add rule inet probe {hook} {}", count(state)));
            }
        }
    }
    let (sender, receiver) =
        (socket(&a.workload, "10.9.0.1:0"), socket(&b.workload, "10.9.0.2:7000"));
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
    for (host, hook) in [(&a.host, "output"), (&b.host, "input")] {
        let rules = host.run(&format!("nft list chain inet probe {hook}"));
        let counters: Vec<&str> = rules.lines().filter(|line| line.contains("counter")).collect();
        assert_eq!(counters.len(), 2, "{rules}");
        assert!(!counters[0].contains("packets 0 "), "{hook} sees no VXLAN: {rules}");
        assert!(counters[1].contains("packets 0 "), "{hook} tracks VXLAN: {rules}");
    }
}

#[tokio::test]
async fn frames_with_anothers_address_as_their_sender_are_dropped() {
    if !takes_programs().await {
        return;
    }
    let (a, b) = pair().await;
    let (sender, receiver) =
        (socket(&a.workload, "10.9.0.1:0"), socket(&b.workload, "10.9.0.2:7000"));
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
    run(&a.workload, "ip link set eth0 address 06:00:00:00:00:77");
    run(&a.workload, "ip neigh replace 10.9.0.2 lladdr 06:00:00:00:00:02 dev eth0");
    receiver.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    sender.send_to(b"hello", "10.9.0.2:7000").unwrap();
    assert!(receiver.recv_from(&mut [0; 64]).is_err());
    run(&a.workload, "ip link set eth0 address 06:00:00:00:00:01");
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
}

#[tokio::test]
async fn a_running_conversation_outlives_a_new_agent() {
    let (a, b) = pair().await;
    let (sender, receiver) =
        (socket(&a.workload, "10.9.0.1:0"), socket(&b.workload, "10.9.0.2:7000"));
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
    let Side { host, desired, .. } = a;
    let again = weft_kernel::Linux::at(host.netns.clone(), host.directory.path()).unwrap();
    assert!(support::reach(&again, &desired).await.is_empty());
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
}

#[tokio::test]
async fn the_host_tells_its_ways_and_addresses() {
    let (a, _b) = pair().await;
    a.host.run("ip route add 198.51.100.0/24 via 192.0.2.2 mtu 1400");
    let netns = &a.host.netns;
    let path = host::path_to_in(netns, v4("192.0.2.2")).await.unwrap();
    assert_eq!(
        (path.device.as_str(), path.mtu, path.source),
        ("eth0", Mtu::ETHERNET, Cable::Four.underlay(1))
    );
    let path = host::path_to_in(netns, v4("198.51.100.1")).await.unwrap();
    assert_eq!((path.mtu.bytes(), path.source), (1400, Cable::Four.underlay(1)));
    let none = host::path_to_in(netns, v4("203.0.113.1")).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NetworkUnreachable);
    let routes = host::routes_in(netns).await.unwrap();
    assert!(routes.contains(&"192.0.2.0/24".parse().unwrap()), "{routes:?}");
    assert!(routes.contains(&"198.51.100.0/24".parse().unwrap()), "{routes:?}");
    let addresses = host::addresses_in(netns).await.unwrap();
    assert_eq!(addresses, ["192.0.2.1/24".parse().unwrap()]);
    assert_eq!(host::missing_features(), []);
    // What is asked without a namespace is asked of the calling thread's.
    let file = netns.run(|| std::fs::File::open("/proc/thread-self/ns/net").unwrap()).unwrap();
    let taken = std::thread::spawn(move || {
        setns(&file, CloneFlags::CLONE_NEWNET).unwrap();
        host::udp_port_taken(4789)
    });
    assert!(taken.join().unwrap().unwrap().contains("a tunnel of the kernel's"));
    assert!(run(netns, "ip link show eth0").contains("eth0"));
}
