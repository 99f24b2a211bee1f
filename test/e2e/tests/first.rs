//! The first workload that a host has on a network finds the others at once, though its host has
//! heard nothing of that network before.
#![allow(
    clippy::unwrap_used,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_e2e::{Cluster, Kind, eventually};

/// Within this time a cluster has settled.
const SOON: Duration = Duration::from_secs(10);
const NETWORKS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_command_on_a_network_finds_a_name_and_its_first_packet_arrives() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let h2 = cluster.host("h2").unwrap();
    let networks: Vec<String> = (0..NETWORKS).map(|number| format!("app{number}")).collect();
    for network in &networks {
        cluster.network(network, &[]).await.unwrap();
        cluster.plain("h1", network, &format!("c-{network}"), &[]).await.unwrap();
        let known = || async { Ok(h2.run(&["weft", "network", "inspect", network]).await?) };
        eventually(SOON, known).await.unwrap();
    }
    for network in &networks {
        let (name, there) = (format!("probe-{network}"), format!("c-{network}"));
        let run = ["weft", "run", "--network", network, "--name", &name, "--"];
        let ping = ["busybox", "ping", "-c", "1", "-W", "1", &there];
        let out = h2.exec(&[&run[..], &ping].concat()).await.unwrap();
        assert!(out.is_success(), "{network}: {} {}", out.stdout, out.stderr);
    }
    cluster.down().await.unwrap();
}
