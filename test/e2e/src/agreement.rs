//! Whether all hosts know the same, and whether it is true.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use futures::future::try_join_all;
use serde::Deserialize;
use weft_api::{EndpointView, NodeView, Standing};
use weft_lab::Host;

use crate::{Cluster, holds};

/// What `docker network inspect` tells of a container.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    mac_address: String,
    #[serde(rename = "IPv4Address")]
    address: String,
}

impl Cluster {
    /// Every host sees every host up.
    ///
    /// # Errors
    ///
    /// If one does not.
    pub async fn agree_on_nodes(&self) -> anyhow::Result<()> {
        let all = self.lab.hosts().count();
        let seen = try_join_all(self.lab.hosts().map(|host| self.nodes(host))).await?;
        for (host, nodes) in self.lab.hosts().zip(seen) {
            let up = |node: &&NodeView| matches!(node.standing, Standing::Up | Standing::Own);
            let seen = nodes.iter().filter(up).count();
            let known = nodes.len();
            let told = || format!("{} sees {seen} of {known} nodes up, not {all}", host.name());
            holds(seen == all && known == all, told)?;
        }
        Ok(())
    }

    /// The nodes that a host knows.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn nodes(&self, host: &Host) -> anyhow::Result<Vec<NodeView>> {
        self.json(host, &["node", "ls"]).await
    }

    /// How `host` sees the node of that name.
    ///
    /// # Errors
    ///
    /// If it does not know it.
    pub async fn standing(&self, host: &Host, node: &str) -> anyhow::Result<Standing> {
        let nodes = self.nodes(host).await?;
        let found = nodes.into_iter().find(|known| known.name.as_str() == node);
        found.map(|node| node.standing).with_context(|| format!("{} knows no {node}", host.name()))
    }

    /// Every host knows exactly these endpoints, each once, in the same place with the same
    /// addresses, and none on a host that it thinks away. All have to be on their network.
    ///
    /// # Errors
    ///
    /// If one does not.
    pub async fn agree_on_endpoints(&self, names: &[&str]) -> anyhow::Result<()> {
        let mut wanted: Vec<String> = names.iter().map(ToString::to_string).collect();
        wanted.sort();
        let all = try_join_all(self.lab.hosts().map(|host| self.endpoints(host))).await?;
        let mut first: Option<BTreeSet<String>> = None;
        for (host, endpoints) in self.lab.hosts().zip(all) {
            let rows: BTreeSet<String> = endpoints.iter().map(row).collect();
            let mut known: Vec<String> = endpoints.iter().map(name).collect();
            known.sort();
            holds(known == wanted, || format!("{} knows {known:?}, not {wanted:?}", host.name()))?;
            let expected = first.get_or_insert_with(|| rows.clone());
            holds(rows == *expected, || format!("{}: {rows:#?} {expected:#?}", host.name()))?;
        }
        Ok(())
    }

    /// Every host knows of itself what its Engine knows: the same containers, with the same
    /// addresses.
    ///
    /// # Errors
    ///
    /// If one does not.
    pub async fn agree_with_engines(&self, network: &str) -> anyhow::Result<()> {
        for host in self.lab.hosts() {
            let ask = ["network", "inspect", "-f", "{{json .Containers}}", network];
            let listed: BTreeMap<String, Listed> = serde_json::from_str(&host.docker(&ask).await?)?;
            let plain = |address: &str| address.split('/').next().unwrap_or_default().to_owned();
            let of_engine: BTreeSet<String> = listed
                .values()
                .map(|c| format!("{} {} {}", c.name, plain(&c.address), c.mac_address))
                .collect();
            let endpoints = self.endpoints(host).await?;
            let here = endpoints.iter().filter(|e| e.node == host.name() && e.network == network);
            let of_weft: BTreeSet<String> = here
                .flat_map(|e| e.addresses.iter().map(|a| format!("{} {a} {}", name(e), e.mac)))
                .collect();
            let told = || format!("{}: {of_weft:?}, but docker {of_engine:?}", host.name());
            holds(of_weft == of_engine, told)?;
        }
        Ok(())
    }
}

fn name(endpoint: &EndpointView) -> String {
    endpoint.name.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn row(endpoint: &EndpointView) -> String {
    let EndpointView { id, network, addresses, mac, node, standing, .. } = endpoint;
    format!("{} {id} {network} {addresses:?} {mac} {node} {standing}", name(endpoint))
}
