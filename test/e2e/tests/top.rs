//! What flows on a host, as another host is told of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_api::TopView;
use weft_e2e::{Cluster, Kind, Pinging, Wire, eventually, holds};

/// Within this time two measurements are done, and a change at one host is in the kernels of all.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn flows_rates_drops_and_round_trips_are_measured_while_somebody_asks() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let pings = Pinging::start(&c1.netns, c2.address).unwrap();
    let wire = Wire::open(&c1.netns, "eth0").unwrap();
    let spoofed = c2.station().letter(c1.station(), "as c2");
    let h2 = cluster.host("h2").unwrap();
    let measured = || async {
        wire.send(&spoofed)?;
        // Pings go out a hundred times a second.
        let view: TopView = cluster.json(h2, &["top", "--once", "--host", "h1"]).await?;
        let load = view.endpoints.first();
        let busy = load.is_some_and(|load| load.sent_packets > 20 && load.got_packets > 20);
        holds(busy, || format!("{view:#?}"))?;
        let to_c2 = view.flows.iter().find(|flow| flow.from == "c1" && flow.to == "c2");
        let seen = to_c2.is_some_and(|flow| {
            flow.packets > 20 && flow.peer.as_deref() == Some("h2") && flow.round_trip.is_some()
        });
        holds(seen && view.flows.iter().any(|flow| flow.from == "c2"), || format!("{view:#?}"))?;
        Ok(view)
    };
    let view = eventually(SOON, measured).await.unwrap();
    assert_eq!((view.host.as_str(), view.unseen), ("h1", 0));
    assert_eq!(view.peers.len(), 1);
    assert_eq!(view.endpoints[0].name, "c1");

    // What the guard drops while it is measured is told of the workload that sent it.
    let (view, ()) = tokio::join!(cluster.json::<TopView>(c1.host, &["top", "--once"]), async {
        for _ in 0..8 {
            wire.send(&spoofed).unwrap();
            c1.ping(c2.address, 1).await.unwrap();
        }
    });
    assert!(view.unwrap().endpoints[0].dropped > 0);
    assert!(pings.finish().unwrap().lost.is_empty());
    let text = c1.host.weft(&["top", "--once"]).await.unwrap();
    assert!(text.is_success() && text.stdout.contains("there and back: h2"), "{text:?}");
    cluster.down().await.unwrap();
}
