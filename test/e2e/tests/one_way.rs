//! Two hosts of which one does not hear the other: told for that pair, and for nobody else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_api::Standing;
use weft_e2e::{Cluster, Kind, eventually, holds};

/// Longer than it takes to find out, or to find back, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_is_open_in_one_direction_only_is_told_by_both_ends_and_by_nobody_else() {
    let cluster = Cluster::up(4, Kind::Plain).await.unwrap();
    let [h2, h3] = ["h2", "h3"].map(|name| cluster.host(name).unwrap());
    cluster.network("app", &[]).await.unwrap();
    let w1 = cluster.plain("h1", "app", "w1", &[]).await.unwrap();
    let w2 = cluster.plain("h2", "app", "w2", &[]).await.unwrap();
    let w3 = cluster.plain("h3", "app", "w3", &[]).await.unwrap();
    // Who has none on a network knows none there.
    cluster.plain("h4", "app", "w4", &[]).await.unwrap();
    eventually(SOON, || cluster.agree_on_endpoints(&["w1", "w2", "w3", "w4"])).await.unwrap();

    h2.unheard_by(h3).await.unwrap();
    let pair = [("h2", "h3"), ("h3", "h2")];
    for (at, of) in pair {
        eventually(SOON, || stands(&cluster, at, of, Standing::Indirect)).await.unwrap();
    }
    let hosts = ["h1", "h2", "h3", "h4"];
    for at in hosts {
        for of in hosts.into_iter().filter(|of| *of != at && !pair.contains(&(at, of))) {
            eventually(SOON, || stands(&cluster, at, of, Standing::Up)).await.unwrap();
        }
    }
    for (at, of) in pair {
        eventually(SOON, || stands(&cluster, at, of, Standing::Indirect)).await.unwrap();
    }
    // Who talks to both goes on with both, and both with the manager.
    assert_eq!(w1.ping(w2.address, 3).await.unwrap().received, 3);
    assert_eq!(w1.ping(w3.address, 3).await.unwrap().received, 3);
    for host in [h2, h3] {
        let name = format!("of-{}", host.name());
        host.run(&["weft", "network", "create", &name]).await.unwrap();
    }
    let late = cluster.plain("h2", "app", "late", &[]).await.unwrap();

    h2.heal().await.unwrap();
    eventually(SOON, || cluster.agree_on_nodes()).await.unwrap();
    eventually(SOON, || cluster.agree_on_endpoints(&["w1", "w2", "w3", "w4", "late"]))
        .await
        .unwrap();
    eventually(SOON, || w3.reaches(&late)).await.unwrap();
    cluster.down().await.unwrap();
}

async fn stands(cluster: &Cluster, at: &str, of: &str, wanted: Standing) -> anyhow::Result<()> {
    let seen = cluster.standing(cluster.host(at)?, of).await?;
    holds(seen == wanted, || format!("{of} is {seen} at {at}, not {wanted}"))
}
