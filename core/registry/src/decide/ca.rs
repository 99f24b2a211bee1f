//! The cluster's CA is replaced by another one, without any node being refused.

use weft_model::Node;

use super::draft::{Draft, already};
use super::{Decision, Outcome, Situation, must_manage};
use crate::{Cluster, Key, Refused, TokenHash, View};

pub(super) fn rotate(
    situation: &Situation<'_>,
    (cluster, asker): (&Cluster, &Node),
    ca_pem: &str,
    tokens: &[TokenHash],
) -> Result<Decision, Refused> {
    must_manage(asker, "rotate the cluster's CA")?;
    if cluster.ca_pem == ca_pem {
        return Ok(already(Outcome::Done));
    }
    if cluster.former_ca_pem.is_some() {
        return Err(Refused::CaRotating { waiting: waiting(situation.view, cluster) });
    }
    let next = Cluster {
        ca_pem: ca_pem.to_owned(),
        ca_generation: cluster.ca_generation + 1,
        former_ca_pem: Some(cluster.ca_pem.clone()),
        ..cluster.clone()
    };
    let draft = Draft::new(situation.view).unchanged(&Key::Cluster).put(&Key::Cluster, &next);
    let with_tokens =
        tokens.iter().fold(draft, |draft, token| draft.put(&Key::Token(token.role), token));
    Ok(with_tokens.decided(Outcome::Done))
}

pub(super) fn certified(
    situation: &Situation<'_>,
    asker: &Node,
    generation: u64,
) -> Result<Decision, Refused> {
    let view = situation.view;
    if view.certificate(asker.id) == Some(generation) {
        return Ok(already(Outcome::Done));
    }
    let key = Key::Certificate(asker.id);
    let draft = Draft::new(view).present(&Key::Node(asker.id)).unchanged(&key);
    Ok(draft.put(&key, &generation).decided(Outcome::Done))
}

pub(super) fn retire(
    situation: &Situation<'_>,
    (cluster, asker): (&Cluster, &Node),
    force: bool,
) -> Result<Decision, Refused> {
    must_manage(asker, "end the trust in the former CA")?;
    if cluster.former_ca_pem.is_none() {
        return Ok(already(Outcome::Done));
    }
    let waiting = waiting(situation.view, cluster);
    if !force && !waiting.is_empty() {
        return Err(Refused::CaInUse { by: waiting });
    }
    let next = Cluster { former_ca_pem: None, ..cluster.clone() };
    let draft = Draft::new(situation.view).unchanged(&Key::Cluster).put(&Key::Cluster, &next);
    // Who joins meanwhile gets a certificate of the present CA, so it need not be waited for.
    Ok(draft.decided(Outcome::Done))
}

/// The names of the nodes that have said of no certificate of the present CA.
fn waiting(view: &View, cluster: &Cluster) -> Vec<String> {
    view.uncertified(cluster.ca_generation).map(|node| node.name.to_string()).collect()
}
