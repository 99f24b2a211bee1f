//! Which addresses networks and hosts have: subnets that no host routes, blocks before they are needed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_api::NetworkView;
use weft_e2e::{Cluster, Kind, eventually, holds};

/// Within this time a host that runs low has claimed more.
const CLAIMED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_that_nobody_chose_overlaps_no_route_of_any_host() {
    let spec = weft_lab::Spec { hosts: 2, ..weft_lab::Spec::default() };
    let pool = ["--pool", "10.64.0.0/14", "--subnet-prefix", "16"];
    let cluster = Cluster::founded(spec, &pool).await.unwrap();
    let [h1, h2] = ["h1", "h2"].map(|name| cluster.host(name).unwrap());
    h1.run(&["ip", "route", "add", "10.65.3.0/24", "dev", "eth0"]).await.unwrap();
    h2.run(&["ip", "route", "add", "10.64.7.0/24", "dev", "eth0"]).await.unwrap();
    for (network, subnet) in [("a", "10.66.0.0/16"), ("b", "10.67.0.0/16")] {
        let made = cluster.network(network, &[]).await.unwrap();
        assert_eq!(made.subnets, [subnet.parse().unwrap()]);
    }
    let refused = h1.weft(&["network", "create", "c"]).await.unwrap();
    assert!(!refused.is_success() && refused.stderr.contains("subnet"), "{refused:?}");
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_whose_free_addresses_rest_says_how_long_to_wait() {
    let cluster = Cluster::up(1, Kind::Plain).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    cluster.network("tiny", &["--subnet", "10.66.0.0/29"]).await.unwrap();
    let mut plains = Vec::new();
    for name in ["w1", "w2", "w3", "w4", "w5"] {
        plains.push(cluster.plain("h1", "tiny", name, &[]).await.unwrap());
    }
    h1.run(&["ip", "netns", "add", "w6"]).await.unwrap();
    let refused = async || {
        let said = h1.weft(&["attach", "--network", "tiny", "--name", "w6", "w6"]).await.unwrap();
        assert!(!said.is_success() && said.stderr.contains("network tiny is full"), "{said:?}");
        said.stderr
    };
    let resting = "in use a moment ago: the first is free again in ";
    let said = refused().await;
    assert!(!said.contains(resting), "{said}");
    plains.pop().unwrap().remove().await.unwrap();
    let said = refused().await;
    assert!(said.contains(resting) && said.contains("wait so long, or "), "{said}");
    drop(plains);
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_ran_low_before_a_cut_starts_more_than_its_first_block_holds() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    cluster.network("app", &["--subnet", "10.66.0.0/24"]).await.unwrap();
    let mut plains = Vec::new();
    // A first block is a /29: six of its addresses are three quarters of it.
    for name in ["w1", "w2", "w3", "w4", "w5", "w6"] {
        plains.push(cluster.plain("h2", "app", name, &[]).await.unwrap());
    }
    let claimed = || async {
        let view: NetworkView = cluster.json(h2, &["network", "inspect", "app"]).await?;
        let mine = view.blocks.iter().filter(|block| block.node == "h2").count();
        holds(mine >= 2, || format!("{:?}", view.blocks))
    };
    eventually(CLAIMED, claimed).await.unwrap();

    h1.cut().await.unwrap();
    for name in ["w7", "w8", "w9", "w10", "w11", "w12"] {
        plains.push(cluster.plain("h2", "app", name, &[]).await.unwrap());
    }
    let addresses: std::collections::BTreeSet<_> = plains.iter().map(|w| w.address).collect();
    assert_eq!(addresses.len(), 12);
    h1.heal().await.unwrap();
    drop(plains);
    cluster.down().await.unwrap();
}
