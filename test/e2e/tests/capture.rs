//! An endpoint's frames, captured from another host than its own: each at the hop that it is at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use weft_e2e::{Cluster, Kind, Plain, eventually, holds};
use weft_lab::Host;
use weft_wire::pcapng::Block;
use weft_wire::{Content, Decoded, IcmpKind, Transport};

/// Within this time frames have come by.
const SOON: Duration = Duration::from_secs(10);
/// Where the capture is written, on the host that asks.
const FILE: &str = "/run/c1.pcapng";

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_is_captured_at_every_hop_of_its_way() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let h3 = cluster.host("h3").unwrap();
    // Programs have no device between port and underlay.
    let woven = cluster.is_woven(cluster.host("h1").unwrap()).await.unwrap();
    let seen = |hop: &&&str| !woven || !["encap", "decap"].contains(*hop);
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let near = cluster.plain("h1", "app", "near", &[]).await.unwrap();
    eventually(SOON, || c1.reaches(&c2)).await.unwrap();

    let mut capture = h3.spawn(&["weft", "capture", "c1", "-w", FILE]).unwrap();
    let path = h3.root().join(FILE.trim_start_matches('/'));
    // It listens once it is asked; until then nothing of a ping may be in the file.
    let hops = || async {
        near.ping(c2.address, 1).await?;
        c1.reaches(&c2).await?;
        let hops = hops(&std::fs::read(&path)?)?;
        let all = ["decap", "deliver", "encap", "neighbor", "underlay"];
        holds(hops.iter().eq(all.iter().filter(seen)), || format!("{hops:?}"))
    };
    eventually(SOON, hops).await.unwrap();
    capture.kill().await.unwrap();

    let blocks = Block::parse_all(&std::fs::read(&path).unwrap()).unwrap();
    let mut comments = BTreeSet::new();
    for block in &blocks {
        let Block::Packet(packet) = block else { continue };
        let frame = Decoded::parse(&packet.bytes).unwrap();
        let inner = frame.innermost();
        let Content::Ip(ip, Transport::Icmp(icmp, _)) = &inner.content else { continue };
        assert!([c1.mac, c2.mac].contains(&inner.ethernet.source), "of another: {frame}");
        let ends = BTreeSet::from([ip.source(), ip.destination()]);
        assert_eq!(ends, BTreeSet::from([c1.address.into(), c2.address.into()]), "{frame}");
        assert_eq!(frame.vxlan().is_some(), packet.comment.starts_with("underlay"), "{packet:?}");
        let word =
            if matches!(icmp.kind, IcmpKind::EchoRequest { .. }) { "ping" } else { "answer" };
        comments.insert(format!("{word} {} {}", packet.outgoing, packet.comment));
    }
    let (h1, h2) = (c1.host.address(), c2.host.address());
    let expected = [
        "answer false decap: of app from c2 at h2".to_owned(),
        format!("answer false underlay: h2 ({h2}) > h1 ({h1}), VNI {vni}"),
        "answer true deliver: to c1 from c2".to_owned(),
        "ping false neighbor: c1 sends to c2".to_owned(),
        "ping true encap: for app to c2 at h2".to_owned(),
        format!("ping true underlay: h1 ({h1}) > h2 ({h2}), VNI {vni}"),
    ];
    let hop = |told: &&String| !woven || !(told.contains("encap:") || told.contains("decap:"));
    assert_eq!(Vec::from_iter(&comments), Vec::from_iter(expected.iter().filter(hop)));
    let interfaces: Vec<&str> = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Interface(interface) => Some(interface.told.as_str()),
            _ => None,
        })
        .collect();
    let interfaces = BTreeSet::from_iter(interfaces);
    let all = ["port of h1", "tunnel of h1", "underlay of h1"];
    assert!(interfaces.iter().eq(all.iter().filter(|told| !woven || !told.starts_with("tunnel"))));

    is_bounded(h3, &c1, &c2).await;
    cluster.down().await.unwrap();
}

/// By number and by time; an endpoint that is not there is told.
async fn is_bounded(at: &Host, c1: &Plain<'_>, c2: &Plain<'_>) {
    let few = ["capture", "c2", "-o", "json", "-c", "4", "--for", "30s"];
    let (captured, pinged) = tokio::join!(at.weft(&few), c1.ping(c2.address, 30));
    assert_eq!(pinged.unwrap().received, 30);
    assert_eq!(captured.unwrap().stdout.lines().count(), 4);
    let none = at.weft(&["capture", "c2", "--for", "1s", "-w", "/run/none.pcapng"]).await.unwrap();
    assert!(none.is_success() && none.stdout.contains("frames in"), "{none:?}");
    let missing = at.weft(&["capture", "nobody"]).await.unwrap();
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
}

/// The hops that the comments of pings name.
fn hops(file: &[u8]) -> anyhow::Result<BTreeSet<String>> {
    let mut hops = BTreeSet::new();
    for block in Block::parse_all(file)? {
        let Block::Packet(packet) = block else { continue };
        let frame = Decoded::parse(&packet.bytes)?;
        if let Content::Ip(_, Transport::Icmp(..)) = frame.innermost().content {
            hops.extend(packet.comment.split(':').next().map(ToOwned::to_owned));
        }
    }
    Ok(hops)
}
