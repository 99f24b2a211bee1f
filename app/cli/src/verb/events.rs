//! `weft events`: what has happened, and what a host believed.

use clap::Args;
use weft_api::{BeliefQuestion, BeliefView, EventFilter, EventView, EventsView};

use super::Outcome;
use crate::failure::{Exit, Failure};
use crate::moment;
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::table::{Table, plain};

const EXAMPLES: &str = "\
Examples:
  weft events --since 10m                   what has happened to this host lately
  weft events --follow                      … and what happens from now on
  weft events --kind drift --host h7        what somebody changed in the kernel of h7
  weft events --all --since 14:00           of all hosts, by their clocks: what was applied where, when
  weft events --at 14:03 --host h7          what h7 believed then: who is where, who is up

Kinds are node, network, endpoint, block, address, kernel, drift, refused, reconcile, manager, docker,
agent, certificate, and each word that an event has in JSON. Times are in UTC. Each host keeps its newest
4096 events and more, also over restarts of its agent.";

/// Show what has happened to a host: what changed, who did it, why
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    /// Go on, with what happens from now on
    #[arg(long, short, conflicts_with_all = ["at", "all", "since", "until"])]
    follow: bool,
    /// What the host believed at this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    #[arg(conflicts_with_all = ["all", "since", "until", "kind", "most"])]
    at: Option<String>,
    /// Of another host than this one
    #[arg(long, value_name = "NODE", conflicts_with = "all")]
    host: Option<String>,
    /// Of all hosts
    #[arg(long)]
    all: bool,
    /// Not what was before
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    since: Option<String>,
    /// Not what came later
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    until: Option<String>,
    /// Only this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "NUMBER", conflicts_with = "follow")]
    most: Option<u32>,
}

impl Events {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let Self { follow, at, host, all, since, until, kind, most } = self;
        if let Some(at) = at {
            return believed(&BeliefQuestion { at, host }, session).await;
        }
        let filter = EventFilter { host, all, since, until, kind, most };
        match follow {
            true => followed(&filter, session).await,
            false => {
                let told = session.ask("list events", async |c| c.events(&filter).await).await?;
                if told.hosts.iter().any(|host| host.since.is_none()) {
                    session.exit_as(Exit::Failed);
                }
                session.output.show(&told, |paint| text(&told, filter.all, paint))
            }
        }
    }
}

async fn followed(filter: &EventFilter, session: &mut Session) -> Outcome {
    let follow = session.ask("follow events", async |c| c.follow_events(filter).await);
    let mut events = follow.await?;
    loop {
        let next = events.next().await.map_err(|error| Failure::call("follow events", &error))?;
        let Some(event) = next else { return Ok(()) };
        if !session.output.line(&event, |paint| line(&event, false, paint))? {
            return Ok(());
        }
    }
}

async fn believed(question: &BeliefQuestion, session: &mut Session) -> Outcome {
    let ask = session.ask("look back", async |c| c.belief(question).await);
    let belief = ask.await?;
    session.output.show(&belief, |paint| belief_text(&belief, paint))
}

fn line(event: &EventView, with_host: bool, paint: Paint) -> String {
    let EventView { at, host, told, who, why, .. } = event;
    let host = if with_host { format!("{host}  ") } else { String::new() };
    let cause = if why.is_empty() { who.clone() } else { format!("{who}: {why}") };
    let at = paint.tone(Tone::Faint, at);
    format!("{at}  {host}{}  {}", paint.tone(tone(event), told), paint.tone(Tone::Faint, &cause))
}

/// What a person may have to look into.
fn tone(event: &EventView) -> Tone {
    match event.what.as_str() {
        "kernel_refused" | "node_down" | "manager_lost" | "disowned" | "docker_lost"
        | "docker_troubled" => Tone::Bad,
        "kernel_drift" | "endpoint_hidden" | "reconcile_paused" => Tone::Wary,
        _ => Tone::Neutral,
    }
}

fn text(told: &EventsView, with_host: bool, paint: Paint) -> String {
    let mut lines: Vec<String> =
        told.events.iter().map(|event| line(event, with_host, paint)).collect();
    for host in &told.hosts {
        match (&host.since, &host.cause) {
            (Some(since), _) if told.events.is_empty() => {
                lines.push(format!("Nothing of this on {} since {since}.", host.host));
            }
            (None, cause) => {
                let cause = cause.as_deref().unwrap_or_default();
                let silent = format!("{} does not answer: {cause}", host.host);
                lines.push(paint.tone(Tone::Bad, &silent));
                lines.extend(host.hint.as_ref().map(|hint| format!("try: {hint}")));
            }
            _ => {}
        }
    }
    lines.join("\n")
}

