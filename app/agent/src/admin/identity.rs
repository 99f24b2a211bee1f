//! What is wrong with who is who, for the status.

use std::time::{Duration, SystemTime};

use weft_api::DegradedView;

use crate::member::Member;
use crate::state::{FALSE_CLAIM_HINT, Picture};

/// Everything that this host knows of.
pub(super) fn troubles(member: &Member) -> Vec<DegradedView> {
    let picture = member.fabric.state.picture();
    let claims = picture.false_claims.iter().map(|(node, rows)| DegradedView {
        hop: None,
        reason: format!(
            "node {} claims what is not its own: {rows} endpoints are not believed",
            called(&picture, *node)
        ),
        hint: FALSE_CLAIM_HINT.to_owned(),
    });
    claims.chain(certificate(member)).chain(clock(member)).collect()
}

fn called(picture: &Picture, node: weft_model::NodeId) -> String {
    picture.view.node(node).map_or_else(|| node.short(), |node| node.name.to_string())
}

fn certificate(member: &Member) -> Option<DegradedView> {
    let ended = member.certificate().is_some_and(|validity| validity.has_ended(SystemTime::now()));
    ended.then(|| DegradedView {
        hop: None,
        reason: "this host's certificate has run out: the others do not talk to it".to_owned(),
        hint: "it is renewed as soon as a manager answers: see that one runs (weft node ls), and that \
               this host's clock is right (timedatectl)"
            .to_owned(),
    })
}

/// As the doctor judges it, but by all managers' clocks.
fn clock(member: &Member) -> Option<DegradedView> {
    let apart = Duration::from_micros(member.clock_ahead()?.unsigned_abs());
    let found = weft_doctor::clock::judge(member.node.name.as_str(), "the managers", apart)?;
    Some(DegradedView { hop: None, reason: found.what, hint: found.remedy })
}
