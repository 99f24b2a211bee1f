//! How this host stands among the managers, if it is one.

use prometheus_client::metrics::gauge::Gauge;
use weft_telemetry::Metrics;

use super::gauges::set;
use crate::agent::Agent;

/// All are 0 on a host that is no manager, and where an etcd keeps the registry.
#[derive(Clone, Debug, Default)]
pub(super) struct Managing {
    votes: Gauge,
    leads: Gauge,
    term: Gauge,
    applied: Gauge,
    bytes: Gauge,
}

impl Managing {
    /// Puts all of them on the list.
    pub(super) fn register(&self, metrics: &Metrics) {
        for (name, help, gauge) in self.all() {
            metrics.register(name, help, gauge.clone());
        }
    }

    fn all(&self) -> [(&'static str, &'static str, &Gauge); 5] {
        [
            (
                "manager_votes",
                "1: this host is a manager and votes. If less than three hosts do: weft node promote",
                &self.votes,
            ),
            (
                "manager_leads",
                "1: this manager puts changes in order. If no host does: weft node ls",
                &self.leads,
            ),
            (
                "manager_term",
                "Elections so far. If it goes on rising: the ways between the managers, weft doctor",
                &self.term,
            ),
            (
                "manager_applied",
                "Entries of the managers' log that this one has. If it stays behind the others': its \
                 disk, weft doctor",
                &self.applied,
            ),
            (
                "manager_store_bytes",
                "Size of this manager's file: there has to be room for twice of it",
                &self.bytes,
            ),
        ]
    }

    /// Reads all of them anew.
    pub(super) fn refresh(&self, agent: &Agent) {
        let member = agent.member();
        let office = member.as_ref().and_then(|member| member.tenure.office());
        let backing = office.map(|office| office.backing());
        let standing = backing.as_ref().and_then(|backing| Some(backing.raft()?.standing()));
        let standing = standing.unwrap_or_default();
        let leads = member.is_some_and(|member| standing.leader == Some(member.node.id));
        set(&self.votes, usize::from(standing.votes));
        set(&self.leads, usize::from(leads));
        self.term.set(standing.term.try_into().unwrap_or(i64::MAX));
        self.applied.set(standing.applied.try_into().unwrap_or(i64::MAX));
        let file = standing.votes.then(|| std::fs::metadata(agent.disk().manager_store()).ok());
        let bytes = file.flatten().map_or(0, |file| file.len());
        self.bytes.set(bytes.try_into().unwrap_or(i64::MAX));
    }
}
