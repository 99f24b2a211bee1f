//! Five hosts, a client on each, and containers that come and go.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use weft_e2e::{Cluster, Container, Kind, eventually, holds};
use weft_kernel::Netns;
use weft_lab::{Host, IMAGE};

use super::Watcher;
use super::clock::Moment;
use super::subject::{END, Letter, PORT};

/// The network that all are on.
const NETWORK: &str = "bench";
/// Longer than anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The hosts of a cluster, and what looks on.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    cluster: &'a Cluster,
    /// What `docker run` needs so that a container finds this program and what it is linked with.
    mounts: Vec<String>,
    program: String,
    pub(super) stands: Vec<Stand<'a>>,
}

/// One host and the client there.
#[derive(Debug)]
pub(super) struct Stand<'a> {
    pub(super) host: &'a Host,
    client: Container<'a>,
    netns: Netns,
    pub(super) watcher: Watcher,
}

/// Brings the hosts up.
pub(super) async fn cluster(hosts: u8) -> anyhow::Result<Cluster> {
    let cluster = Cluster::up(hosts, Kind::Docker).await?;
    cluster.network(NETWORK, &[]).await?;
    Ok(cluster)
}

impl<'a> Place<'a> {
    pub(super) async fn new(cluster: &'a Cluster) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mounts = mounts(&program)?;
        let program = program.display().to_string();
        let mut stands = Vec::new();
        for host in cluster.lab.hosts() {
            let client = format!("client-{}", host.name());
            let client = Container::start(host, NETWORK, &client, &["--restart=always"]).await?;
            stands.push(Stand::new(host, client).await?);
        }
        Ok(Self { cluster, mounts, program, stands })
    }

    /// Loses this share of the packets at every host's link.
    pub(super) async fn lose(&self, percent: u8) -> anyhow::Result<()> {
        for stand in &self.stands {
            stand.host.loss(percent).await?;
        }
        Ok(())
    }

    /// Starts a subject; says how long Docker took.
    pub(super) async fn start(&self, at: &Stand<'_>, name: &str) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let run = ["docker", "run", "-d", "--network", NETWORK, "--name", name];
        let mounts: Vec<&str> = self.mounts.iter().map(String::as_str).collect();
        let program = [IMAGE, &self.program, "subject", name];
        at.host.run(&[&run[..], &mounts, &program].concat()).await?;
        Ok(began.elapsed())
    }

    /// Watches for a name, on every host.
    pub(super) fn watch(&self, name: &str) {
        self.stands.iter().for_each(|stand| stand.watcher.watch(name));
    }

    /// Waits until every host has seen something.
    pub(super) async fn all(
        &self,
        what: &str,
        seen: impl Fn(&Watcher) -> bool,
    ) -> anyhow::Result<()> {
        eventually(PATIENCE, || {
            let missing = self.stands.iter().find(|stand| !seen(&stand.watcher));
            std::future::ready(missing.map_or(Ok(()), |stand| {
                holds(false, || format!("{} has not seen: {what}", stand.host.name()))
            }))
        })
        .await
    }

    /// The hosts' agents, after one was away.
    pub(super) async fn agree_on_nodes(&self) -> anyhow::Result<()> {
        eventually(PATIENCE, || self.cluster.agree_on_nodes()).await.map(drop)
    }
}

impl<'a> Stand<'a> {
    async fn new(host: &'a Host, client: Container<'a>) -> anyhow::Result<Self> {
        let netns = client.netns().await?;
        let watcher = Watcher::start(netns.clone());
        Ok(Self { host, client, netns, watcher })
    }

    /// The container has another namespace since the host was started again.
    pub(super) async fn renew(&mut self) -> anyhow::Result<()> {
        self.netns = eventually(PATIENCE, || self.client.netns()).await?;
        self.watcher = Watcher::start(self.netns.clone());
        Ok(())
    }

    /// Ends a subject of this host; says when it ended.
    pub(super) fn end(&self, name: &str) -> anyhow::Result<Moment> {
        let address = self.watcher.of(name).address();
        let address = address.with_context(|| format!("{name} has no address"))?;
        let ended = self.netns.run(|| end(address))?;
        ended.with_context(|| format!("end {name}"))
    }

    /// Removes what has ended.
    pub(super) async fn remove(&self, name: &str) -> anyhow::Result<()> {
        self.host.docker(&["rm", "-f", name]).await?;
        Ok(())
    }
}

fn end(address: Ipv4Addr) -> anyhow::Result<Moment> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((address, PORT))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(END)?;
    let mut buffer = [0; 128];
    let length = socket.recv(&mut buffer)?;
    let letter = buffer.get(..length).and_then(Letter::parse).context("no letter")?;
    Ok(letter.stamp)
}

/// The program and its libraries, each where it is.
fn mounts(program: &PathBuf) -> anyhow::Result<Vec<String>> {
    let told = Command::new("ldd").arg(program).output()?;
    let told = String::from_utf8(told.stdout)?;
    let words = told.split_whitespace().filter(|word| word.starts_with('/'));
    let libraries: Vec<&str> = words.collect();
    if libraries.is_empty() {
        bail!("ldd tells nothing about {}", program.display());
    }
    let files = libraries.into_iter().map(str::to_owned).chain([program.display().to_string()]);
    Ok(files.flat_map(|file| ["-v".to_owned(), format!("{file}:{file}:ro")]).collect())
}
