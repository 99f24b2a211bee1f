//! Fifth hop: a host takes VXLAN from members only, whoever flushes its packet filter, and from
//! nobody who has left. What else nobody may send is in `forged.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use serde_json::Value;
use weft_e2e::{Cluster, Inbox, Kind, eventually, holds, underlay};
use weft_kernel::Netns;
use weft_lab::{Host, OUTSIDE};
use weft_model::DEFAULT_VXLAN_PORT;
use weft_wire::Vxlan;

/// Within this time a change at one host is in the kernels of all.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_left_is_a_stranger_and_strangers_are_not_let_in() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let c3 = cluster.plain("h3", "app", "c3", &[]).await.unwrap();
    let (h2, h3) = (c2.host, cluster.host("h3").unwrap());
    for from in [&c1, &c3] {
        eventually(SOON, || from.reaches(&c2)).await.unwrap();
    }
    let inbox = Inbox::at(&c2.netns, c2.address).unwrap();
    let (one, two, three) = (c1.station(), c2.station(), c3.station());
    let send = |from: &Netns, station: weft_e2e::Station, text: &str| {
        let packet = Vxlan { vni }.emit(&station.letter(two, text));
        let socket = from.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))).unwrap().unwrap();
        socket.send_to(&packet, (h2.address(), DEFAULT_VXLAN_PORT)).unwrap();
    };

    // Nothing of Weft's in the packet filter is needed for that.
    h2.run(&["nft", "flush", "ruleset"]).await.unwrap();
    let (member, third) = (underlay(c1.host).unwrap(), underlay(h3).unwrap());
    let outside = underlay(cluster.lab.host(OUTSIDE)).unwrap();
    send(&outside, one, "outsider");
    send(&member, one, "member");
    assert_eq!(inbox.heard().unwrap(), "member");

    send(&third, three, "still a member");
    assert_eq!(inbox.heard().unwrap(), "still a member");
    c3.remove().await.unwrap();
    h3.run(&["weft", "leave"]).await.unwrap();
    eventually(SOON, || is_no_peer(h2, h3)).await.unwrap();
    send(&third, three, "has left");
    send(&member, one, "stays");
    assert_eq!(inbox.heard().unwrap(), "stays");
    assert_eq!(c1.ping(c2.address, 2).await.unwrap().received, 2);
    cluster.down().await.unwrap();
}

async fn guard(host: &Host) -> anyhow::Result<Value> {
    let said = host.run(&["nft", "-j", "list", "table", "inet", "weft"]).await?;
    Ok(serde_json::from_str(&said)?)
}

async fn is_no_peer(host: &Host, other: &Host) -> anyhow::Result<()> {
    let address = format!("\"{}\"", other.address());
    holds(!guard(host).await?.to_string().contains(&address), || "it is a peer still".into())
}
