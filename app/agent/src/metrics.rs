//! What the daemon counts, and the optional TCP address where Prometheus reads it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use weft_resolver::Queries;
use weft_telemetry::{Metrics, TEXT_TYPE};

use crate::agent::Agent;

/// The daemon's own numbers; clones count into the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// Passes over the kernel.
    pub(crate) passes: Counter,
    /// Changes made to the kernel.
    pub(crate) changes: Counter,
    /// Differences that somebody else made.
    pub(crate) drift: Counter,
    /// Changes that the kernel refused.
    pub(crate) failures: Counter,
    /// Messages of other nodes that were not theirs to send.
    pub(crate) rejected: Counter,
    networks: Gauge,
    endpoints: Gauge,
    nodes_down: Gauge,
}

impl Counters {
    /// Puts all of them on the list.
    pub(crate) fn register(&self, metrics: &Metrics) {
        let Self { passes, changes, drift, failures, rejected, networks, endpoints, nodes_down } =
            self;
        let add = |name, help, counter: &Counter| metrics.register(name, help, counter.clone());
        add("agent_reconciles", "Passes over the kernel; one every 30 s is the least", passes);
        add("agent_changes", "Changes made to the kernel; none by a restart", changes);
        add(
            "agent_drift",
            "Differences in the kernel that somebody else made, all mended. If it goes on: find \
             who touches Weft's devices or tables, the log names each",
            drift,
        );
        add("agent_failures", "Changes that the kernel refused: see weft status", failures);
        add(
            "agent_rejected_messages",
            "Messages of a node about what is not its own: look at that node, the log names it",
            rejected,
        );
        let add = |name, help, gauge: &Gauge| metrics.register(name, help, gauge.clone());
        add("agent_networks", "Networks of the cluster", networks);
        add("agent_endpoints", "Workloads of this host on networks", endpoints);
        add("agent_nodes_down", "Nodes whose names are hidden: see weft node ls", nodes_down);
    }

    fn refresh(&self, agent: &Agent) {
        let Some(member) = agent.member() else { return };
        let picture = member.fabric.state.picture();
        let down = picture.standings.values();
        let down = down.filter(|s| matches!(s, weft_membership::Standing::Down { .. })).count();
        for (gauge, value) in [
            (&self.networks, picture.view.networks().len()),
            (&self.endpoints, picture.attachments.len()),
            (&self.nodes_down, down),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}

#[derive(Clone)]
struct Page {
    agent: Arc<Agent>,
    counters: Counters,
    metrics: Metrics,
}

/// A list of everything that this process counts.
pub(crate) fn list(counters: &Counters, queries: &Queries) -> Metrics {
    let metrics = Metrics::new();
    counters.register(&metrics);
    metrics.register(Queries::NAME, Queries::HELP, queries.family());
    metrics
}

/// Serves metrics on `at`, if that is given, until `stop`.
///
/// # Errors
///
/// If the address cannot be listened on.
pub(crate) async fn serve(
    at: Option<SocketAddr>,
    agent: Arc<Agent>,
    counters: Counters,
    metrics: Metrics,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Some(at) = at else { return Ok(()) };
    let listener = TcpListener::bind(at).await.with_context(|| format!("serve metrics on {at}"))?;
    let router = Router::new()
        .route("/metrics", get(page))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(Page { agent, counters, metrics });
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

async fn page(State(page): State<Page>) -> Response {
    page.counters.refresh(&page.agent);
    match page.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
