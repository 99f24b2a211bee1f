//! Since when a row is known here as it is: what a person asks who sees a wrong one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use weft_model::EndpointId;
use weft_path::Facts;

use super::State;

impl State {
    /// Notes which rows are new or changed, against the picture of now.
    pub(super) fn date(&mut self, facts: &Facts) {
        let before = Arc::clone(&self.out.picture.borrow().facts);
        if let Some(since) = dated(&before, facts, &self.known_since, SystemTime::now()) {
            self.known_since = Arc::new(since);
        }
    }
}

type Since = BTreeMap<EndpointId, SystemTime>;

/// The moments anew, if a row has come, changed or gone. Whether its host is up is no part of it.
fn dated(before: &Facts, after: &Facts, known: &Since, now: SystemTime) -> Option<Since> {
    let same = |id: &EndpointId| {
        let rows = before.endpoints.get(id).zip(after.endpoints.get(id));
        rows.is_some_and(|(one, other)| {
            (one.network, one.owner, &one.endpoint) == (other.network, other.owner, &other.endpoint)
        })
    };
    let unchanged = before.endpoints.len() == after.endpoints.len()
        && after.endpoints.keys().all(same)
        && known.len() == after.endpoints.len();
    if unchanged {
        return None;
    }
    let moment = |id: &EndpointId| known.get(id).filter(|_| same(id)).copied().unwrap_or(now);
    Some(after.endpoints.keys().map(|id| (*id, moment(id))).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use weft_model::{Endpoint, MacAddr, NetworkId, NodeId};
    use weft_path::Located;

    use super::*;

    fn facts(rows: &[(u128, u8)]) -> Facts {
        let row = |&(id, mac): &(u128, u8)| {
            let id = EndpointId::from_random(id);
            let endpoint = Endpoint {
                id,
                mac: MacAddr([2, 0, 0, 0, 0, mac]),
                addresses: Vec::new(),
                name: None,
                aliases: BTreeSet::new(),
            };
            let (network, owner) = (NetworkId::from_random(1), NodeId::from_random(1));
            (id, Located { network, owner, endpoint, visible: true })
        };
        Facts { endpoints: rows.iter().map(row).collect(), ..Facts::default() }
    }

    #[test]
    fn a_row_is_as_old_as_what_it_says() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let [nothing, one, two, moved] =
            [facts(&[]), facts(&[(1, 1)]), facts(&[(1, 1), (2, 2)]), facts(&[(1, 9), (2, 2)])];
        let first = dated(&nothing, &one, &Since::new(), at(1)).unwrap();
        assert_eq!(dated(&one, &one, &first, at(2)), None);
        let second = dated(&one, &two, &first, at(3)).unwrap();
        assert_eq!(second.values().copied().collect::<Vec<_>>(), [at(1), at(3)]);
        let third = dated(&two, &moved, &second, at(4)).unwrap();
        assert_eq!(third.values().copied().collect::<Vec<_>>(), [at(4), at(3)]);
    }
}
