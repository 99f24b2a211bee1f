//! The guard where packets pass: at interfaces that come and go, and whatever others do.
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

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use futures::StreamExt;
use support::pair::{PATIENCE, VNI};
use support::programs::{attachments, takes_programs};
use support::underlay::{
    beside_stranger, check_stranger_is_dropped, dropped, guarded, send, with_underlay,
};
use support::{Host, desired, mac, run, v4};
use weft_kernel::{Attachment, Kernel, Netns, WorkloadLink, wire_workload_from};
use weft_path::Reason;
use weft_plan::{GateSeen, Plan, diff};

#[tokio::test]
async fn an_interface_that_appears_is_guarded_and_a_flushed_ruleset_opens_nothing() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let wanted = desired(&[VNI]);
        let (host, outside) = with_underlay(by, &wanted).await;
        let plan = host.reach(&wanted).await;
        assert_eq!(
            plan.to_string(),
            "guard every interface: port 4789, 2 peers, 2 ports of the agent\n"
        );
        host.run("nft flush ruleset");
        check_stranger_is_dropped(&host, &outside).await;
    }
}

#[tokio::test]
async fn where_programs_cannot_stand_the_packet_filter_lets_in_members_alone() {
    let wanted = desired(&[VNI]);
    let (host, outside) = beside_stranger(Host::without_programs(), &wanted).await;
    host.reach(&wanted).await;
    let gate = host.observe().await.gate;
    assert!(matches!(gate, GateSeen::Impossible(_)), "{gate:?}");
    check_stranger_is_dropped(&host, &outside).await;
}

#[tokio::test]
async fn the_guard_outlives_its_agent_and_is_found_by_the_next() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let wanted = desired(&[VNI]);
        let (host, outside) = guarded(by, &wanted).await;
        let before = host.linux.drops().await.unwrap();
        check_stranger_is_dropped(&host, &outside).await;
        let next = host.next();
        assert_eq!(diff(&wanted, &next.observe().await.unwrap()), Plan::default());
        let drops = next.drops().await.unwrap();
        assert_eq!(drops[&Reason::UnknownPeer], before[&Reason::UnknownPeer] + 1);
    }
}

#[tokio::test]
async fn a_drop_is_told_with_what_is_known_of_it() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let wanted = desired(&[VNI]);
        let (host, outside) = with_underlay(by, &wanted).await;
        let mut samples = host.linux.drop_samples();
        host.reach(&wanted).await;
        send(&outside, "192.0.2.1:4789");
        let told = tokio::time::timeout(PATIENCE, samples.next()).await;
        let sample = told.expect("it is told").unwrap();
        assert_eq!((sample.reason, sample.interface.as_str()), (Reason::UnknownPeer, "eth0"));
        assert_eq!(
            (sample.vni, sample.outer_source),
            (Some(support::vni(VNI)), Some(v4("192.0.2.77")))
        );
        assert_eq!(sample.source_mac, mac(2));
        assert!(sample.at.elapsed().unwrap() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn bridges_of_workloads_lead_neither_to_tunnels_nor_to_the_agent() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let wanted = desired(&[VNI]);
        let (host, outside) = with_underlay(by, &wanted).await;
        // The same wire, but a bridge of Docker's kind has its end: no peer is behind that.
        host.run(
            "ip addr flush dev eth0; ip link add docker_gwbridge type bridge; \
         ip link set eth0 master docker_gwbridge; ip link set docker_gwbridge up; \
         ip addr add 172.18.0.1/16 dev docker_gwbridge",
        );
        run(&outside, "ip addr flush dev eth0; ip addr add 172.18.0.2/16 dev eth0");
        host.reach(&wanted).await;
        let inbox = host.netns.run(|| UdpSocket::bind("172.18.0.1:7000").unwrap()).unwrap();
        inbox.set_read_timeout(Some(PATIENCE)).unwrap();
        send(&outside, "172.18.0.1:7000");
        inbox.recv(&mut [0; 100]).expect("other ports are reached");
        // Where bridged frames go through the packet filter, that has the first word.
        host.run("nft flush ruleset");
        for (to, reason) in
            [("172.18.0.1:4789", Reason::NotUnderlay), ("172.18.0.1:4788", Reason::ControlPort)]
        {
            let drops = dropped(&host, || send(&outside, to)).await;
            assert_eq!(drops, BTreeMap::from([(reason, 1)]), "{to}");
        }
    }
}

#[tokio::test]
async fn a_workload_that_forges_is_counted_and_its_own_packets_go_on() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let wanted = desired(&[VNI]);
        let host = Host::attaching_by(by);
        host.reach(&wanted).await;
        let workload = Netns::unnamed().unwrap();
        let setup = WorkloadLink {
            name: "eth0".parse().unwrap(),
            mac: None,
            addresses: vec!["10.9.0.1/24".parse().unwrap()],
            mtu: 1450.try_into().unwrap(),
            default_via: None,
        };
        let port = wanted.segments.values().next().unwrap().ports.values().next().unwrap();
        wire_workload_from(&host.netns, &port.peer, &workload, setup).await.unwrap();
        run(&workload, "ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev eth0");
        let before = host.linux.drops().await.unwrap();
        send(&workload, "10.9.0.2:7000");
        run(&workload, "ip addr add 10.9.0.66/24 dev eth0");
        let socket = workload.run(|| UdpSocket::bind("10.9.0.66:0").unwrap()).unwrap();

        let deadline = Instant::now() + PATIENCE;
        let count = |drops: &BTreeMap<Reason, u64>| drops[&Reason::SpoofedAddress];
        socket.send_to(b"forged", "10.9.0.2:7000").unwrap();
        // Its IPv6 is dropped all the while, for another reason.
        while count(&host.linux.drops().await.unwrap()) == count(&before) {
            assert!(Instant::now() < deadline, "what is forged passes");
        }
        assert_eq!(count(&host.linux.drops().await.unwrap()), count(&before) + 1);
    }
}

#[tokio::test]
async fn a_link_that_others_take_away_is_put_back() {
    if !takes_programs().await {
        return;
    }
    if !attachments().contains(&Attachment::Tcx) {
        return;
    }
    let wanted = desired(&[VNI]);
    let (host, _outside) = guarded(Attachment::Tcx, &wanted).await;
    for entry in std::fs::read_dir(host.pins().join("links")).unwrap().flatten() {
        std::fs::remove_file(entry.path()).unwrap();
        let plan = diff(&wanted, &host.observe().await);
        let deadline = Instant::now() + PATIENCE;
        // The kernel lets go of a program some time after its last pin; until then it stands.
        while !host.linux.apply(&plan).await.failures.is_empty() {
            assert!(Instant::now() < deadline, "{plan}");
        }
        assert_eq!(host.reach(&wanted).await, Plan::default());
        let plan = plan.to_string();
        assert!(plan.contains("is not guarded") || plan.contains("guard every"), "{plan}");
    }
}
