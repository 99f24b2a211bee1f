//! The ways from this host to others, and from them to this one.
//!
//! Every host sends probes to some others and listens for those of some, at the same time. They
//! are sent several times, since hosts do not begin at the same moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use weft_kernel::host::{self, Ear, Nonce};
use weft_model::{Node, NodeId};

use super::host::Examination;
use crate::inspect::Desk;

/// The sizes that tell how large a packet may be, beside the ones that are needed and promised.
const SIZES: [u16; 5] = [128, 576, 1280, 1400, 1450];
/// How long a host listens.
const HEARING: Duration = Duration::from_millis(400);
/// So often probes are sent, and so long after each other.
const ROUNDS: usize = 6;
const PAUSE: Duration = Duration::from_millis(50);
/// Of so many others the way is probed: in a larger cluster each host probes some, and all are
/// probed by somebody.
const WAYS: usize = 16;

/// What was sent to a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// The sizes of packets that the kernel took.
    pub(crate) sizes: BTreeSet<u16>,
    /// What the route promises to carry.
    pub(crate) promised: u16,
}

type Heard = BTreeMap<NodeId, BTreeSet<u16>>;

/// Sends to those that come next in the order of ids, and hears those that come before.
pub(super) async fn listen_and_send(
    desk: &Desk,
    asked: Examination,
) -> (BTreeMap<NodeId, Sent>, Heard) {
    let picture = desk.fabric.state.picture();
    let (me, port) = (picture.me.id, picture.facts.vxlan_port);
    let nodes: Vec<&Node> = picture.view.nodes().values().collect();
    let (to, from) = (after(&nodes, me), before(&nodes, me));
    let hearing = hear(&from, port, asked);
    let sending = join_all(to.iter().map(|node| {
        let at = SocketAddr::new(node.vtep.0, port);
        send(node.id, at, Examination { nonce: nonce(asked.nonce, me), ..asked })
    }));
    let (heard, sent) = tokio::join!(hearing, sending);
    (sent.into_iter().flatten().collect(), heard)
}

/// Sends once and says what the kernel took; sends again while others are asked.
async fn send(node: NodeId, at: SocketAddr, asked: Examination) -> Option<(NodeId, Sent)> {
    let promised = host::path_to(at.ip()).await.ok()?.mtu.bytes();
    let sizes = sizes(asked.needed, promised);
    let once =
        move |sizes: BTreeSet<u16>| spawn_blocking(move || host::probe(at, asked.nonce, &sizes));
    let taken = once(sizes.clone()).await.ok()?.unwrap_or_default();
    tokio::spawn(async move {
        for _ in 1..ROUNDS {
            sleep(PAUSE).await;
            // What was taken once is sent again for those who did not listen yet.
            drop(once(sizes.clone()).await);
        }
    });
    Some((node, Sent { sizes: taken, promised }))
}

async fn hear(from: &[&Node], port: u16, asked: Examination) -> Heard {
    let mut awaited: BTreeMap<Nonce, BTreeSet<u16>> = BTreeMap::new();
    let mut senders = BTreeMap::new();
    let mut devices = BTreeSet::new();
    for node in from {
        let Ok(path) = host::path_to(node.vtep.0).await else { continue };
        let nonce = nonce(asked.nonce, node.id);
        awaited.insert(nonce, sizes(asked.needed, path.mtu.bytes()));
        senders.insert(nonce, node.id);
        devices.insert(path.device);
    }
    let listening = devices.into_iter().map(|device| {
        let awaited = awaited.clone();
        spawn_blocking(move || {
            let heard = Ear::open(&device, port)
                .map(|mut ear| ear.heard_of(&awaited, Instant::now() + HEARING));
            heard.unwrap_or_default()
        })
    });
    let mut heard = Heard::new();
    for (nonce, sizes) in join_all(listening).await.into_iter().flatten().flatten() {
        if let Some(sender) = senders.get(&nonce) {
            heard.entry(*sender).or_default().extend(sizes);
        }
    }
    heard
}

/// What is sent and waited for: enough to tell what fits, up to what is needed or promised.
fn sizes(needed: u16, promised: u16) -> BTreeSet<u16> {
    let largest = needed.max(promised);
    let ladder = SIZES.into_iter().chain([needed, promised]);
    ladder.filter(|size| (SIZES[0]..=largest).contains(size)).collect()
}

/// A sender's own, so that it is known who sent what was heard.
fn nonce(of_all: Nonce, sender: NodeId) -> Nonce {
    let mut nonce = of_all;
    nonce.iter_mut().zip(sender.to_bytes()).for_each(|(one, other)| *one ^= other);
    nonce
}

fn after<'a>(nodes: &[&'a Node], me: NodeId) -> Vec<&'a Node> {
    let (before, after): (Vec<&Node>, Vec<&Node>) =
        nodes.iter().copied().partition(|node| node.id < me);
    after.into_iter().chain(before).filter(|node| node.id != me).take(WAYS).collect()
}

fn before<'a>(nodes: &[&'a Node], me: NodeId) -> Vec<&'a Node> {
    let all = nodes.iter().filter(|node| after(nodes, node.id).iter().any(|to| to.id == me));
    all.copied().filter(|node| node.id != me).collect()
}

#[cfg(test)]
mod tests {
    use weft_model::{Name, PublicKey, Role, Vtep};

    use super::*;

    fn nodes(count: u128) -> Vec<Node> {
        let node = |id| Node {
            id: NodeId::from_random(id),
            key: PublicKey::from_point([[1; 32]; 2]),
            name: Name::label(&format!("h{id}")).unwrap(),
            role: Role::Worker,
            vtep: Vtep([192, 0, 2, 1].into()),
            control: ([192, 0, 2, 1], 4788).into(),
        };
        (1..=count).map(node).collect()
    }

    #[test]
    fn who_sends_is_who_is_heard() {
        for count in [1, 2, 5, 40] {
            let nodes = nodes(count);
            let nodes: Vec<&Node> = nodes.iter().collect();
            for me in &nodes {
                let to = after(&nodes, me.id);
                assert_eq!(to.len(), (nodes.len() - 1).min(WAYS));
                for node in to {
                    assert!(before(&nodes, node.id).iter().any(|from| from.id == me.id));
                }
                assert_eq!(before(&nodes, me.id).len(), (nodes.len() - 1).min(WAYS));
            }
        }
    }

    #[test]
    fn what_is_needed_and_what_is_promised_is_probed() {
        assert_eq!(sizes(1500, 1400), [128, 576, 1280, 1400, 1450, 1500].into());
        assert_eq!(sizes(0, 1400), [128, 576, 1280, 1400].into());
        assert!(sizes(1500, 9000).contains(&9000));
    }
}
