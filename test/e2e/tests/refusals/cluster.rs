//! In a cluster: what makes no sense, and what the manager is needed for.

use weft_api::Standing;
use weft_e2e::{Cluster, Kind, eventually, holds};

use crate::asked::weft;
use crate::table::{SOON, table};
use crate::wrong::{MEMBERS, NETWORKS, SUBNETS, UNKNOWN, WORKER, WORKLOADS};

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_in_a_cluster_is_refused_and_changes_nothing() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    cluster.network("app", &["--subnet", "10.7.0.0/24", "--vni", "5000"]).await.unwrap();
    cluster.network("tiny", &["--subnet", "10.8.0.0/29"]).await.unwrap();
    for name in ["a1", "a2", "a3", "a4", "a5"] {
        weft(h1, &format!("attach --network tiny --name {name} NETNS")).await;
    }
    weft(h1, "attach --network app --name web NETNS").await;
    let sees = || async {
        let seen = cluster.endpoints(h2).await?.len();
        holds(seen == 0, || format!("h2 knows {seen} endpoints of networks that it is not on"))
    };
    eventually(SOON, sees).await.unwrap();

    for lines in [SUBNETS, NETWORKS, UNKNOWN, WORKLOADS, MEMBERS] {
        table(h1, lines).await;
    }

    // A worker is told the same, over the wire, and some more.
    table(h2, WORKER).await;

    weft(h2, "attach --network app --name far NETNS").await;
    table(h1, &[("node rm h2", 1, &["node h2 is in use", "app", "--force h2"])]).await;
    h1.cut().await.unwrap();
    eventually(SOON, || async {
        let cluster = cluster.status(h2).await?.cluster.unwrap();
        holds(!cluster.manager_reachable, || "h2 still reaches the manager".into())
    })
    .await
    .unwrap();
    eventually(SOON, || async {
        let h1 = cluster.standing(h2, "h1").await?;
        holds(h1 == Standing::Down, || format!("to h2, h1 is {h1}"))
    })
    .await
    .unwrap();
    table(h2, &[("network create n", 1, &["no manager answers", "weft node ls"])]).await;
    h1.heal().await.unwrap();
    cluster.down().await.unwrap();
}
