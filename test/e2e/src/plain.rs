//! A plain workload: a network namespace of a host that `weft attach` has put on a network.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use weft_api::AttachmentView;
use weft_kernel::Netns;
use weft_lab::{Host, Output};
use weft_model::MacAddr;

use crate::container::counted;
use crate::{Cluster, Ping, holds};

/// A namespace that is attached until it is detached. It ends with its host.
#[derive(Debug)]
pub struct Plain<'a> {
    /// Where it is.
    pub host: &'a Host,
    /// Its name, also as a namespace.
    pub name: String,
    /// Its address on the network.
    pub address: Ipv4Addr,
    /// Its Ethernet address on the network.
    pub mac: MacAddr,
    /// The namespace itself.
    pub netns: Netns,
}

impl Cluster {
    /// Makes a namespace on a host and attaches it; `arguments` are further ones of `attach`.
    ///
    /// # Errors
    ///
    /// If it cannot be made or attached.
    pub async fn plain<'a>(
        &'a self,
        host: &str,
        network: &str,
        name: &str,
        arguments: &[&str],
    ) -> anyhow::Result<Plain<'a>> {
        let host = self.host(host)?;
        host.run(&["ip", "netns", "add", name]).await?;
        let attach = ["attach", "--network", network, "--name", name];
        let made: AttachmentView = self.json(host, &[&attach, arguments, &[name]].concat()).await?;
        let Some(&IpAddr::V4(address)) = made.endpoint.addresses.first() else {
            bail!("{name} has no IPv4 address")
        };
        let netns = Netns::open(&host.root().join("run/netns").join(name))
            .with_context(|| format!("the namespace of {name}"))?;
        Ok(Plain { host, name: name.to_owned(), address, mac: made.endpoint.mac, netns })
    }
}

impl Plain<'_> {
    /// Runs a program inside, whether it ends well or not.
    ///
    /// # Errors
    ///
    /// If it cannot be run or takes longer than a minute.
    pub async fn exec(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let exec = ["ip", "netns", "exec", &self.name];
        let patience = Duration::from_secs(60);
        Ok(self.host.exec_within(patience, &[&exec, arguments].concat()).await?)
    }

    /// What a program inside wrote; it has to end well.
    ///
    /// # Errors
    ///
    /// If it fails.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let exec = ["ip", "netns", "exec", &self.name];
        Ok(self.host.run(&[&exec, arguments].concat()).await?)
    }

    /// Pings once a tenth of a second.
    ///
    /// # Errors
    ///
    /// If ping cannot be run or says something unexpected.
    pub async fn ping(&self, to: Ipv4Addr, count: u32) -> anyhow::Result<Ping> {
        let (count, to) = (count.to_string(), to.to_string());
        let ping = ["busybox", "ping", "-i", "0.1", "-W", "1", "-c", &count, &to];
        let out = self.exec(&ping).await?;
        counted(&out.stdout).with_context(|| format!("ping {to}: {} {}", out.stdout, out.stderr))
    }

    /// Another one answers it. What one host has just learnt the other may still be about to, so
    /// this is waited for before anything is counted.
    ///
    /// # Errors
    ///
    /// If there is no answer within a second.
    pub async fn reaches(&self, to: &Plain<'_>) -> anyhow::Result<()> {
        let ping = self.ping(to.address, 1).await?;
        holds(ping.received == 1, || format!("{} does not answer {}", to.name, self.name))
    }

    /// Takes it off its network and removes the namespace.
    ///
    /// # Errors
    ///
    /// If it was not attached.
    pub async fn remove(self) -> anyhow::Result<()> {
        self.host.run(&["weft", "detach", &self.name]).await?;
        self.host.run(&["ip", "netns", "delete", &self.name]).await?;
        Ok(())
    }
}
