//! All hosts, and what only all of them together show.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use weft_doctor::capacity::{self, Range};
use weft_doctor::way::{self, Way};
use weft_doctor::{Diagnosis, Finding, clock, host};
use weft_model::NodeId;
use weft_registry::View;

use super::host::{Examination, Examined};
use crate::inspect::{Inquiry, Inspector, Unanswered};
use crate::state::Picture;
use crate::trace::outer;

type Answers = BTreeMap<NodeId, Result<Examined, Unanswered>>;

/// Examines the cluster, as it is seen from this host.
pub(crate) async fn examine(inspector: &Inspector) -> Diagnosis {
    let picture = inspector.desk().fabric.state.picture();
    let view = &picture.view;
    let mtus = view.networks().values().map(|n| n.mtu.unwrap_or(picture.facts.inner_mtu));
    let needed = mtus.max().map_or(0, |mtu| outer(mtu, picture.me.vtep.0));
    let asked = Inquiry::Examine(Examination { nonce: rand::random(), needed });
    let began = SystemTime::now();
    let answers: Answers = inspector.ask_all(view.nodes().keys().copied(), &asked).await;

    let name =
        |id: &NodeId| view.node(*id).map_or_else(|| id.short(), |node| node.name.to_string());
    let me = name(&picture.me.id);
    let mut diagnosis = Diagnosis::default();
    for (id, answer) in &answers {
        match answer {
            Ok(examined) => {
                diagnosis.hosts.push(name(id));
                diagnosis.findings.extend(examined.findings.iter().cloned());
                let apart = apart(began, examined);
                diagnosis.findings.extend(clock::judge(&me, &name(id), apart));
            }
            Err(silent) => {
                diagnosis.findings.push(host::silent(&me, &name(id), &silent.why, &silent.hint));
            }
        }
    }
    let ways = ways(&picture, &answers, needed);
    diagnosis.ways = ways.len();
    diagnosis.findings.extend(ways.iter().filter_map(|(id, way)| way::judge(&name(id), way)));
    diagnosis.findings.extend(capacities(&me, view));
    diagnosis.sorted()
}

/// How far a host's clock is from this one's, at least: it answered at some time since `began`.
fn apart(began: SystemTime, examined: &Examined) -> Duration {
    let theirs = SystemTime::UNIX_EPOCH + Duration::from_micros(examined.clock_us);
    let behind = began.duration_since(theirs).unwrap_or_default();
    let ahead = theirs.duration_since(SystemTime::now()).unwrap_or_default();
    behind.max(ahead)
}

/// What was sent from one host to another and what came there, of all pairs that answered.
fn ways(picture: &Picture, answers: &Answers, needed: u16) -> Vec<(NodeId, Way)> {
    let mut ways = Vec::new();
    for (id, examined) in
        answers.iter().filter_map(|(id, answer)| Some((id, answer.as_ref().ok()?)))
    {
        for (peer, sent) in &examined.sent {
            let Some(Ok(other)) = answers.get(peer) else { continue };
            let Some(node) = picture.view.node(*peer) else { continue };
            let way = Way {
                peer: node.name.to_string(),
                address: node.vtep.to_string(),
                port: picture.facts.vxlan_port,
                sent: sent.sizes.clone(),
                heard: other.heard.get(id).cloned().unwrap_or_default(),
                promised: sent.promised,
                needed,
            };
            ways.push((*id, way));
        }
    }
    ways
}

/// What is about to be full, of all hosts alike.
fn capacities(me: &str, view: &View) -> Vec<Finding> {
    let size = |range: IpNet| 1_u128 << (range.max_prefix_len() - range.prefix_len()).min(127);
    let networks = view.networks().values().filter_map(|network| {
        let subnet = network.subnets.first()?;
        let name = network.name.as_ref().map_or_else(|| network.id.short(), ToString::to_string);
        let blocks: Vec<IpNet> = view.blocks(network.id).map(|block| block.range).collect();
        let range = Range {
            network: name,
            size: size(subnet.range),
            taken: blocks.iter().copied().map(size).sum(),
            full: weft_addresses::next_block(subnet, &blocks, &[]).is_none(),
        };
        capacity::addresses(me, &range)
    });
    let snapshot = view.to_snapshot();
    let bytes = snapshot.entries.iter().map(|entry| (entry.key.len() + entry.value.len()) as u64);
    networks.chain(capacity::registry(me, bytes.sum())).collect()
}
