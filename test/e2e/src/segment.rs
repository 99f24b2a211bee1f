//! What a host holds of a network, and what the oracle says it must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use anyhow::Context as _;
use serde::Deserialize;
use weft_api::{EndpointView, NetworkTables, NetworkView, NodeView, Standing};
use weft_kernel::Netns;
use weft_kernel::capture::Capture;
use weft_lab::Host;
use weft_model::{Endpoint, MacAddr, Mtu, Network, Node, Subnet, Vni, Vtep};
use weft_path::{Facts, Located};
use weft_wire::Decoded;

use crate::Cluster;

/// The VXLAN device of a network's namespace.
const VXLAN: &str = "vx0";

/// One line of `bridge fdb` or `ip neigh`.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    dst: Option<IpAddr>,
    mac: Option<MacAddr>,
    lladdr: Option<MacAddr>,
    state: States,
}

/// `bridge` says one word, `ip` a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum States {
    One(String),
    Many(Vec<String>),
}

impl Line {
    fn is_permanent(&self) -> bool {
        match &self.state {
            States::One(word) => word == "permanent",
            States::Many(words) => words == &["PERMANENT"],
        }
    }
}

impl Cluster {
    /// What a host's agent knows, as the oracle takes it.
    ///
    /// # Errors
    ///
    /// If the agent does not answer.
    pub async fn facts(&self, host: &Host) -> anyhow::Result<Facts> {
        let networks: Vec<NetworkView> = self.json(host, &["network", "ls"]).await?;
        let nodes: Vec<NodeView> = self.json(host, &["node", "ls"]).await?;
        let networks = networks.into_iter().map(|view| Ok((view.id, network(view)?)));
        let rows = self.endpoints(host).await?.into_iter().map(|view| {
            let endpoint = Endpoint {
                id: view.id,
                mac: view.mac,
                addresses: view.addresses,
                name: view.name,
                aliases: view.aliases.into_iter().collect(),
            };
            let visible = !matches!(view.standing, Standing::Down | Standing::Indirect);
            let row = Located { network: view.network_id, owner: view.node_id, endpoint, visible };
            (view.id, row)
        });
        Ok(Facts {
            networks: networks.collect::<anyhow::Result<_>>()?,
            nodes: nodes.into_iter().map(|view| (view.id, node(view))).collect(),
            endpoints: rows.collect(),
            ..Facts::default()
        })
    }

    /// A host as a member of the cluster.
    ///
    /// # Errors
    ///
    /// If its agent does not answer, or it is no member.
    pub async fn member(&self, host: &Host) -> anyhow::Result<NodeView> {
        self.status(host).await?.node.with_context(|| format!("{} is no member", host.name()))
    }

    /// The FDB of a network's VXLAN device on a host: every entry that leads to another host.
    ///
    /// # Errors
    ///
    /// If the host does not serve the network, or an entry is not permanent.
    pub async fn fdb(&self, host: &Host, vni: u32) -> anyhow::Result<BTreeMap<MacAddr, Vtep>> {
        if self.is_woven(host).await? {
            let homes = self.tables(host, vni).await?.homes.into_iter();
            return Ok(homes.map(|row| (row.mac, Vtep(row.host))).collect());
        }
        let lines = table(host, vni, &["bridge", "-j", "fdb"]).await?;
        let entry = |line: Line| Some((line.mac?, Vtep(line.dst?)));
        Ok(lines.into_iter().filter_map(entry).collect())
    }

    /// The neighbour table of a network's VXLAN device on a host.
    ///
    /// # Errors
    ///
    /// If the host does not serve the network, or an entry is not permanent.
    pub async fn neighbors(
        &self,
        host: &Host,
        vni: u32,
    ) -> anyhow::Result<BTreeMap<IpAddr, MacAddr>> {
        if self.is_woven(host).await? {
            let addresses = self.tables(host, vni).await?.addresses.into_iter();
            return Ok(addresses.map(|row| (row.address, row.mac)).collect());
        }
        let lines = table(host, vni, &["ip", "-j", "neigh"]).await?;
        let entry = |line: Line| line.dst.zip(line.lladdr);
        Ok(lines.into_iter().filter_map(entry).collect())
    }
}

