//! A member that speaks for a host that is down, and cannot object.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hickory_proto::rr::RecordType;
use weft_api::{NetworkView, Standing};
use weft_e2e::{Cluster, Kind, Over, Pinging, Plain, Said, ask, eventually, holds, underlay};
use weft_lab::Host;
use weft_model::{Endpoint, EndpointId, MacAddr, NodeId, Vtep};
use weft_path::Located;
use weft_whereabouts::{Head, Message, Presence, RowChange, Seal, StreamId};

use crate::claims::{endpoint, rows};
use crate::forger::{Forger, Papers};
use crate::watched::{SOON, counted, counts_more, logs, none_lost, watch};

const MESSAGES: &str = "weft_agent_rejected_messages_total";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_believed_in_place_of_a_host_that_is_down() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    watch(&cluster, &[h1]).await.unwrap();
    let app = cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let c3 = cluster.plain("h3", "app", "c3", &[]).await.unwrap();
    for from in [&c1, &c3] {
        eventually(SOON, || from.reaches(&c2)).await.unwrap();
    }
    eventually(SOON, || async { finds(&c1, &c2) }).await.unwrap();
    let h2_id = cluster.member(h2).await.unwrap().id;

    // The agent of h2 is dead, what runs there is not; h3 is in wrong hands.
    h2.kill_agent().await.unwrap();
    h3.stop_agent().await.unwrap();
    eventually(SOON, || async {
        let standing = cluster.standing(h1, "h2").await?;
        holds(standing == Standing::Down, || format!("h2 is {standing}"))
    })
    .await
    .unwrap();
    let before = Held::by(&cluster, h1, &app, h2_id).await.unwrap();
    assert!(before.rows.len() == 1 && before.fdb.contains_key(&c2.mac), "{before:#?}");
    let pings = Pinging::start(&c1.netns, c2.address).unwrap();
    let (papers, place) = (Papers::of(h3).unwrap(), underlay(h3).unwrap());
    let forger = Forger::start(&papers, (&place, h3.address().into()), &[h1]).unwrap();
    eventually(SOON, || async { holds(forger.connections() == 1, || "not connected".into()) })
        .await
        .unwrap();

    let stream = StreamId { network: app.id, owner: h2_id };
    let truth = eventually(SOON, || all_of(&forger, stream)).await.unwrap();
    for (told, lie) in lies(&forger, &truth) {
        let count = counted(h1, MESSAGES).await.unwrap();
        forger.say(&lie).unwrap();
        eventually(SOON, || counts_more(h1, MESSAGES, count)).await.unwrap();
        logs(h1, &["a message was rejected", "told rows of node", &h2_id.to_string(), "h3"])
            .unwrap();
        assert_eq!(Held::by(&cluster, h1, &app, h2_id).await.unwrap(), before, "{told}");
        let said = ask(&c1.netns, "c2", RecordType::A, Over::Udp).unwrap();
        assert!(said.records.is_empty(), "{told}: {said:?}");
        println!("{told:40} {MESSAGES}");
    }
    none_lost(&pings.finish().unwrap());
    forger.end().await;

    // What h2 has signed is good from another: h3 hears of it from h1 alone.
    h3.start_agent().await.unwrap();
    eventually(SOON, || async {
        let known = rows(&cluster, h3).await?;
        holds(known.values().any(|row| row.owner == h2_id), || format!("{known:#?}"))
    })
    .await
    .unwrap();
    h2.start_agent().await.unwrap();
    eventually(SOON, || async { finds(&c1, &c2) }).await.unwrap();
    eventually(SOON, || c1.reaches(&c2)).await.unwrap();
    let after = Held::by(&cluster, h1, &app, h2_id).await.unwrap();
    assert_eq!((after.fdb, after.neighbors), (before.fdb, before.neighbors));
    cluster.down().await.unwrap();
}

/// What h1 knows of h2's endpoints, and what its kernel has.
#[derive(Debug, PartialEq)]
struct Held {
    rows: BTreeMap<EndpointId, Located>,
    fdb: BTreeMap<MacAddr, Vtep>,
    neighbors: BTreeMap<IpAddr, MacAddr>,
}

impl Held {
    async fn by(
        cluster: &Cluster,
        host: &Host,
        network: &NetworkView,
        owner: NodeId,
    ) -> anyhow::Result<Self> {
        let mut rows = rows(cluster, host).await?;
        rows.retain(|_, row| row.owner == owner);
        let fdb = cluster.fdb(host, network.vni).await?;
        Ok(Self { rows, fdb, neighbors: cluster.neighbors(host, network.vni).await? })
    }
}

/// All rows of a host that is down, of somebody who knows.
async fn all_of(forger: &Forger, stream: StreamId) -> anyhow::Result<Message> {
    forger.say(&Message::Request { stream, have: Head::default() })?;
    eventually(Duration::from_secs(1), || async {
        forger.heard(stream.owner).context("nobody has answered")
    })
    .await
}

/// What could be said in h2's place: with its own words bent, without a signature, and under the liar's.
fn lies(forger: &Forger, truth: &Message) -> Vec<(&'static str, Message)> {
    let Message::Snapshot { stream, head, rows, seal, .. } = truth.clone() else {
        panic!("{truth:?}")
    };
    let (presence, fresh) = (Presence::Here, true);
    let own: Vec<Endpoint> = rows.iter().map(|row| (**row).clone()).collect();
    let later = Head { version: head.version + 1, ..head };
    let mut renamed = own.clone();
    renamed[0].name = Some("bank".parse().unwrap());
    let moved = vec![Endpoint {
        mac: endpoint(stream.owner, 7, own[0].addresses[0]).mac,
        ..own[0].clone()
    }];
    let snapshot = |head, rows: &[Endpoint], seal| {
        let rows = rows.iter().cloned().map(Arc::new).collect();
        Message::Snapshot { stream, head, presence, rows, seal, fresh }
    };
    let delta = |changes| {
        let Head { epoch, version: from } = head;
        Message::Delta { stream, epoch, from, to: from + 1, presence, changes, seal, fresh }
    };
    let bent = Arc::new(moved[0].clone());
    vec![
        ("its end, signed by the liar", forger.end_of(stream.network, stream.owner).unwrap()),
        ("nothing new, later", snapshot(later, &own, seal)),
        (
            "another name, signed by the liar",
            forger.signed(stream, later, presence, &renamed).unwrap(),
        ),
        ("another MAC, its old signature", snapshot(later, &moved, seal)),
        ("another MAC, not signed", snapshot(later, &moved, Seal([0; 64]))),
        ("the end of a row", delta(vec![RowChange::Remove(own[0].id)])),
        ("a change of a row", delta(vec![RowChange::Put(bent)])),
    ]
}

/// One finds the other by its name.
fn finds(one: &Plain<'_>, other: &Plain<'_>) -> anyhow::Result<()> {
    let said = ask(&one.netns, &other.name, RecordType::A, Over::Udp)?;
    holds(said == Said::found([other.address]), || format!("{}: {said:?}", other.name))
}
