//! Which rows of other nodes are believed: those whose addresses and MACs are their owner's to give.
//!
//! A row may come before the registry's change that makes it right, so nothing is dropped: a row that
//! is not believed is held, looked at with every change, and told of when it stays wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, NodeId};

use crate::{Claim, View};

/// A registry's change may be so late, after the row that it makes right.
const PATIENCE: Duration = Duration::from_secs(2);

/// A row, of another node or this one.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The network that it is on.
    pub network: NetworkId,
    /// The node that speaks about it.
    pub owner: NodeId,
    /// What it says.
    pub endpoint: &'a Endpoint,
    /// Whether that node is up.
    pub visible: bool,
    /// Whether it is this node itself, which does not doubt its own rows.
    pub own: bool,
}

/// Why a row is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Its address is not in its owner's blocks.
    Address(Claim),
    /// Its MAC is that of another node's endpoint, which was known before.
    Mac {
        /// The MAC.
        mac: MacAddr,
        /// Whose it is.
        owner: NodeId,
    },
}

/// A node's claim to what is not its own, which was not mended in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FalseClaim {
    /// On this network.
    pub network: NetworkId,
    /// The node that claims.
    pub by: NodeId,
    /// The endpoint that it claims it for.
    pub endpoint: EndpointId,
    /// What is wrong.
    pub doubt: Doubt,
}

/// What a row has said, and what became of it.
#[derive(Clone, Debug)]
struct Seen {
    mac: MacAddr,
    addresses: Vec<IpAddr>,
    /// When the node first gave its endpoint this MAC.
    since: Instant,
    /// Whether the addresses were once in the node's blocks.
    owned: bool,
}

/// Of two rows with one MAC the lesser counts: another's, down, when it was seen first, its id.
type Rank = (bool, bool, Option<Instant>, EndpointId);

/// Rows that were seen, and those among them that are not believed.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    seen: BTreeMap<(NodeId, EndpointId), Seen>,
    /// Since when a row is not believed, and whether that was told.
    held: BTreeMap<(NodeId, EndpointId), (Instant, bool)>,
    told: Vec<FalseClaim>,
}

impl Claims {
    /// Judges all rows; answers those of other nodes that are not to be believed now.
    ///
    /// `fresh`: a manager confirms the view. One that is not may lack a block, so an address in
    /// nobody's block is believed then; what another node owns is not, and is not told of either.
    /// Nor is a row doubted whose addresses were its owner's and are nobody's now: a registry that was
    /// restored from a backup has lost blocks, and they are claimed again.
    pub fn judge(
        &mut self,
        now: Instant,
        (view, fresh): (&View, bool),
        rows: &[Row<'_>],
    ) -> BTreeSet<(NodeId, EndpointId)> {
        self.remember(now, view, rows);
        let stations = self.stations(rows, view, fresh);
        let doubt = |row: &Row<'_>| {
            self.address(row, view, fresh).map(Doubt::Address).or_else(|| {
                let mac = row.endpoint.mac;
                let owner = *stations.get(&(row.network, mac))?;
                (owner != row.owner).then_some(Doubt::Mac { mac, owner })
            })
        };
        let others = rows.iter().filter(|row| !row.own);
        let doubted: Vec<_> = others.filter_map(|row| Some((row, doubt(row)?))).collect();
        let held: BTreeSet<_> = doubted.iter().map(|(row, _)| key(row)).collect();
        self.held.retain(|key, _| held.contains(key));
        for (row, doubt) in doubted {
            self.hold(now, fresh, row, doubt);
        }
        held
    }

    /// The next claim to tell of; each is told once.
    pub fn poll_told(&mut self) -> Option<FalseClaim> {
        self.told.pop()
    }

    /// How many claims that were told of still stand, by node.
    #[must_use]
    pub fn standing(&self) -> BTreeMap<NodeId, usize> {
        let mut standing = BTreeMap::new();
        for ((node, _), _) in self.held.iter().filter(|(_, (_, told))| *told) {
            *standing.entry(*node).or_default() += 1;
        }
        standing
    }

    fn remember(&mut self, now: Instant, view: &View, rows: &[Row<'_>]) {
        let mut before = std::mem::take(&mut self.seen);
        let seen = |row: &Row<'_>| {
            let Row { network, owner, endpoint, .. } = *row;
            let known = before.remove(&key(row)).filter(|known| known.mac == endpoint.mac);
            let same = known.as_ref().filter(|known| known.addresses == endpoint.addresses);
            let owned = match view.claim(network, owner, &endpoint.addresses) {
                Claim::Owned => true,
                Claim::Unclaimed(_) => same.is_some_and(|known| known.owned),
                Claim::Foreign { .. } => false,
            };
            let since = known.map_or(now, |known| known.since);
            Seen { mac: endpoint.mac, addresses: endpoint.addresses.clone(), since, owned }
        };
        self.seen = rows.iter().map(key).zip(rows.iter().map(seen)).collect();
    }

    /// Who has which MAC: of those who may have their addresses, this node before others, one that is
    /// up before one that is not, then the one that had it first.
    fn stations(
        &self,
        rows: &[Row<'_>],
        view: &View,
        fresh: bool,
    ) -> BTreeMap<(NetworkId, MacAddr), NodeId> {
        let mut stations: BTreeMap<_, (Rank, NodeId)> = BTreeMap::new();
        for row in rows.iter().filter(|row| self.address(row, view, fresh).is_none()) {
            let since = self.seen.get(&key(row)).map(|seen| seen.since);
            let rank = ((!row.own, !row.visible, since, row.endpoint.id), row.owner);
            let station = stations.entry((row.network, row.endpoint.mac)).or_insert(rank);
            *station = rank.min(*station);
        }
        stations.into_iter().map(|(mac, (_, owner))| (mac, owner)).collect()
    }

    /// What is doubtful about a row's addresses.
    fn address(&self, row: &Row<'_>, view: &View, fresh: bool) -> Option<Claim> {
        if row.own {
            return None;
        }
        match view.claim(row.network, row.owner, &row.endpoint.addresses) {
            Claim::Owned => None,
            Claim::Unclaimed(_) if !fresh => None,
            Claim::Unclaimed(_) if self.seen.get(&key(row)).is_some_and(|seen| seen.owned) => None,
            doubtful => Some(doubtful),
        }
    }

    fn hold(&mut self, now: Instant, fresh: bool, row: &Row<'_>, doubt: Doubt) {
        let (since, told) = self.held.entry(key(row)).or_insert((now, false));
        if !fresh {
            // Whatever is wrong may be the view.
            *since = now;
        }
        if !*told && now.saturating_duration_since(*since) >= PATIENCE {
            *told = true;
            let Row { network, owner, endpoint, .. } = *row;
            self.told.push(FalseClaim { network, by: owner, endpoint: endpoint.id, doubt });
        }
    }
}

const fn key(row: &Row<'_>) -> (NodeId, EndpointId) {
    (row.owner, row.endpoint.id)
}
