//! `/v1/events`: what has happened to this host or another one, and what it believed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast::error::RecvError;
use weft_api::{
    ApiProblem, BeliefQuestion, BeliefView, EventFilter, EventView, EventsOf, EventsView,
    ProblemKind,
};
use weft_events::{Change, Moment};
use weft_model::NodeId;

use super::json::{Json, Refused, Reply};
use super::lines::{TYPE, line};
use super::node::find;
use crate::agent::Agent;
use crate::events::{Wanted, moment};
use crate::inspect::{Believed, Happened, Inquiry, Inspector, Unanswered};
use crate::member::Member;
use crate::problem::{Answer, problem};
use crate::told::parse_rfc3339;

/// So many events are told unless somebody wants more.
const MOST: usize = 1000;
/// Nobody is told more at a time.
const BOUND: usize = 5000;
/// How often another node is asked for news.
const PAUSE: Duration = Duration::from_millis(300);

/// What has happened.
#[utoipa::path(get, path = "/v1/events", params(EventFilter),
    responses((status = 200, body = EventsView), (status = "default", body = ApiProblem)))]
pub(super) async fn list(
    State(agent): State<Arc<Agent>>,
    Query(filter): Query<EventFilter>,
) -> Reply<EventsView> {
    let wanted = wanted(&filter)?;
    let Some(member) = agent.member() else { return Ok(Json(own(&agent, wanted).await?)) };
    let view = member.fabric.view();
    let asked: Vec<NodeId> = match filter.all {
        true => view.nodes().keys().copied().collect(),
        false => vec![node(&member, filter.host.as_deref())?],
    };
    let answers = member.inspector.ask_all(asked, &Inquiry::Events(wanted.clone())).await;
    let named = answers.into_iter().map(|(id, answer)| {
        let name = view.node(id).map_or_else(|| id.short(), |node| node.name.to_string());
        (name, answer)
    });
    Ok(Json(merged(named, wanted.most)))
}

/// A host that is in no cluster has events of its own.
async fn own(agent: &Agent, wanted: Wanted) -> Answer<EventsView> {
    let found = agent.events().find(wanted).await?;
    let since = Some(crate::events::seen(found.since));
    let of = EventsOf { host: "this host".to_owned(), since, cause: None, hint: None };
    Ok(EventsView { events: found.events, hosts: vec![of] })
}

fn merged(
    answers: impl Iterator<Item = (String, Result<Happened, Unanswered>)>,
    most: usize,
) -> EventsView {
    let mut merged = EventsView::default();
    for (host, answer) in answers {
        let (since, unanswered) = match answer {
            Ok(happened) => {
                merged.events.extend(happened.events);
                (Some(happened.since), None)
            }
            Err(unanswered) => (None, Some(unanswered)),
        };
        let (cause, hint) = unanswered.map(|u| (u.why, u.hint)).unzip();
        merged.hosts.push(EventsOf { host, since, cause, hint });
    }
    merged.hosts.sort_by(|one, other| one.host.cmp(&other.host));
    // Sorting is stable: the events of one host keep their order.
    merged.events.sort_by_key(|event| parse_rfc3339(&event.at));
    let surplus = merged.events.len().saturating_sub(most);
    merged.events.drain(..surplus);
    merged
}

/// What happens from now on, one event a line.
#[utoipa::path(get, path = "/v1/events/follow", params(EventFilter),
    responses((status = 200, body = EventView, content_type = "application/x-ndjson"),
        (status = "default", body = ApiProblem)))]
pub(super) async fn follow(
    State(agent): State<Arc<Agent>>,
    Query(filter): Query<EventFilter>,
) -> Result<Response, Refused> {
    let member = agent.member();
    let other = match (&member, &filter.host) {
        (Some(member), Some(host)) => Some(node(member, Some(host))?),
        _ => None,
    };
    let events = match (member, other) {
        (Some(member), Some(node)) if node != member.node.id => {
            elsewhere(member.inspector.clone(), node, filter).await?
        }
        _ => here(&agent, filter).await?,
    };
    let lines = events.filter_map(async |event| Some(Ok::<_, Infallible>(line(&event)?)));
    Ok(([(header::CONTENT_TYPE, TYPE)], Body::from_stream(lines)).into_response())
}

