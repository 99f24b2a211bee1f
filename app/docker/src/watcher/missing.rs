//! When an endpoint that Docker does not list is gone: not at first sight.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::{Attachment, DockerEndpointId};

/// Between the first look that misses an endpoint and the one that believes it.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(5);
/// A young one may be in the middle of its container's start.
const YOUNG: Duration = Duration::from_secs(10);

/// The endpoints that Docker did not list lately, and since when.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    since: BTreeMap<DockerEndpointId, Instant>,
}

impl Missing {
    /// Whether another look is due soon.
    pub(crate) fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// Answers those that have been missing long enough. For looks at a Docker that answered.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        attachments: &[Attachment],
        is_listed: impl Fn(&DockerEndpointId) -> bool,
    ) -> Vec<DockerEndpointId> {
        let old = |a: &&Attachment| now.saturating_duration_since(a.since) >= YOUNG;
        let missing = attachments.iter().filter(old).filter(|a| !is_listed(&a.endpoint));
        let before = std::mem::take(&mut self.since);
        self.since = missing
            .map(|a| (a.endpoint.clone(), before.get(&a.endpoint).copied().unwrap_or(now)))
            .collect();
        let gone = self.since.iter().filter(|(_, since)| now.duration_since(**since) >= GONE_AFTER);
        gone.map(|(id, _)| id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DockerNetworkId, Names};

    fn attachment(since: Instant) -> Attachment {
        Attachment {
            network: DockerNetworkId("n".into()),
            endpoint: DockerEndpointId("e".into()),
            names: Names::default(),
            life: weft_life::Life::Running,
            since,
        }
    }

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn an_endpoint_is_gone_when_two_looks_five_seconds_apart_miss_it() {
        let start = Instant::now();
        let all = [attachment(start)];
        let mut missing = Missing::default();
        let mut look = |after, listed| missing.look(start + seconds(after), &all, |_| listed).len();
        assert_eq!(look(20, false), 0);
        assert_eq!(look(24, false), 0, "the two looks are too near");
        assert_eq!(look(25, false), 1);
        assert_eq!(look(30, true), 0, "it is back");
        assert_eq!(look(40, false), 0, "the count begins anew");
    }

    #[test]
    fn an_endpoint_that_is_just_being_made_is_not_gone() {
        let start = Instant::now();
        let all = [attachment(start)];
        let mut missing = Missing::default();
        for after in [0, 9, 10, 14] {
            assert_eq!(missing.look(start + seconds(after), &all, |_| false), []);
        }
        assert_eq!(missing.look(start + seconds(15), &all, |_| false).len(), 1);
    }
}
