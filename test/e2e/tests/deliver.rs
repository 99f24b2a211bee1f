//! Last hop: the frame goes into the container's interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use weft_e2e::{Cluster, Kind, Ping};

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
