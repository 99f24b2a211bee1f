//! An etcd of three members, on the hosts of the first three managers.

use std::time::Duration;

use rand::RngExt as _;
use rand_pcg::Pcg64;
use weft_e2e::{Cluster, eventually};
use weft_lab::Host;

/// Longer than members take to agree for the first time.
const SOON: Duration = Duration::from_secs(30);
const MEMBERS: usize = 3;
/// On a disk of its own: it is more than the two segments of 64 MiB that a member lays out as it starts.
const DIR: &str = "/run/etcd";
const DISK: &str = "size=256m";

/// The members, which end with their hosts.
pub(crate) struct Etcds<'a>(Vec<Member<'a>>);

/// One of them.
pub(crate) struct Member<'a> {
    pub(crate) host: &'a Host,
    number: usize,
    all: String,
    pid: String,
}

impl<'a> Etcds<'a> {
    /// Starts them, and waits until they answer.
    pub(crate) async fn start(cluster: &'a Cluster) -> Self {
        let hosts: Vec<&Host> = cluster.lab.hosts().take(MEMBERS).collect();
        let all = hosts.iter().enumerate();
        let all = all.map(|(number, host)| format!("m{number}=http://{}:2380", host.address()));
        let all = all.collect::<Vec<_>>().join(",");
        let mut members = Vec::new();
        for (number, host) in hosts.into_iter().enumerate() {
            host.run(&["mkdir", DIR]).await.unwrap();
            host.run(&["mount", "-t", "tmpfs", "-o", DISK, "etcd", DIR]).await.unwrap();
            let mut member = Member { host, number, all: all.clone(), pid: String::new() };
            member.run().await.unwrap();
            members.push(member);
        }
        for member in &members {
            eventually(SOON, || member.answers()).await.unwrap();
        }
        Self(members)
    }

    /// What chooses it at `weft init`.
    pub(crate) fn store(&self) -> String {
        let urls: Vec<String> = self.0.iter().map(|member| url(member.host)).collect();
        format!("etcd={}", urls.join(","))
    }

    /// So many of them, chosen anew each time.
    pub(crate) fn some(&mut self, count: usize, random: &mut Pcg64) -> &mut [Member<'a>] {
        let by = random.random_range(0..self.0.len());
        self.0.rotate_left(by);
        &mut self.0[..count]
    }
}

impl Member<'_> {
    /// Starts it, with what it had.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        let (url, peer) = (url(self.host), format!("http://{}:2380", self.host.address()));
        let run = format!(
            "etcd --name m{} --data-dir {DIR}/data --heartbeat-interval 100 --election-timeout 700 \
             --listen-client-urls {url} --advertise-client-urls {url} \
             --listen-peer-urls {peer} --initial-advertise-peer-urls {peer} --initial-cluster {} \
             </dev/null >>{DIR}/log 2>&1 & echo $!",
            self.number, self.all
        );
        self.pid = self.host.run(&["sh", "-c", &run]).await?.trim().to_owned();
        Ok(())
    }

    /// Sends it a signal: `KILL`, `STOP` or `CONT`.
    pub(crate) async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        self.host.run(&["kill", &format!("-{signal}"), &self.pid]).await?;
        Ok(())
    }

    async fn answers(&self) -> anyhow::Result<()> {
        let url = url(self.host);
        let asked = ["env", "ETCDCTL_API=3", "etcdctl", "--endpoints", &url, "get", "ready"];
        self.host.run(&asked).await?;
        Ok(())
    }
}

fn url(host: &Host) -> String {
    format!("http://{}:2379", host.address())
}