fn belief_text(belief: &BeliefView, paint: Paint) -> String {
    let mut parts = vec![head(belief, paint)];
    let mut nodes = Table::new(paint, &["NODE", "ADDRESS", "STANDING"]);
    for node in &belief.nodes {
        let up = if node.up { (Tone::Good, "up".into()) } else { (Tone::Bad, "down".into()) };
        nodes.row([plain(&node.name), plain(node.address), up]);
    }
    parts.extend((!belief.nodes.is_empty()).then(|| nodes.text()));
    let mut endpoints =
        Table::new(paint, &["ENDPOINT", "NETWORK", "ADDRESS", "MAC", "NODE", "NAMES"]);
    for endpoint in &belief.endpoints {
        let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
        let names = match endpoint.visible {
            true => (Tone::Good, "answered".into()),
            false => (Tone::Bad, "hidden".into()),
        };
        endpoints.row([
            plain(endpoint.name.as_deref().unwrap_or_default()),
            plain(&endpoint.network),
            plain(addresses.join(" ")),
            plain(endpoint.mac),
            plain(&endpoint.node),
            names,
        ]);
    }
    parts.extend((!belief.endpoints.is_empty()).then(|| endpoints.text()));
    parts.join("\n\n")
}

fn head(belief: &BeliefView, paint: Paint) -> String {
    let BeliefView { host, at, networks, nodes, endpoints, .. } = belief;
    let (networks, nodes, endpoints) = (networks.len(), nodes.len(), endpoints.len());
    let mut lines = vec![format!(
        "At {at} {host} knew {nodes} nodes, {networks} networks and {endpoints} endpoints."
    )];
    if !belief.managed {
        lines.push(paint.tone(Tone::Wary, "No manager answered it."));
    }
    if belief.away {
        let away = "Its agent may not have run then: what it left in the kernel went on.";
        lines.push(paint.tone(Tone::Wary, away));
    }
    let around = [("before", &belief.last), ("after", &belief.next)];
    lines.extend(around.into_iter().filter_map(|(word, event)| {
        let event = event.as_ref()?;
        Some(format!("{word}: {}  {}", event.at, event.told))
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use weft_api::{BelievedEndpoint, BelievedNode, EventsOf};
    use weft_model::MacAddr;

    use super::*;

    fn event() -> EventView {
        EventView {
            seq: 7,
            at: "2026-11-22T14:03:00Z".into(),
            host: "h7".into(),
            what: "node_down".into(),
            told: "node h3 is down".into(),
            who: "this host".into(),
            why: "it has no connection to this host".into(),
            change: serde_json::Value::Null,
        }
    }

    #[test]
    fn an_event_says_what_who_and_why() {
        assert_eq!(
            line(&event(), true, Paint::Plain),
            "2026-11-22T14:03:00Z  h7  node h3 is down  this host: it has no connection to this host"
        );
    }

    #[test]
    fn a_host_that_does_not_answer_is_told() {
        let of = |host: &str, since: Option<&str>| EventsOf {
            host: host.into(),
            since: since.map(Into::into),
            cause: Some("not connected".into()),
            hint: Some("weft node ls".into()),
        };
        let told = EventsView {
            events: Vec::new(),
            hosts: vec![of("a", Some("2026-11-22T13:00:00Z")), of("b", None)],
        };
        assert_eq!(
            text(&told, true, Paint::Plain),
            "Nothing of this on a since 2026-11-22T13:00:00Z.\nb does not answer: not connected\n\
             try: weft node ls"
        );
    }

    #[test]
    fn a_belief_says_who_was_where_and_whether_it_is_certain() {
        let belief = BeliefView {
            host: "h7".into(),
            at: "2026-11-22T14:03:00Z".into(),
            away: true,
            managed: false,
            last: Some(event()),
            next: None,
            nodes: vec![BelievedNode {
                name: "h3".into(),
                address: [192, 0, 2, 3].into(),
                up: false,
            }],
            networks: Vec::new(),
            endpoints: vec![BelievedEndpoint {
                name: Some("web".into()),
                network: "app".into(),
                node: "h3".into(),
                addresses: vec![[10, 7, 0, 2].into()],
                mac: MacAddr([2, 0, 0, 0, 0, 7]),
                visible: false,
            }],
        };
        assert_eq!(
            belief_text(&belief, Paint::Plain),
            "\
At 2026-11-22T14:03:00Z h7 knew 1 nodes, 0 networks and 1 endpoints.
No manager answered it.
Its agent may not have run then: what it left in the kernel went on.
before: 2026-11-22T14:03:00Z  node h3 is down

NODE   ADDRESS     STANDING
h3     192.0.2.3   down

ENDPOINT   NETWORK   ADDRESS    MAC                 NODE   NAMES
web        app       10.7.0.2   02:00:00:00:00:07   h3     hidden"
        );
    }
}