async fn here(agent: &Agent, filter: EventFilter) -> Answer<BoxStream<'static, EventView>> {
    let heard = agent.events().follow().await?;
    let events = stream::unfold(heard, |mut heard| async move {
        loop {
            match heard.recv().await {
                Ok(event) => return Some((EventView::clone(&event), heard)),
                // A reader that is too slow misses some.
                Err(RecvError::Lagged(_missed)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let of_kind = move |event: &EventView| {
        let change = serde_json::from_value::<Change>(event.change.clone());
        filter.kind.as_ref().is_none_or(|kind| change.is_ok_and(|change| change.is(kind)))
    };
    Ok(events.filter(move |event| std::future::ready(of_kind(event))).boxed())
}

/// Another node is asked again and again, until it does not answer.
async fn elsewhere(
    inspector: Inspector,
    node: NodeId,
    filter: EventFilter,
) -> Answer<BoxStream<'static, EventView>> {
    let last = Wanted { most: 1, ..Wanted::default() };
    let begun: Happened = inspector.ask(node, &Inquiry::Events(last)).await.map_err(unanswered)?;
    let after = begun.events.last().map(|event| event.seq);
    let news = stream::unfold((inspector, after), move |(inspector, after)| {
        let kind = filter.kind.clone();
        async move {
            tokio::time::sleep(PAUSE).await;
            let wanted = Wanted { after, kind, most: BOUND, ..Wanted::default() };
            let asked = inspector.ask::<Happened>(node, &Inquiry::Events(wanted)).await;
            let events = asked.ok()?.events;
            let after = events.last().map(|event| event.seq).or(after);
            Some((stream::iter(events), (inspector, after)))
        }
    });
    Ok(news.flatten().boxed())
}

/// What a host believed at a moment.
#[utoipa::path(get, path = "/v1/events/at", params(BeliefQuestion),
    responses((status = 200, body = BeliefView), (status = "default", body = ApiProblem)))]
pub(super) async fn belief(
    State(agent): State<Arc<Agent>>,
    Query(question): Query<BeliefQuestion>,
) -> Reply<BeliefView> {
    let member = agent.need()?;
    let node = node(&member, question.host.as_deref())?;
    let at = time(&question.at)?;
    if at > moment(std::time::SystemTime::now()) {
        let what = format!("{} is yet to come", question.at);
        return Err(problem(ProblemKind::BadInput, what, "ask for a time that has been").into());
    }
    match member.inspector.ask(node, &Inquiry::Belief { at }).await.map_err(unanswered)? {
        Believed::Was(view) => Ok(Json(*view)),
        Believed::Since(since) => {
            let what = format!("it is not known any more what was believed at {}", question.at);
            let hint = format!("its events begin at {since}");
            Err(problem(ProblemKind::NotFound, what, hint).into())
        }
    }
}

/// The node that is meant: the one that is named, or this one.
pub(super) fn node(member: &Member, reference: Option<&str>) -> Answer<NodeId> {
    let picture = member.fabric.state.picture();
    reference.map_or(Ok(member.node.id), |named| find(&picture, named).map(|node| node.id))
}

fn wanted(filter: &EventFilter) -> Answer<Wanted> {
    let most = filter.most.and_then(|most| usize::try_from(most).ok()).unwrap_or(MOST);
    Ok(Wanted {
        since: filter.since.as_deref().map(time).transpose()?,
        until: filter.until.as_deref().map(time).transpose()?,
        after: None,
        kind: filter.kind.clone(),
        most: most.min(BOUND),
    })
}

fn time(text: &str) -> Answer<Moment> {
    parse_rfc3339(text).map(moment).ok_or_else(|| {
        let what = format!("`{text}` is no time");
        problem(ProblemKind::BadInput, what, "write it as in 2026-11-22T14:03:00Z")
    })
}

/// Why another node said nothing.
pub(super) fn unanswered(unanswered: Unanswered) -> ApiProblem {
    let what = format!("{} does not answer: {}", unanswered.node, unanswered.why);
    problem(ProblemKind::Unavailable, what, unanswered.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(host: &str, at: &str, seq: u64) -> EventView {
        EventView {
            seq,
            at: format!("2026-11-22T23:{at}Z"),
            host: host.into(),
            what: "node_up".into(),
            told: String::new(),
            who: String::new(),
            why: String::new(),
            change: serde_json::Value::Null,
        }
    }

    #[test]
    fn the_events_of_several_hosts_are_told_in_the_order_of_time() {
        let happened = |events| Ok(Happened { since: "2026".into(), events });
        let silent = Unanswered { node: "c".into(), why: "cut".into(), hint: "mend".into() };
        let answers = [
            ("b".to_owned(), happened(vec![event("b", "00:01", 1), event("b", "00:03", 2)])),
            ("c".to_owned(), Err(silent)),
            ("a".to_owned(), happened(vec![event("a", "00:02", 9)])),
        ];
        let told = merged(answers.into_iter(), 2);
        let order: Vec<&str> = told.events.iter().map(|event| event.host.as_str()).collect();
        assert_eq!(order, ["a", "b"], "the newest two");
        let hosts: Vec<_> =
            told.hosts.iter().map(|h| (h.host.as_str(), h.since.is_some())).collect();
        assert_eq!(hosts, [("a", true), ("b", true), ("c", false)]);
        assert_eq!(told.hosts[2].cause.as_deref(), Some("cut"));
    }

    #[test]
    fn a_time_that_is_none_is_told() {
        assert_eq!(time("1970-01-01T00:00:01Z").unwrap(), Moment(1000));
        assert!(time("noon").unwrap_err().error.contains("noon"));
    }
}
