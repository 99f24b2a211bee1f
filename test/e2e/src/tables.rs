//! Kernel tables held against the oracle, on every host.

use std::fmt::Debug;
use std::time::Duration;

use weft_lab::Host;
use weft_model::{Network, NodeId};
use weft_path::Facts;

use crate::{Cluster, Plain, eventually, holds};

/// Within this time a change at one host is in the tables of all.
const SOON: Duration = Duration::from_secs(5);
/// Endpoints on the two networks, before and after one of them moves.
const ENDPOINTS: usize = 5;

/// Two networks over three hosts, of which no two hold the same tables.
#[derive(Debug)]
pub struct TwoNetworks<'a> {
    cluster: &'a Cluster,
    /// What is on them now.
    pub there: Vec<Plain<'a>>,
}

/// One kind of table: what the oracle says, and what a host's kernel holds.
pub trait Table {
    /// All entries of one network at one host.
    type Entries: PartialEq + Debug;

    /// How many entries these are.
    fn count(entries: &Self::Entries) -> usize;

    /// What [`weft_path`] says.
    fn told(facts: &Facts, node: NodeId, network: &Network) -> Self::Entries;

    /// What the kernel holds.
    fn held(
        cluster: &Cluster,
        host: &Host,
        network: &Network,
    ) -> impl Future<Output = anyhow::Result<Self::Entries>>;

    /// What has to be so on a host that has nothing on the network.
    ///
    /// # Errors
    ///
    /// If it is not.
    fn absent(_host: &Host, _network: &Network) -> anyhow::Result<()> {
        Ok(())
    }
}

impl Cluster {
    /// Makes networks `a` and `b` with five workloads on h1, h2 and h3.
    ///
    /// # Errors
    ///
    /// If something cannot be made.
    pub async fn two_networks(&self) -> anyhow::Result<TwoNetworks<'_>> {
        for network in ["a", "b"] {
            self.network(network, &[]).await?;
        }
        let mut there = Vec::new();
        for (host, network, name) in [
            ("h1", "a", "a1"),
            ("h1", "b", "b1"),
            ("h2", "a", "a2"),
            ("h2", "a", "a2b"),
            ("h3", "b", "b3"),
        ] {
            there.push(self.plain(host, network, name, &[]).await?);
        }
        Ok(TwoNetworks { cluster: self, there })
    }
}

impl TwoNetworks<'_> {
    /// Removes a2 from h2 and puts a3 on h3, which joins network `a` thereby.
    ///
    /// # Errors
    ///
    /// If that fails.
    pub async fn move_one(&mut self) -> anyhow::Result<()> {
        let gone = self.there.swap_remove(2);
        gone.remove().await?;
        self.there.push(self.cluster.plain("h3", "a", "a3", &[]).await?);
        Ok(())
    }

    /// Waits until each host's tables are as the oracle says, with so many entries.
    ///
    /// # Errors
    ///
    /// If they are not soon.
    pub async fn agree<T: Table>(&self, entries: &[(&str, usize)]) -> anyhow::Result<()> {
        for &(name, expected) in entries {
            let host = self.cluster.host(name)?;
            let count = eventually(SOON, || self.compared::<T>(host)).await?;
            holds(count == expected, || format!("{name} has {count} entries, not {expected}"))?;
        }
        Ok(())
    }

    /// How many entries a host has, if all are as the oracle says.
    async fn compared<T: Table>(&self, host: &Host) -> anyhow::Result<usize> {
        let cluster = self.cluster;
        let facts = cluster.facts(cluster.host("h1")?).await?;
        let me = cluster.member(host).await?.id;
        let known = facts.endpoints.len();
        holds(known == ENDPOINTS, || format!("{known} endpoints"))?;
        let mut count = 0;
        for network in facts.networks.values() {
            if !facts.serves(me, network.id) {
                T::absent(host, network)?;
                continue;
            }
            let told = T::told(&facts, me, network);
            let held = T::held(cluster, host, network).await?;
            let differs = || format!("{} holds {held:?}, the path says {told:?}", host.name());
            holds(held == told, differs)?;
            count += T::count(&told);
        }
        Ok(count)
    }
}
