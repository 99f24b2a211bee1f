//! A Docker container, or a plain namespace where there is no Docker.

use std::time::Duration;

use tokio::process::Child;

use crate::{Host, IMAGE, LabError};

use super::HINT;
use super::report::Report;

/// What the workloads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Containers of real Docker Engines.
    Docker,
    /// Network namespaces.
    Plain,
}

impl Kind {
    /// What people call them.
    pub(super) const fn plural(self) -> &'static str {
        match self {
            Self::Docker => "containers",
            Self::Plain => "plain processes",
        }
    }
}

/// One workload on a host.
#[derive(Debug)]
pub(super) struct Workload<'a> {
    host: &'a Host,
    kind: Kind,
    name: &'a str,
}

impl<'a> Workload<'a> {
    /// Starts it on a network, with what a person would type.
    pub(super) async fn start(
        host: &'a Host,
        kind: Kind,
        network: &str,
        name: &'a str,
        report: &Report,
    ) -> Result<Self, LabError> {
        match kind {
            Kind::Docker => {
                let typed =
                    format!("docker run -d --network {network} --name {name} {IMAGE} sleep 1000");
                report.typed(host, &typed)?;
                host.run(&typed.split(' ').collect::<Vec<_>>()).await?;
            }
            Kind::Plain => {
                let resolver = format!("/etc/netns/{name}");
                let configure = format!(
                    "mkdir -p {resolver} && echo nameserver 127.0.0.11 > {resolver}/resolv.conf"
                );
                host.run(&["ip", "netns", "add", name]).await?;
                host.run(&["sh", "-c", &configure]).await?;
                let typed = format!("weft attach --network {network} --name {name} {name}");
                report.typed(host, &typed)?;
                host.run(&typed.split(' ').collect::<Vec<_>>()).await?;
            }
        }
        Ok(Self { host, kind, name })
    }

    fn inside<'b>(&'b self, arguments: &[&'b str]) -> Vec<&'b str> {
        let enter: &[&str] = match self.kind {
            Kind::Docker => &["docker", "exec", self.name, "busybox"],
            Kind::Plain => &["ip", "netns", "exec", self.name, "busybox"],
        };
        [enter, arguments].concat()
    }

    /// What one of busybox's programs writes inside.
    pub(super) async fn busybox(&self, arguments: &[&str]) -> Result<String, LabError> {
        self.host.run(&self.inside(arguments)).await
    }

    /// As [`Self::busybox`], with time for large things.
    pub(super) async fn busybox_within(
        &self,
        time: Duration,
        arguments: &[&str],
    ) -> Result<String, LabError> {
        let output = self.host.exec_within(time, &self.inside(arguments)).await?;
        if output.is_success() {
            return Ok(output.stdout);
        }
        let what = format!("run `{}` in {}", arguments.join(" "), self.name);
        Err(LabError::new(what, output.stderr, HINT))
    }

    /// Starts one of busybox's programs inside.
    pub(super) fn spawn(&self, arguments: &[&str]) -> Result<Child, LabError> {
        self.host.spawn(&self.inside(arguments))
    }

    /// Its address on the network.
    pub(super) async fn address(&self) -> Result<String, LabError> {
        let shown = self.busybox(&["ip", "-4", "-o", "addr", "show", "eth0"]).await?;
        let address = shown.split_whitespace().find_map(|word| word.split_once('/'));
        let missing = || LabError::new("read the address of eth0", shown.clone(), HINT);
        address.map(|(address, _length)| address.to_owned()).ok_or_else(missing)
    }

    /// The bridge through which it leaves the host.
    pub(super) const fn way_out(&self) -> &'static str {
        match self.kind {
            Kind::Docker => "docker_gwbridge",
            Kind::Plain => "weft-egress",
        }
    }
}
