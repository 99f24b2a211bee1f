//! A cluster in a lab of its own.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use weft_api::{EndpointView, NetworkView, Status};
use weft_lab::{Host, Lab, Spec};
use weft_path::Journey;

use crate::{Container, eventually};

/// How long a cluster may take to find together.
const FORMING: Duration = Duration::from_secs(20);

/// What the hosts carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Docker containers: each host has a real Engine.
    Docker,
    /// The same, with Engines whose containers outlive dockerd.
    LiveRestore,
    /// Plain processes.
    Plain,
}

/// Hosts h1…hN, all members, h1 the manager.
#[derive(Debug)]
pub struct Cluster {
    /// Where the hosts are.
    pub lab: Lab,
    kind: Kind,
}

impl Cluster {
    /// Brings up hosts and makes them a cluster; every node sees every other when it returns.
    ///
    /// Released addresses rest for one second, so that tests of reuse need not wait for long.
    ///
    /// # Errors
    ///
    /// If the lab or the cluster does not come up.
    pub async fn up(hosts: u8, kind: Kind) -> anyhow::Result<Self> {
        let spec = Spec {
            hosts,
            docker: kind != Kind::Plain,
            live_restore: kind == Kind::LiveRestore,
            ..Spec::default()
        };
        Self::up_in(spec).await
    }

    /// As [`up`](Self::up), in a lab of one's own choice.
    ///
    /// # Errors
    ///
    /// If the lab or the cluster does not come up.
    pub async fn up_in(spec: Spec) -> anyhow::Result<Self> {
        Self::founded(spec, &["--address-rest", "1s"]).await
    }

    /// As [`up_in`](Self::up_in), founded with other arguments than those of most tests.
    ///
    /// # Errors
    ///
    /// If the lab or the cluster does not come up.
    pub async fn founded(spec: Spec, init: &[&str]) -> anyhow::Result<Self> {
        let cluster = Self::unformed(spec).await?;
        cluster.form(init).await?;
        Ok(cluster)
    }

    /// Brings up hosts that are in no cluster yet: see [`form`](Self::form).
    ///
    /// # Errors
    ///
    /// If the lab does not come up.
    pub async fn unformed(spec: Spec) -> anyhow::Result<Self> {
        let kind = match &spec {
            Spec { docker: false, .. } => Kind::Plain,
            Spec { live_restore: true, .. } => Kind::LiveRestore,
            _ => Kind::Docker,
        };
        Ok(Self { lab: Lab::up(spec).await?, kind })
    }

    /// Founds the cluster on h1 and lets the others join.
    ///
    /// # Errors
    ///
    /// If a host cannot become a member, or they do not all see each other soon.
    pub async fn form(&self, init: &[&str]) -> anyhow::Result<()> {
        let first = self.host("h1")?;
        first.run(&[&["weft", "init"], init].concat()).await?;
        let token = first.run(&["weft", "token", "--quiet"]).await?;
        let manager = first.address().to_string();
        for host in self.lab.hosts().skip(1) {
            host.run(&["weft", "join", token.trim(), &manager]).await?;
        }
        eventually(FORMING, || self.agree_on_nodes()).await
    }

    /// One host.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn host(&self, name: &str) -> anyhow::Result<&Host> {
        self.lab.hosts().find(|host| host.name() == name).with_context(|| format!("no host {name}"))
    }

    /// Makes a network on h1 and waits until every Engine has it.
    ///
    /// # Errors
    ///
    /// If it cannot be made or is not mirrored soon.
    pub async fn network(&self, name: &str, arguments: &[&str]) -> anyhow::Result<NetworkView> {
        let create = [&["network", "create", name], arguments].concat();
        let network = self.json(self.host("h1")?, &create).await?;
        self.mirrored(name).await?;
        Ok(network)
    }

    /// Waits until every host knows the network, and its Engine has it.
    ///
    /// # Errors
    ///
    /// If that is not so soon.
    pub async fn mirrored(&self, name: &str) -> anyhow::Result<()> {
        for host in self.lab.hosts() {
            eventually(FORMING, || async {
                host.run(&["weft", "network", "inspect", name]).await?;
                if self.kind != Kind::Plain {
                    host.docker(&["network", "inspect", name]).await?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Starts a container that does nothing, on a host and a network.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub async fn container<'a>(
        &'a self,
        host: &str,
        network: &str,
        name: &str,
    ) -> anyhow::Result<Container<'a>> {
        Container::start(self.host(host)?, network, name, &[]).await
    }

    /// What `weft` answers on a host, as JSON.
    ///
    /// # Errors
    ///
    /// If it fails or answers something else.
    pub async fn json<T: DeserializeOwned>(
        &self,
        host: &Host,
        arguments: &[&str],
    ) -> anyhow::Result<T> {
        let out = host.weft(&[arguments, &["--output", "json"]].concat()).await?;
        if !out.is_success() {
            bail!("weft {} on {}: {} {}", arguments.join(" "), host.name(), out.stdout, out.stderr);
        }
        serde_json::from_str(&out.stdout)
            .with_context(|| format!("weft {} said {}", arguments.join(" "), out.stdout))
    }

    /// The endpoints that a host knows.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn endpoints(&self, host: &Host) -> anyhow::Result<Vec<EndpointView>> {
        self.json(host, &["endpoint", "ls"]).await
    }

    /// A host's status.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn status(&self, host: &Host) -> anyhow::Result<Status> {
        self.json(host, &["status"]).await
    }

    /// The six hops of a packet, as a host's agent walks them: the oracle.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn path(&self, host: &Host, from: &str, to: &str) -> anyhow::Result<Journey> {
        self.json(host, &["path", from, to]).await
    }

    /// Takes everything down, and says if something was left behind.
    ///
    /// # Errors
    ///
    /// If something was.
    pub async fn down(self) -> anyhow::Result<()> {
        Ok(self.lab.down().await?)
    }
}
