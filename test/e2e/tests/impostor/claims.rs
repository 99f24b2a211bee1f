//! A member that claims what is another's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use weft_e2e::{Cluster, Kind, Pinging, Plain, eventually, holds, underlay};
use weft_lab::Host;
use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, NodeId};
use weft_path::Located;

use crate::forger::{Forger, Papers};
use crate::watched::{SOON, counted, counts_more, logs, none_lost, says, watch};

const CLAIMS: &str = "weft_agent_false_claims_total";
const MESSAGES: &str = "weft_agent_rejected_messages_total";
const REFUSED: &str = "weft_agent_refused_hosts_total{reason=\"no_member\"}";

/// A row that the played host may not have.
struct Lie {
    told: &'static str,
    row: Endpoint,
    counter: &'static str,
    /// What is in one line of the victims' log.
    logged: [&'static str; 2],
    /// Whether `weft status` tells of it for as long as it stands.
    stands: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_claims_what_is_anothers_is_not_believed_and_is_counted_and_told() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    watch(&cluster, &[h1, h2]).await.unwrap();
    let app = cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let c3 = cluster.plain("h3", "app", "c3", &[]).await.unwrap();
    for from in [&c1, &c3] {
        eventually(SOON, || from.reaches(&c2)).await.unwrap();
    }
    let pings = Pinging::start(&c1.netns, c2.address).unwrap();
    let h1_id = cluster.member(h1).await.unwrap().id;

    // It is heard, and believed of what is its own.
    h3.stop_agent().await.unwrap();
    let (papers, place) = (Papers::of(h3).unwrap(), underlay(h3).unwrap());
    let mut forger = Forger::start(&papers, (&place, h3.address().into()), &[h1, h2]).unwrap();
    eventually(SOON, || async { holds(forger.connections() == 2, || "not connected".into()) })
        .await
        .unwrap();
    let me = papers.node.id;
    let own = endpoint(me, 1, neighbor(c3.address, 0).into());
    let truth = [as_known(&cluster, h2, &c3).await, own];
    forger.claim(app.id, &truth).unwrap();
    for victim in [h1, h2] {
        eventually(SOON, || async {
            let known = rows(&cluster, victim).await?;
            holds(truth.iter().all(|row| known.contains_key(&row.id)), || format!("{known:#?}"))
        })
        .await
        .unwrap();
    }
    let believed = rows(&cluster, h2).await.unwrap();
    assert_eq!(believed, rows(&cluster, h1).await.unwrap());

    let last = app.subnets[0].hosts().last().unwrap();
    let theirs = as_known(&cluster, h2, &c1).await;
    for lie in lies(me, &theirs, neighbor(c3.address, 1).into(), last) {
        let before = futures::future::try_join_all([h1, h2].map(|h| counted(h, lie.counter)));
        let before = before.await.unwrap();
        forger.claim(app.id, &[&truth[..], std::slice::from_ref(&lie.row)].concat()).unwrap();
        for (victim, before) in [h1, h2].into_iter().zip(before) {
            is_refused(&lie, victim, before).await;
            assert_eq!(rows(&cluster, victim).await.unwrap(), believed, "{}", lie.told);
        }
        println!("{:28} {}", lie.told, lie.counter);
    }
    the_end_of_anothers_rows_is_refused(&forger, [h1, h2], (app.id, h1_id)).await;
    for victim in [h1, h2] {
        assert_eq!(rows(&cluster, victim).await.unwrap(), believed);
    }
    none_lost(&pings.finish().unwrap());

    // Its certificate is worth nothing from the moment when h3 is taken out.
    h1.run(&["weft", "node", "rm", "--force", "h3"]).await.unwrap();
    for victim in [h1, h2] {
        eventually(SOON, || counts_more(victim, REFUSED, 0.0)).await.unwrap();
        logs(victim, &["a host is refused", "no_member", "key was stolen"]).unwrap();
        let left = rows(&cluster, victim).await.unwrap();
        assert!(left.values().all(|row| row.owner != papers.node.id), "{left:#?}");
    }
    assert_eq!(forger.connections(), 0);
    forger.end().await;
    cluster.down().await.unwrap();
}

/// Rows about what is `theirs`, which is on h1, or nobody's; `spare` is one that the liar may have.
fn lies(me: NodeId, theirs: &Endpoint, spare: IpAddr, nobodys: IpAddr) -> [Lie; 4] {
    const CLAIMED: &str = "a node claims what is not its own";
    let claim =
        |told, row, why| Lie { told, row, counter: CLAIMS, logged: [CLAIMED, why], stands: true };
    [
        claim(
            "another's address",
            endpoint(me, 2, theirs.addresses[0]),
            "is in a block of node h1",
        ),
        claim(
            "an address that is nobody's",
            endpoint(me, 3, nobodys),
            "is in no block of the node's",
        ),
        claim(
            "another's MAC",
            Endpoint { mac: theirs.mac, ..endpoint(me, 4, spare) },
            "is that of an endpoint on node h1",
        ),
        Lie {
            told: "another's endpoint",
            row: Endpoint { id: theirs.id, ..endpoint(me, 5, spare) },
            counter: MESSAGES,
            logged: ["a message was rejected", "spoke about endpoint"],
            stands: false,
        },
    ]
}

/// Counted and told; `before`: what was counted before.
async fn is_refused(lie: &Lie, victim: &Host, before: f64) {
    eventually(SOON, || counts_more(victim, lie.counter, before)).await.unwrap();
    logs(victim, &lie.logged).unwrap();
    if lie.stands {
        says(victim, "node h3 claims what is not its own").await.unwrap();
    }
}

/// That h1 has nothing any more: it has not signed that, and both see it.
async fn the_end_of_anothers_rows_is_refused(
    forger: &Forger,
    victims: [&Host; 2],
    (network, owner): (NetworkId, NodeId),
) {
    let before = futures::future::try_join_all(victims.map(|victim| counted(victim, MESSAGES)));
    let before = before.await.unwrap();
    forger.say(&forger.end_of(network, owner).unwrap()).unwrap();
    for (victim, before) in victims.into_iter().zip(before) {
        eventually(SOON, || counts_more(victim, MESSAGES, before)).await.unwrap();
        logs(victim, &["a message was rejected", "told rows of node", "h3"]).unwrap();
    }
    println!("{:28} {MESSAGES}", "the end of another's rows");
}

/// Every row that a host believes.
pub(crate) async fn rows(
    cluster: &Cluster,
    host: &Host,
) -> anyhow::Result<BTreeMap<EndpointId, Located>> {
    Ok(cluster.facts(host).await?.endpoints)
}

async fn as_known(cluster: &Cluster, host: &Host, workload: &Plain<'_>) -> Endpoint {
    let rows = rows(cluster, host).await.unwrap();
    let row = rows.into_values().map(|row| row.endpoint).find(|row| row.mac == workload.mac);
    row.unwrap()
}

pub(crate) fn endpoint(owner: NodeId, number: u8, address: IpAddr) -> Endpoint {
    Endpoint {
        id: EndpointId::at(owner, number.into()),
        mac: MacAddr::from_random([number; 6]),
        addresses: vec![address],
        name: None,
        aliases: BTreeSet::new(),
    }
}

/// Another address of the same block of eight, and so of the same host.
fn neighbor(of: Ipv4Addr, nth: usize) -> Ipv4Addr {
    let block = of.to_bits() & !7;
    let mut others = (block + 1..block + 7).map(Ipv4Addr::from_bits).filter(|other| *other != of);
    others.nth(nth).unwrap()
}
