//! Leases that nobody uses.
//!
//! When the agent is killed between a lease and its answer, Docker asks again and gets another
//! address; of the first one it never hears. An endpoint follows its address within moments, so a
//! lease that has had none for long is of no use.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::State;
use crate::local::Held;

/// How long an endpoint may take to follow its address.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(120);

/// The leases that had no endpoint lately, and since when.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    since: BTreeMap<Held, Instant>,
}

impl Orphans {
    /// Answers those that have been without an endpoint for too long.
    fn look(&mut self, now: Instant, without: impl Iterator<Item = Held>) -> Vec<Held> {
        let before = std::mem::take(&mut self.since);
        self.since =
            without.map(|held| (held, before.get(&held).copied().unwrap_or(now))).collect();
        let is_late = |since: Instant| now.saturating_duration_since(since) >= FOLLOWS_WITHIN;
        self.since.iter().filter(|(_, since)| is_late(**since)).map(|(held, _)| *held).collect()
    }
}

impl State {
    /// Lets the addresses rest that no endpoint came for.
    pub(super) async fn release_orphans(&mut self, now: Instant) {
        let used: BTreeSet<Held> = self
            .attachments
            .values()
            .flat_map(|a| a.endpoint.addresses.iter().map(|address| (a.network, *address)))
            .map(|(network, address)| Held { network, address })
            .collect();
        let leased = self.lessors.iter().flat_map(|(network, lessor)| {
            lessor.leased().map(|address| Held { network: *network, address })
        });
        let late = self.orphans.look(now, leased.filter(|held| !used.contains(held)));
        for Held { network, address } in late {
            match self.release(network, address).await {
                Ok(()) => tracing::info!(%network, %address, "a lease that nobody used ends"),
                Err(problem) => {
                    tracing::warn!(%address, %problem, "a lease that nobody uses stays");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_model::NetworkId;

    use super::*;

    #[test]
    fn a_lease_is_an_orphan_when_no_endpoint_comes_for_long_without_a_break() {
        let held = Held { network: NetworkId::from_random(7), address: [10, 7, 0, 2].into() };
        let start = Instant::now();
        let mut orphans = Orphans::default();
        let mut look = |after, alone: bool| {
            orphans.look(start + Duration::from_secs(after), alone.then_some(held).into_iter())
        };
        assert_eq!(look(0, true), []);
        assert_eq!(look(119, true), []);
        assert_eq!(look(120, true), [held]);
        assert_eq!(look(121, false), []);
        assert_eq!(look(122, true), [], "the count begins anew");
    }
}
