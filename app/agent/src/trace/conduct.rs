//! From a question to a trace.

use std::net::IpAddr;

use futures::future::select_ok;
use weft_events::Row;
use weft_model::{EndpointId, Hop, NodeId};
use weft_path::{Decided, Facts, Journey, Located, Packet};
use weft_trace::{Evidence, Inbound, Silence, Trace};

use super::question::{Arriving, Question};
use super::{crossing, live, outbound};
use crate::inspect::{Desk, Inquiry, Inspector, Unanswered};
use crate::problem::Answer;
use crate::state::Picture;
use crate::told::rfc3339;

/// Traces a packet, from whichever host it is asked.
pub(crate) async fn trace(inspector: &Inspector, question: &Question) -> Answer<Trace> {
    let picture = inspector.desk().fabric.state.picture();
    let here = crate::admin::find(&picture, &question.from);
    let owner = match &here {
        Ok(row) => row.owner,
        // This host takes no part in the sender's network; another one may.
        Err(unknown) => found_elsewhere(inspector, &picture, &question.from)
            .await
            .ok_or_else(|| unknown.clone())?,
    };
    if owner == picture.me.id {
        return conduct(inspector, question).await;
    }
    let asked = Inquiry::Trace(question.clone());
    match (inspector.ask::<Trace>(owner, &asked).await, here) {
        (Ok(trace), _) => Ok(trace),
        (Err(silent), Ok(row)) => {
            Ok(told(inspector, &picture, row.endpoint.id, (question, Err(silence(&silent)))).await)
        }
        (Err(silent), Err(_unknown)) => Err(silent.into()),
    }
}

/// Traces a packet of this host's.
pub(crate) async fn conduct(inspector: &Inspector, question: &Question) -> Answer<Trace> {
    let picture = inspector.desk().fabric.state.picture();
    let from = crate::admin::find(&picture, &question.from)?.endpoint.id;
    Ok(told(inspector, &picture, from, (question, Ok(()))).await)
}

/// Who has the endpoint of this name, if this host knows.
pub(crate) fn knows(desk: &Desk, reference: &str) -> Option<NodeId> {
    let picture = desk.fabric.state.picture();
    crate::admin::find(&picture, reference).ok().map(|row| row.owner)
}

async fn found_elsewhere(
    inspector: &Inspector,
    picture: &Picture,
    reference: &str,
) -> Option<NodeId> {
    let others = picture.view.nodes().keys().copied().filter(|id| *id != picture.me.id);
    let asked = Inquiry::Knows { reference: reference.to_owned() };
    let asked = &asked;
    let ask = |node| {
        Box::pin(async move {
            inspector.ask::<Option<NodeId>>(node, asked).await.ok().flatten().ok_or(())
        })
    };
    // Who answers first is enough: nobody waits for a host that is away.
    let asking: Vec<_> = others.map(ask).collect();
    if asking.is_empty() {
        return None;
    }
    select_ok(asking).await.ok().map(|(owner, _slower)| owner)
}

/// Walks, reads both kernels and what is between them at the same time, and judges.
async fn told(
    inspector: &Inspector,
    picture: &Picture,
    from: EndpointId,
    (question, here): (&Question, Result<(), Silence>),
) -> Trace {
    let facts = &picture.facts;
    let journey = weft_path::walk(facts, from, &question.to);
    let receiver = receiver(facts, &journey);
    let outbound = async {
        here.clone()?;
        outbound::read(inspector.desk(), (&journey, question.kind), receiver).await
    };
    let crossing = async {
        here.clone().ok()?;
        crossing::look(inspector, &journey, receiver?).await
    };
    let inbound = arrived(inspector, &journey, receiver, question);
    let (outbound, crossing, inbound) = tokio::join!(outbound, crossing, inbound);
    let mut trace = weft_trace::trace(&Evidence {
        facts,
        journey: &journey,
        outbound: outbound.as_ref(),
        crossing: crossing.as_ref(),
        inbound: inbound.as_ref().map(Result::as_ref),
    });
    let sender = facts.endpoints.get(&from);
    let (sent, got) = tokio::join!(since(inspector, sender), since(inspector, receiver));
    date(&mut trace, sent.as_ref(), got.as_ref());
    let live = async {
        here.ok().filter(|()| question.live)?;
        live::send(inspector, &journey, receiver?).await
    };
    match live.await {
        Some(live) => trace.with_live(live),
        None => trace,
    }
}

/// Where the packet goes, as far as the walk came.
fn receiver<'a>(facts: &'a Facts, journey: &Journey) -> Option<&'a Located> {
    let mac = journey.steps.iter().find_map(|step| match &step.decided {
        Decided::Mac(near) => Some(near.mac),
        _ => None,
    })?;
    facts.with_mac(journey.network?, mac)
}

/// What the receiver's host holds; it is asked also if the packet is decided to end on its way.
async fn arrived(
    inspector: &Inspector,
    journey: &Journey,
    receiver: Option<&Located>,
    question: &Question,
) -> Option<Result<Inbound, Silence>> {
    let receiver = receiver?;
    let picture = inspector.desk().fabric.state.picture();
    let packet = packet(&picture.facts, journey, receiver)?;
    let vni = picture.facts.networks.get(&receiver.network)?.vni;
    let from = picture.facts.endpoints.get(&journey.from)?;
    let arriving = Arriving {
        network: receiver.network,
        vni,
        outer_source: (from.owner != receiver.owner)
            .then(|| picture.facts.vtep(from.owner))
            .flatten()
            .map(|vtep| vtep.0),
        from: journey.from,
        endpoint: receiver.endpoint.id,
        packet,
        kind: question.kind,
    };
    let answer = inspector.ask::<Inbound>(receiver.owner, &Inquiry::Arrival(arriving)).await;
    Some(answer.map_err(|silent| silence(&silent)))
}

/// The packet, also of a walk that ended on the underlay.
fn packet(facts: &Facts, journey: &Journey, receiver: &Located) -> Option<Packet> {
    let from = facts.endpoints.get(&journey.from)?;
    let destination = journey.steps.iter().find_map(|step| match &step.decided {
        Decided::Address(found) => Some(found.address),
        _ => None,
    })?;
    let own = |address: &&IpAddr| address.is_ipv4() == destination.is_ipv4();
    Some(Packet {
        envelope: None,
        source_mac: from.endpoint.mac,
        destination_mac: receiver.endpoint.mac,
        source: *from.endpoint.addresses.iter().find(own)?,
        destination,
    })
}

/// Since when a row is known here as it is. The history outlives the agent, the picture does not.
async fn since(inspector: &Inspector, row: Option<&Located>) -> Option<String> {
    let (desk, row) = (inspector.desk(), row?);
    let seen = desk.fabric.state.picture().since.get(&row.endpoint.id).copied();
    let Located { network, owner, endpoint, visible } = row.clone();
    let kept = desk.events.known_since(Row { network, owner, endpoint, visible }).await;
    seen.into_iter().chain(kept).min().and_then(rfc3339)
}

/// Since when each hop's fact is known.
fn date(trace: &mut Trace, sender: Option<&String>, receiver: Option<&String>) {
    for hop in &mut trace.hops {
        hop.since = match hop.hop {
            Hop::Lookup | Hop::Neighbor | Hop::Encap | Hop::Deliver => receiver.cloned(),
            Hop::Underlay => None,
            Hop::Decap => sender.cloned(),
        };
    }
}

pub(super) fn silence(unanswered: &Unanswered) -> Silence {
    Silence { why: unanswered.why.clone(), hint: unanswered.hint.clone() }
}
