//! How things stand at the moment of a scrape: read then, and nothing between scrapes.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::gauge::Gauge;
use weft_life::Life;
use weft_membership::Standing;
use weft_telemetry::Metrics;

use super::tables::Tables;
use crate::agent::Agent;
use crate::member::Member;

/// Numbers that go up and down; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauges {
    member: Gauge,
    manager: Gauge,
    paused: Gauge,
    unmended: Gauge,
    docker_troubles: Gauge,
    networks: Gauge,
    endpoints: Gauge,
    ended_endpoints: Gauge,
    nodes: Gauge,
    nodes_down: Gauge,
    clock_skew: Gauge<f64, AtomicU64>,
    tables: Tables,
}

impl Gauges {
    /// Puts all of them on the list.
    pub(super) fn register(&self, metrics: &Metrics) {
        for (name, help, gauge) in self.all() {
            metrics.register(name, help, gauge.clone());
        }
        metrics.register(
            "agent_clock_skew_seconds",
            "How far this host's clock is ahead of the managers', negative: behind; NaN while none \
             answers. Beyond 2 s: timedatectl, weft doctor says whose clock differs",
            self.clock_skew.clone(),
        );
        self.tables.register(metrics);
    }

    fn all(&self) -> [(&'static str, &'static str, &Gauge); 10] {
        [
            (
                "agent_member",
                "1: this host is in a cluster. 0: weft init or weft join",
                &self.member,
            ),
            (
                "agent_manager_reachable",
                "1: a manager answers. 0: nothing can be made or removed, see weft node ls",
                &self.manager,
            ),
            (
                "agent_reconcile_paused",
                "1: somebody told the agent to leave the kernel alone: weft reconcile resume",
                &self.paused,
            ),
            (
                "agent_unmended",
                "Changes that the last pass could not make: weft status has each with what to try",
                &self.unmended,
            ),
            (
                "agent_docker_troubles",
                "Standing troubles with this host's Docker: weft status has each",
                &self.docker_troubles,
            ),
            ("agent_networks", "Networks of the cluster: weft network ls", &self.networks),
            (
                "agent_endpoints",
                "Workloads of this host on networks: weft endpoint ls",
                &self.endpoints,
            ),
            (
                "agent_ended_endpoints",
                "Endpoints of containers whose process has ended and that Docker has not taken away: \
                 they have no names. If they stay: does docker ps answer?",
                &self.ended_endpoints,
            ),
            ("agent_nodes", "Nodes of the cluster, up or not: weft node ls", &self.nodes),
            (
                "agent_nodes_down",
                "Nodes whose names are hidden: see weft node ls",
                &self.nodes_down,
            ),
        ]
    }

    /// Reads all of them anew.
    pub(super) async fn refresh(&self, agent: &Agent) {
        self.tables.refresh(&agent.tables().await);
        set(&self.docker_troubles, agent.degraded().len());
        let member = agent.member();
        set(&self.member, usize::from(member.is_some()));
        let ahead = member.as_ref().and_then(|member| member.clock_ahead());
        self.clock_skew.set(ahead.map_or(f64::NAN, seconds));
        if let Some(member) = member {
            self.of_member(&member);
        }
    }

    fn of_member(&self, member: &Member) {
        let picture = member.fabric.state.picture();
        let down = picture
            .standings
            .values()
            .filter(|s| matches!(s, Standing::Down { .. } | Standing::Indirect { .. }));
        set(&self.manager, usize::from(member.fabric.registry.fresh()));
        set(&self.paused, usize::from(member.fabric.pause.is_set()));
        set(&self.unmended, member.last_pass().map_or(0, |pass| pass.failures.len()));
        set(&self.networks, picture.view.networks().len());
        set(&self.endpoints, picture.attachments.len());
        let ended = picture.attachments.values().filter(|a| a.life == Life::Ended);
        set(&self.ended_endpoints, ended.count());
        set(&self.nodes, picture.view.nodes().len());
        set(&self.nodes_down, down.count());
    }
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 microseconds nobody counts them")]
fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

pub(super) fn set(gauge: &Gauge, value: usize) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}
