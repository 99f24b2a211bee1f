//! The guard where the kernel has no TCX: filters at interfaces that others use too.
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

use futures::StreamExt;
use support::pair::{PATIENCE, VNI};
use support::programs::{attachments, takes_programs};
use support::underlay::{check_stranger_is_dropped, guarded, with_underlay};
use support::{Host, desired, reach, root, run};
use tokio::time::timeout;
use weft_kernel::{Attachment, Disturbance, Kernel, Netns};
use weft_plan::{diff, teardown};

const OTHERS: &str = "protocol ip u32 match ip dst 203.0.113.1/32 flowid 1:1";

fn filters(netns: &Netns, device: &str) -> String {
    run(netns, &format!("tc filter show dev {device} ingress"))
}

fn qdiscs(netns: &Netns, device: &str) -> String {
    run(netns, &format!("tc qdisc show dev {device} clsact"))
}

async fn take_down(host: &Host) {
    let applied = host.linux.apply(&teardown(&host.observe().await)).await;
    assert!(applied.failures.is_empty(), "{:#?}", applied.failures);
}

/// The names of a network's ports, which have no other way of being guarded.
fn ports(host: &Host) -> Vec<String> {
    let links = host.run_in(VNI, "ls /sys/class/net/ || true; ip -o link");
    let names = links.lines().filter_map(|line| line.split(": ").nth(1));
    let names = names.map(|name| name.split('@').next().unwrap().to_owned());
    names.filter(|name| name.starts_with("wp")).collect()
}

#[tokio::test]
async fn a_filter_or_its_qdisc_that_others_remove_is_heard_of_and_put_back() {
    if !takes_programs().await {
        return;
    }
    let wanted = desired(&[VNI]);
    let (host, outside) = guarded(Attachment::Clsact, &wanted).await;
    let segment = host.segment(VNI);
    let port = &ports(&host)[0];
    let mut heard = host.linux.watch();
    for (netns, device, disturbance) in [
        (&host.netns, "eth0", Disturbance::Host),
        (&segment, port, Disturbance::Segment(support::vni(VNI))),
    ] {
        for removal in ["filter del dev DEVICE ingress pref 1", "qdisc del dev DEVICE clsact"] {
            run(netns, &format!("tc {}", removal.replace("DEVICE", device)));
            let wanted_sound =
                async { while heard.next().await.expect("the stream goes on") != disturbance {} };
            timeout(PATIENCE, wanted_sound).await.expect("it is heard of");
            assert_eq!(filters(netns, device), "", "{removal}");
            let plan = host.reach(&wanted).await.to_string();
            assert!(plan.contains("is not guarded") || plan.contains("guard every"), "{plan}");
            assert!(filters(netns, device).contains("weft-"), "{removal}");
        }
    }
    check_stranger_is_dropped(&host, &outside).await;
}

#[tokio::test]
async fn what_others_have_at_an_interface_stays_when_the_guard_goes() {
    if !takes_programs().await {
        return;
    }
    let wanted = desired(&[VNI]);
    let (host, _outside) = with_underlay(Attachment::Clsact, &wanted).await;
    host.run(
        "ip link add eth1 type veth peer name far1; ip link set eth1 up; \
         ip link add eth2 type veth peer name far2; ip link set eth2 up; \
         tc qdisc add dev eth0 clsact",
    );
    host.run(&format!("tc filter add dev eth0 ingress pref 10 {OTHERS}"));
    host.reach(&wanted).await;
    host.run(&format!("tc filter add dev eth1 egress pref 10 {OTHERS}"));
    for device in ["eth0", "eth1", "eth2"] {
        let first = filters(&host.netns, device);
        assert!(first.lines().next().unwrap().contains("pref 1 bpf"), "{first}");
        assert!(first.contains("weft-underlay"), "{first}");
    }
    take_down(&host).await;
    assert!(filters(&host.netns, "eth0").starts_with("filter protocol ip pref 10 u32"));
    assert_eq!(filters(&host.netns, "eth1"), "");
    let out = host.run("tc filter show dev eth1 egress");
    assert!(out.starts_with("filter protocol ip pref 10 u32"), "{out}");
    assert_eq!(qdiscs(&host.netns, "eth2"), "", "it was made for the guard alone");
    assert!(qdiscs(&host.netns, "eth0").contains("clsact"));
}

#[tokio::test]
async fn who_has_the_first_place_is_told_and_left_there() {
    if !takes_programs().await {
        return;
    }
    let wanted = desired(&[VNI]);
    let (host, _outside) = with_underlay(Attachment::Clsact, &wanted).await;
    host.run("tc qdisc add dev eth0 clsact");
    host.run(&format!("tc filter add dev eth0 ingress pref 1 {OTHERS}"));
    let applied = host.linux.apply(&diff(&wanted, &host.observe().await)).await;
    let error = &applied.failures[0].error;
    assert!(root(error).contains("another filter has priority 1"), "{error:?}");
    assert!(error.hint().contains("tc filter show"), "{}", error.hint());
    assert!(filters(&host.netns, "eth0").starts_with("filter protocol ip pref 1 u32"));
    host.run("tc filter del dev eth0 ingress pref 1");
    host.reach(&wanted).await;
}

#[tokio::test]
async fn an_agent_that_attaches_in_another_way_leaves_nothing_of_the_one_before() {
    if !takes_programs().await {
        return;
    }
    if !attachments().contains(&Attachment::Tcx) {
        return;
    }
    let wanted = desired(&[VNI]);
    let (host, outside) = guarded(Attachment::Tcx, &wanted).await;
    let links = || std::fs::read_dir(host.pins().join("links")).unwrap().count();
    assert_eq!(links(), 2, "eth0 and the port");
    for (by, pinned) in [(Attachment::Clsact, 0), (Attachment::Tcx, 2)] {
        let next = host.next().attaching_by(by);
        reach(&next, &wanted).await;
        assert_eq!(links(), pinned);
        let filter = filters(&host.netns, "eth0");
        assert_eq!(filter.is_empty(), by == Attachment::Tcx, "{filter}");
        check_stranger_is_dropped(&host, &outside).await;
    }
}
