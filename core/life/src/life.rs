//! Running or ended, and what others may be told of either.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weft_model::Endpoint;

/// Whether a workload runs, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// It does, or nobody has said otherwise.
    #[default]
    Running,
    /// Its first process has ended, or its runtime has taken it off the network.
    Ended,
}

impl Life {
    /// The row that others learn: what has ended is found by no name.
    ///
    /// All else stays until the runtime takes it away: the last frames that it has sent are still on
    /// their way, and its address is not free.
    #[must_use]
    pub fn told(self, endpoint: &Endpoint) -> Endpoint {
        match self {
            Self::Running => endpoint.clone(),
            Self::Ended => Endpoint { name: None, aliases: BTreeSet::new(), ..endpoint.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_model::{EndpointId, MacAddr, Name};

    use super::*;

    #[test]
    fn what_has_ended_is_where_it_was_and_has_no_name() {
        let endpoint = Endpoint {
            id: EndpointId::from_random(1),
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            addresses: vec![[10, 7, 0, 2].into()],
            name: Some(Name::label("web").unwrap()),
            aliases: BTreeSet::from([Name::label("db").unwrap()]),
        };
        assert_eq!(Life::Running.told(&endpoint), endpoint);
        let told = Life::Ended.told(&endpoint);
        assert_eq!(told.names().count(), 0);
        assert_eq!(
            (told.id, told.mac, &told.addresses),
            (endpoint.id, endpoint.mac, &endpoint.addresses)
        );
    }
}
