//! What every kernel does, the real one and the fake one.
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

use support::programs::engines;
use support::{Host, desired, mac, reach, v4, vni, with_egress};
use weft_kernel::{Disturbance, Fake, Kernel};
use weft_model::Vtep;
use weft_plan::{Desired, Engine, GateSeen, IfName, Observed, PassageSeen, teardown};

/// `start_dockers_filter` makes an empty chain `DOCKER-USER`.
async fn check(kernel: &impl Kernel, engines: &[Engine], start_dockers_filter: impl FnOnce()) {
    reaches_whatever_is_desired(kernel).await;
    for &engine in engines {
        follows_changes(kernel, engine).await;
        leaves_nothing(kernel).await;
    }
    changes_its_engine(kernel, engines).await;
    leaves_nothing(kernel).await;
    start_dockers_filter();
    goes_through_dockers_filter(kernel).await;
}

async fn reaches_whatever_is_desired(kernel: &impl Kernel) {
    is_bare(kernel).await;
    reach(kernel, &desired(&[5000, 5001])).await;
    reach(kernel, &desired(&[5001])).await;
    reach(kernel, &desired(&[])).await;
    reach(kernel, &with_egress(desired(&[5000]))).await;
}

async fn changes_its_engine(kernel: &impl Kernel, engines: &[Engine]) {
    for &engine in engines.iter().chain(engines) {
        reach(kernel, &Desired { engine, ..with_egress(desired(&[5000, 5001])) }).await;
    }
    for (&engine, number) in engines.iter().zip([5001, 5000]) {
        reach(kernel, &Desired { engine, ..desired(&[number]) }).await;
    }
}

async fn follows_changes(kernel: &impl Kernel, engine: Engine) {
    let mut wanted = Desired { engine, ..with_egress(desired(&[5000])) };
    reach(kernel, &wanted).await;
    let changed = wanted.segments.get_mut(&vni(5000)).unwrap();
    changed.fdb.insert(mac(2), Vtep(v4("192.0.2.3")));
    changed.fdb.insert(mac(3), Vtep(v4("192.0.2.3")));
    changed.neighbors.insert(v4("10.9.0.3"), mac(3));
    changed.neighbors.insert(v4("10.9.0.2"), mac(3));
    changed.mtu = 1300.try_into().unwrap();
    wanted.guard.peers = [v4("192.0.2.3")].into();
    reach(kernel, &wanted).await;
    let changed = wanted.segments.get_mut(&vni(5000)).unwrap();
    changed.neighbors.clear();
    changed.fdb.clear();
    changed.ports.clear();
    reach(kernel, &wanted).await;
    let changed = wanted.segments.get_mut(&vni(5000)).unwrap();
    changed.udp_port = 4790;
    changed.local = Vtep("2001:db8::1".parse().unwrap());
    changed.fdb.insert(mac(2), Vtep("2001:db8::2".parse().unwrap()));
    wanted.guard.udp_port = 4790;
    wanted.egress.as_mut().unwrap().address = "172.31.0.1/20".parse().unwrap();
    reach(kernel, &wanted).await;
}

async fn leaves_nothing(kernel: &impl Kernel) {
    let plan = teardown(&kernel.observe().await.unwrap());
    let applied = kernel.apply(&plan).await;
    assert!(applied.failures.is_empty(), "{:?}", applied.failures);
    is_bare(kernel).await;
}

async fn is_bare(kernel: &impl Kernel) {
    let seen = kernel.observe().await.unwrap();
    assert_eq!(seen, nothing(&seen.gate));
}

/// What is seen where nothing of Weft's is. A kernel that cannot have programs says so all the same.
fn nothing(gate: &GateSeen) -> Observed {
    let gate = match gate {
        GateSeen::Impossible(_) => gate.clone(),
        GateSeen::Missing | GateSeen::Holds { .. } => GateSeen::Missing,
    };
    Observed { gate, ..Observed::default() }
}

async fn goes_through_dockers_filter(kernel: &impl Kernel) {
    let open = PassageSeen::Open(IfName::egress());
    for (wanted, passage) in [
        (desired(&[]), PassageSeen::Shut),
        (with_egress(desired(&[])), open),
        (desired(&[]), PassageSeen::Shut),
    ] {
        reach(kernel, &wanted).await;
        assert_eq!(kernel.observe().await.unwrap().passage, passage);
    }
    reach(kernel, &with_egress(desired(&[]))).await;
    let applied = kernel.apply(&teardown(&kernel.observe().await.unwrap())).await;
    assert!(applied.failures.is_empty(), "{:?}", applied.failures);
    let left = kernel.observe().await.unwrap();
    assert_eq!(left, Observed { passage: PassageSeen::Shut, ..nothing(&left.gate) });
}

#[tokio::test]
async fn the_fake_kernel_keeps_the_contract() {
    let kernel = Fake::new();
    let start = || kernel.disturb(Disturbance::Firewall, |state| state.passage = PassageSeen::Shut);
    check(&kernel, &[Engine::Bridge, Engine::Bpf], start).await;
}

#[tokio::test]
async fn linux_keeps_the_contract() {
    let host = Host::new();
    check(&host.linux, &engines().await, || host.start_dockers_filter()).await;
}