impl Cluster {
    /// Whether programs carry a host's networks: then they have no namespaces.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn is_woven(&self, host: &Host) -> anyhow::Result<bool> {
        Ok(self.status(host).await?.engine == "bpf")
    }

    /// What a host's kernel holds of a network, as its agent reads it.
    ///
    /// # Errors
    ///
    /// If it holds nothing of it.
    pub async fn tables(&self, host: &Host, vni: u32) -> anyhow::Result<NetworkTables> {
        let networks: Vec<NetworkView> = self.json(host, &["network", "ls"]).await?;
        let network = networks.into_iter().find(|network| network.vni == vni);
        let id = network.with_context(|| format!("no network has VNI {vni}"))?.id.to_string();
        self.json(host, &["network", "tables", &id]).await
    }

    /// Where all that a workload sends is seen before it is decided what becomes of it.
    ///
    /// # Errors
    ///
    /// If the host does not carry it.
    pub async fn outlet(&self, host: &Host, vni: u32, name: &str) -> anyhow::Result<Capture> {
        if !self.is_woven(host).await? {
            return Ok(Capture::open(&segment(host, vni)?, VXLAN)?);
        }
        Ok(Capture::open(&underlay(host)?, &self.port(host, name).await?)?)
    }

    /// The host's end of a workload's interface.
    ///
    /// # Errors
    ///
    /// If it has none.
    pub async fn port(&self, host: &Host, name: &str) -> anyhow::Result<String> {
        let named = |endpoint: &EndpointView| {
            endpoint.name.as_ref().is_some_and(|known| known.as_str() == name)
        };
        let found = self.endpoints(host).await?.into_iter().find(named);
        found.and_then(|endpoint| endpoint.interface).with_context(|| format!("{name} has no port"))
    }
}

/// All entries of a table of the VXLAN device.
async fn table(host: &Host, vni: u32, tool: &[&str]) -> anyhow::Result<Vec<Line>> {
    let namespace = format!("weft-{vni}");
    let enter = ["ip", "netns", "exec", &namespace];
    let said = host.run(&[&enter, tool, &["show", "dev", VXLAN]].concat()).await?;
    let lines: Vec<Line> = serde_json::from_str(&said).with_context(|| said.clone())?;
    // An entry that is learned or ages is in no table of the oracle's.
    let passing = lines.iter().find(|line| !line.is_permanent());
    anyhow::ensure!(passing.is_none(), "{}: {passing:?}", host.name());
    Ok(lines)
}

fn network(view: NetworkView) -> anyhow::Result<Network> {
    let subnet = |range| Subnet::new(range, None, BTreeSet::new());
    Ok(Network {
        id: view.id,
        name: view.name,
        vni: Vni::try_from(view.vni)?,
        subnets: view.subnets.into_iter().map(subnet).collect::<Result<_, _>>()?,
        mtu: Some(Mtu::try_from(view.mtu)?),
        internal: view.internal,
        options: view.options,
        labels: view.labels,
    })
}

fn node(view: NodeView) -> Node {
    let NodeView { id, key, name, role, vtep, control, .. } = view;
    Node { id, key, name, role, vtep, control }
}

/// The namespace of a network on a host.
///
/// # Errors
///
/// If the host does not serve the network.
pub fn segment(host: &Host, vni: u32) -> anyhow::Result<Netns> {
    let path = host.root().join(format!("run/netns/weft-{vni}"));
    Netns::open(&path).with_context(|| format!("{} serves no network {vni}", host.name()))
}

/// A host's own namespace, which the underlay is in.
///
/// # Errors
///
/// If the host is killed.
pub fn underlay(host: &Host) -> anyhow::Result<Netns> {
    Netns::open(&host.netns()).with_context(|| format!("{} does not run", host.name()))
}

/// Frames up to the first that `last` is true of, which is among them.
///
/// # Errors
///
/// If none is before the deadline; what was seen is told.
pub fn frames_until(
    capture: &mut Capture,
    deadline: Instant,
    last: impl Fn(&Decoded) -> bool,
) -> anyhow::Result<Vec<Decoded>> {
    let mut seen = Vec::new();
    while let Some(frame) = capture.next(deadline) {
        let frame = Decoded::parse(&frame)?;
        let ends = last(&frame);
        seen.push(frame);
        if ends {
            return Ok(seen);
        }
    }
    anyhow::bail!("the frame did not come, but {seen:?}")
}
