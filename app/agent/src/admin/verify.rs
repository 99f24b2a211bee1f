//! `/v1/verify`: every host's kernel against what the cluster means.

use std::sync::Arc;

use axum::extract::State;
use weft_api::{ApiProblem, HostVerified, Verification};

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::inspect::{Difference, Inquiry, Unanswered};

/// Asks every host for the difference between its kernel and what the cluster means.
#[utoipa::path(get, path = "/v1/verify",
    responses((status = 200, body = Verification), (status = "default", body = ApiProblem)))]
pub(super) async fn verify(State(agent): State<Arc<Agent>>) -> Reply<Verification> {
    let member = agent.need()?;
    let view = member.fabric.view();
    let mut answers =
        member.inspector.ask_all(view.nodes().keys().copied(), &Inquiry::Difference).await;
    let hosts = view
        .nodes()
        .values()
        .filter_map(|node| Some(verified(node.name.to_string(), answers.remove(&node.id)?)));
    let mut hosts: Vec<HostVerified> = hosts.collect();
    hosts.sort_by(|one, other| one.host.cmp(&other.host));
    let differences = hosts.iter().map(|host| host.differences.len() as u64).sum();
    Ok(Json(Verification { differences, hosts }))
}

fn verified(host: String, answer: Result<Difference, Unanswered>) -> HostVerified {
    match answer {
        Ok(Difference { changes, failures, paused }) => HostVerified {
            host,
            answered: true,
            cause: cause(!changes.is_empty(), paused, &failures),
            hint: paused.then(|| "let its agent mend it: weft reconcile resume".to_owned()),
            differences: changes,
        },
        Err(unanswered) => HostVerified {
            host,
            answered: false,
            cause: Some(unanswered.why),
            hint: Some(unanswered.hint),
            differences: Vec::new(),
        },
    }
}

fn cause(differs: bool, paused: bool, failures: &[String]) -> Option<String> {
    match (paused, failures.is_empty(), differs) {
        (true, _, _) => Some("reconciling is paused there".to_owned()),
        (false, false, _) => Some(failures.join("; ")),
        (false, true, true) => {
            Some("somebody changed it a moment ago, or the agent is about to".to_owned())
        }
        (false, true, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_says_why_it_differs() {
        let difference = |paused, failures: &[&str]| {
            let changes = vec!["segment 4097: 10.7.0.9 is 02:00:00:00:00:09".to_owned()];
            let failures = failures.iter().map(ToString::to_string).collect();
            verified("h1".into(), Ok(Difference { changes, failures, paused })).cause.unwrap()
        };
        assert!(difference(true, &["a: b"]).contains("paused"));
        assert_eq!(difference(false, &["make it: no space left"]), "make it: no space left");
        assert!(difference(false, &[]).contains("a moment ago"));
    }

    #[test]
    fn a_host_that_does_not_answer_is_told_and_counts_no_difference() {
        let why = Unanswered { node: "h2".into(), why: "not connected".into(), hint: "go".into() };
        let told = verified("h2".into(), Err(why));
        assert!(!told.answered && told.differences.is_empty());
        assert_eq!(
            (told.cause.as_deref(), told.hint.as_deref()),
            (Some("not connected"), Some("go"))
        );
    }
}
