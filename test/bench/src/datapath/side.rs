//! What is compared: two hosts by three ways, and two like them by the fourth.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context as _;
use weft_e2e::{Cluster, Container, eventually, underlay};
use weft_kernel::Netns;
use weft_lab::{Host, Spec};

use super::outcome::RAW;
use super::place::Place;

/// Docker's overlay takes another port than Weft's, so that both run at once.
const SWARM_PORT: &str = "4790";
/// Within this time an overlay carries packets between new containers.
const SOON: Duration = Duration::from_secs(20);
/// The ends of a wire on one host.
const WIRE: [(&str, Ipv4Addr); 2] =
    [("raw-a", Ipv4Addr::new(198, 18, 0, 1)), ("raw-b", Ipv4Addr::new(198, 18, 0, 2))];

/// One way between two ends, across hosts and on one.
#[derive(Debug)]
pub(crate) struct Side {
    /// What it is called in the report.
    pub(crate) name: &'static str,
    /// From host h1 to host h2.
    pub(crate) across: Place,
    /// Both ends on host h1.
    pub(crate) same_host: Place,
}

/// Two hosts that are a cluster of Weft and a swarm of Docker, and two of which programs carry.
#[derive(Debug)]
pub(crate) struct Lab {
    cluster: Cluster,
    programs: Cluster,
}

impl Lab {
    /// Brings them up.
    pub(crate) async fn up() -> anyhow::Result<Self> {
        Ok(Self { cluster: up("bridge").await?, programs: up("bpf").await? })
    }

    /// Takes them down.
    pub(crate) async fn down(self) -> anyhow::Result<()> {
        self.cluster.down().await?;
        self.programs.down().await
    }

    /// Everything that is compared.
    pub(crate) async fn sides(&self) -> anyhow::Result<Vec<Side>> {
        for cluster in [&self.cluster, &self.programs] {
            cluster.network("weft", &[]).await?;
        }
        self.swarm().await?;
        Ok(vec![
            self.raw().await?,
            containers(&self.cluster, "docker-swarm", "swarm").await?,
            containers(&self.cluster, "weft-bridge", "weft").await?,
            containers(&self.programs, "weft-bpf", "weft").await?,
        ])
    }

    /// Makes a swarm of the hosts, and an overlay network in it.
    async fn swarm(&self) -> anyhow::Result<()> {
        let (first, second) = (self.cluster.host("h1")?, self.cluster.host("h2")?);
        let address = first.address().to_string();
        let init = ["swarm", "init", "--advertise-addr", &address];
        first.docker(&[&init[..], &["--data-path-port", SWARM_PORT]].concat()).await?;
        let token = first.docker(&["swarm", "join-token", "-q", "worker"]).await?;
        second.docker(&["swarm", "join", "--token", token.trim(), &address]).await?;
        let create = ["network", "create", "-d", "overlay", "--attachable", "swarm"];
        first.docker(&create).await.map(drop).map_err(Into::into)
    }

    /// The hosts' own network, and a wire between two namespaces of one host.
    async fn raw(&self) -> anyhow::Result<Side> {
        let (first, second) = (self.cluster.host("h1")?, self.cluster.host("h2")?);
        let address = second.address();
        let across = Place { from: underlay(first)?, to: underlay(second)?, address };
        let [(a, _), (b, address)] = WIRE;
        for (name, _) in WIRE {
            first.run(&["ip", "netns", "add", name]).await?;
        }
        let end = ["ip", "link", "add", "eth0", "netns", a, "type", "veth"];
        first.run(&[&end[..], &["peer", "name", "eth0", "netns", b]].concat()).await?;
        for (name, address) in WIRE {
            let address = format!("{address}/24");
            first.run(&["ip", "-n", name, "addr", "add", &address, "dev", "eth0"]).await?;
            first.run(&["ip", "-n", name, "link", "set", "eth0", "up"]).await?;
        }
        let same_host = Place { from: named(first, a)?, to: named(first, b)?, address };
        Ok(Side { name: RAW, across, same_host })
    }
}

async fn up(engine: &str) -> anyhow::Result<Cluster> {
    let datapath = vec![engine.to_owned()];
    Cluster::up_in(Spec { hosts: 2, docker: true, datapath, ..Spec::default() }).await
}

/// Three containers on a network: two on h1, one on h2.
async fn containers(cluster: &Cluster, name: &'static str, network: &str) -> anyhow::Result<Side> {
    let mut there = Vec::new();
    for (host, which) in [("h1", "from"), ("h2", "far"), ("h1", "near")] {
        let called = format!("{network}-{which}");
        there.push(cluster.container(host, network, &called).await?);
    }
    let [from, far, near] = there.as_slice() else { anyhow::bail!("three containers") };
    for to in [far, near] {
        eventually(SOON, || from.reaches(&to.name)).await?;
    }
    let across = between(from, far, network).await?;
    let same_host = between(from, near, network).await?;
    Ok(Side { name, across, same_host })
}

async fn between(from: &Container<'_>, to: &Container<'_>, network: &str) -> anyhow::Result<Place> {
    let address = to.address(network).await?;
    let address = address.parse().with_context(|| format!("the address of {}", to.name))?;
    Ok(Place { from: from.netns().await?, to: to.netns().await?, address })
}

fn named(host: &Host, name: &str) -> anyhow::Result<Netns> {
    let path = host.root().join("run/netns").join(name);
    Netns::open(&path).with_context(|| format!("the namespace {name}"))
}
