//! What the daemon counts, and the optional TCP address where Prometheus reads it.

mod gauges;
mod managing;
mod tables;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use weft_path::Reason;
use weft_resolver::Queries;
use weft_telemetry::{Metrics, TEXT_TYPE};

use crate::agent::Agent;
use gauges::Gauges;
use managing::Managing;

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
    /// Rows of a node about what is not its own.
    pub(crate) false_claims: Counter,
    /// New certificates of this node.
    pub(crate) renewals: Counter,
    refused: Family<RefusedLabels, Counter>,
    /// Events that were not written down.
    pub(crate) events_lost: Counter,
    gauges: Gauges,
    managing: Managing,
}

impl Counters {
    /// Puts all of them on the list.
    pub(crate) fn register(&self, metrics: &Metrics) {
        let Self { passes, changes, drift, failures, rejected, .. } = self;
        let Self { false_claims, renewals, refused, events_lost, gauges, managing, .. } = self;
        let add = |name, help, counter: &Counter| metrics.register(name, help, counter.clone());
        add(
            "agent_reconciles",
            "Passes over the kernel; one every 30 s is the least. If there are none: is \
             reconciling paused, weft status",
            passes,
        );
        add(
            "agent_changes",
            "Changes made to the kernel; a restart makes none. What they were: weft events",
            changes,
        );
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
        add(
            "agent_false_claims",
            "Rows of a node with an address that is not in its blocks, or with another's MAC, that are \
             not believed: look at that node, the log names it",
            false_claims,
        );
        add(
            "agent_certificate_renewals",
            "New certificates of this host; if there is none for two days: weft status",
            renewals,
        );
        // Listed from the start, so that an alert on a reason has something to look at.
        for reason in REFUSALS {
            refused.get_or_create(&RefusedLabels { reason }).inc_by(0);
        }
        metrics.register(
            "agent_refused_hosts",
            "Hosts that were refused at the control port, by reason: the log says who and what to do",
            refused.clone(),
        );
        add(
            "agent_events_lost",
            "Events that came too fast to be written down: weft events has a gap, the log has not",
            events_lost,
        );
        gauges.register(metrics);
        managing.register(metrics);
    }

    /// Counts a host that was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&RefusedLabels { reason }).inc();
    }
}

/// Why a host may be refused.
const REFUSALS: [&str; 6] = ["foreign", "expired", "no_member", "join", "clone", "own_clone"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: &'static str,
}

/// `weft_path_drops_total`; clones count into the same numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drops(Family<DropLabels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    hop: &'static str,
    reason: &'static str,
}

impl Drops {
    const NAME: &str = "path_drops";
    const HELP: &str = "Packets that were dropped, by the hop of their path and the reason; \
        weft drops says who sent them and what to try, of each reason";

    /// Counts `more` of a reason, which may be none: then it is listed from here on.
    pub(crate) fn add(&self, reason: Reason, more: u64) {
        let labels = DropLabels { hop: reason.hop().word(), reason: reason.word() };
        self.0.get_or_create(&labels).inc_by(more);
    }
}

#[derive(Clone)]
struct Page {
    agent: Arc<Agent>,
    counters: Counters,
    metrics: Metrics,
}

/// A list of everything that this process counts.
pub(crate) fn list(counters: &Counters, drops: &Drops, queries: &Queries) -> Metrics {
    let metrics = Metrics::new();
    counters.register(&metrics);
    metrics.register(Drops::NAME, Drops::HELP, drops.0.clone());
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
    page.counters.gauges.refresh(&page.agent).await;
    page.counters.managing.refresh(&page.agent);
    // To be asked is what makes the keeper look; at the agent's end nobody needs to.
    drop(page.agent.drops().all().await);
    match page.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
