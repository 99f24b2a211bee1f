//! One zone a network: its names, and the names of its addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use weft_model::{Endpoint, Name, Network, NetworkId};

use crate::Asker;

/// The names of one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Whose names these are.
    pub network: NetworkId,
    /// What stands after the dot in `web.app`; a network without a name has bare labels only.
    pub name: Option<Name>,
    /// Without a way out, also for questions.
    pub internal: bool,
    /// The network's ranges: a PTR question inside them is ours, whether known or not.
    pub subnets: Vec<IpNet>,
    /// Container names, aliases and short ids.
    pub records: BTreeMap<Name, BTreeSet<IpAddr>>,
    /// The container name of each address.
    pub pointers: BTreeMap<IpAddr, Name>,
    /// Addresses of what has ended here, until somebody else has them. Another resolver of this host may
    /// know them for a while yet, and is not believed.
    pub ended: BTreeSet<IpAddr>,
}

impl Zone {
    /// The empty zone of `network`.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self {
            network: network.id,
            name: network.name.clone(),
            internal: network.internal,
            subnets: network.subnets.iter().map(|subnet| subnet.range).collect(),
            records: BTreeMap::new(),
            pointers: BTreeMap::new(),
            ended: BTreeSet::new(),
        }
    }

    /// Adds every name of `endpoint`; several endpoints may share one.
    pub fn add(&mut self, endpoint: &Endpoint) {
        for name in endpoint.names() {
            self.records.entry(name.clone()).or_default().extend(&endpoint.addresses);
        }
        if let Some(name) = &endpoint.name {
            self.pointers.extend(endpoint.addresses.iter().map(|&at| (at, name.clone())));
        }
    }

    /// The addresses of `name`, which is `web` or `web.app`; absent if this zone does not have it.
    pub(crate) fn addresses(&self, name: &Name) -> Option<BTreeSet<IpAddr>> {
        let bare = self.records.get(name);
        let qualified = self.inside(name).and_then(|label| self.records.get(&label));
        (bare.is_some() || qualified.is_some())
            .then(|| bare.into_iter().chain(qualified).flatten().copied().collect())
    }

    /// Without the addresses of names, and the names of addresses, that `other` does not have.
    fn within(&self, other: Option<&Self>) -> Self {
        let (mut records, mut pointers) = (self.records.clone(), self.pointers.clone());
        records.retain(|name, addresses| {
            let known = other.and_then(|other| other.records.get(name));
            addresses.retain(|address| known.is_some_and(|known| known.contains(address)));
            !addresses.is_empty()
        });
        pointers.retain(|at, name| other.is_some_and(|other| other.pointers.get(at) == Some(name)));
        Self { records, pointers, ..self.clone() }
    }

    /// Whether it is `web.app` in zone `app`, known or not.
    pub(crate) fn has_inside(&self, name: &Name) -> bool {
        self.inside(name).is_some()
    }

    /// `web` for `web.app` in zone `app`.
    fn inside(&self, name: &Name) -> Option<Name> {
        let zone = self.name.as_ref()?.as_str();
        name.as_str().strip_suffix(zone)?.strip_suffix('.')?.parse().ok()
    }

    pub(crate) fn covers(&self, address: IpAddr) -> bool {
        self.subnets.iter().any(|subnet| subnet.contains(&address))
    }

    /// The full name of `address`: `web.app`.
    pub(crate) fn pointer(&self, address: IpAddr) -> Option<Name> {
        let name = self.pointers.get(&address)?;
        Some(self.name.as_ref().map_or_else(|| name.clone(), |zone| name.within(zone)))
    }
}

/// The zones of all networks that this host takes part in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones(BTreeMap<NetworkId, Zone>);

impl Zones {
    /// Brings zones together; of two of one network the later one counts.
    #[must_use]
    pub fn build(zones: impl IntoIterator<Item = Zone>) -> Self {
        Self(zones.into_iter().map(|zone| (zone.network, zone)).collect())
    }

    /// The zone of one network.
    #[must_use]
    pub fn get(&self, network: NetworkId) -> Option<&Zone> {
        self.0.get(&network)
    }

    /// These zones, without what `others` do not tell as well.
    pub(crate) fn within(&self, others: &Self) -> Self {
        self.iter().map(|zone| zone.within(others.get(zone.network))).collect()
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.0.values()
    }

    /// The addresses that `asker` is not told any more, by nobody; few.
    #[must_use]
    pub fn ended(&self, asker: &Asker) -> BTreeSet<IpAddr> {
        self.of(asker).flat_map(|zone| &zone.ended).copied().collect()
    }

    /// The zones that `asker` may see.
    pub fn of(&self, asker: &Asker) -> impl Iterator<Item = &Zone> {
        asker.networks.iter().filter_map(|network| self.0.get(network))
    }
}

impl FromIterator<Zone> for Zones {
    fn from_iter<T: IntoIterator<Item = Zone>>(zones: T) -> Self {
        Self::build(zones)
    }
}
