//! The hosts of a run: three to five with a manager each, one with the clients.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use tokio::process::Child;
use tokio::time::{Instant, sleep};
use weft_kernel::Netns;
use weft_lab::{Host, Lab, Spec};

use crate::client::ask;
use crate::member::Member;
use crate::protocol::{Answer, Ask};
use crate::serve::{ETCD, PORT};

/// Longer than all managers together take to answer again.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// What keeps the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The managers.
    Raft,
    /// An etcd with a member on each host; managers ask it.
    Etcd,
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    /// What faults hit.
    pub(crate) members: Vec<Member<'a>>,
    /// Where managers answer.
    pub(crate) managers: Vec<SocketAddr>,
    /// Where the clients are.
    pub(crate) clients: Netns,
    /// Managers that ask an etcd; they end with this.
    _asking: Vec<Child>,
}

/// Brings the hosts up.
pub(crate) async fn lab(managers: u8) -> anyhow::Result<Lab> {
    Ok(Lab::up(Spec { hosts: managers + 1, agent: false, ..Spec::default() }).await?)
}

impl<'a> Field<'a> {
    /// Starts the managers, with `program` for each.
    pub(crate) async fn new(lab: &'a Lab, kind: Kind, program: &Path) -> anyhow::Result<Self> {
        let hosts: Vec<&Host> = lab.hosts().collect();
        let (clients, hosts) = hosts.split_last().context("there are hosts")?;
        let clients = Netns::open(&clients.netns())?;
        let addresses: Vec<IpAddr> = hosts.iter().map(|host| host.address().into()).collect();
        let (mut members, mut asking) = (Vec::new(), Vec::new());
        for (number, host) in (1..).zip(hosts) {
            let manager =
                [Member::under_fake_clock()?, manager(program, number, &addresses)].concat();
            let member = match kind {
                Kind::Raft => {
                    let file = ["--file".to_owned(), Member::path("manager.redb")];
                    [manager, file.to_vec()].concat()
                }
                Kind::Etcd => {
                    let arguments: Vec<&str> = manager.iter().map(String::as_str).collect();
                    let mut command = host.command(&arguments)?;
                    command.stdout(std::process::Stdio::null()).kill_on_drop(true);
                    asking.push(command.spawn()?);
                    etcd(number, &addresses)
                }
            };
            members.push(Member::new(host, member).await?);
        }
        let managers = addresses.into_iter().map(|address| SocketAddr::new(address, PORT));
        Ok(Self { members, managers: managers.collect(), clients, _asking: asking })
    }

    pub(crate) fn member(&mut self, at: usize) -> anyhow::Result<&mut Member<'a>> {
        self.members.get_mut(at).context("there is such a manager")
    }

    /// Waits until every manager answers.
    pub(crate) async fn answers(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        for manager in self.managers.clone() {
            while !matches!(self.ask(manager, Ask::Range("/".into())).await, Ok(Answer::Range(_))) {
                self.all_run()?;
                let logs: Vec<String> = self.members.iter().map(Member::log).collect();
                let told = || format!("{manager} does not answer:\n{}", logs.join("\n---\n"));
                ensure!(began.elapsed() < PATIENCE, told());
                sleep(PAUSE).await;
            }
        }
        self.all_run()
    }

    /// Whoever ended by itself is not waited for.
    fn all_run(&mut self) -> anyhow::Result<()> {
        for member in &mut self.members {
            if let Some(status) = member.ended()? {
                bail!("a manager's program ended by itself, {status}:\n{}", member.log());
            }
        }
        Ok(())
    }

    /// Asks a manager from where the clients are.
    pub(crate) async fn ask(&self, manager: SocketAddr, what: Ask) -> anyhow::Result<Answer> {
        let clients = self.clients.clone();
        let asked = move || clients.run(|| ask(manager, &what))?;
        Ok(tokio::task::spawn_blocking(asked).await??)
    }
}

fn manager(program: &Path, number: u128, addresses: &[IpAddr]) -> Vec<String> {
    let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let (number, all) = (number.to_string(), all.join(","));
    let program = program.display().to_string();
    [&program, "serve", "--number", &number, "--managers", &all].map(str::to_owned).to_vec()
}

fn etcd(number: u128, addresses: &[IpAddr]) -> Vec<String> {
    let url = |address: &IpAddr, port: u16| format!("http://{}", SocketAddr::new(*address, port));
    let peers =
        (1..).zip(addresses).map(|(n, address): (u128, _)| format!("m{n}={}", url(address, 2_380)));
    let peers: Vec<String> = peers.collect();
    let own = usize::try_from(number - 1).ok().and_then(|at| addresses.get(at));
    let (client, peer) = own.map(|own| (url(own, ETCD), url(own, 2_380))).unwrap_or_default();
    let arguments: Arc<[String]> = [
        "etcd",
        "--name",
        &format!("m{number}"),
        "--data-dir",
        &Member::path("etcd"),
        "--listen-client-urls",
        &client,
        "--advertise-client-urls",
        &client,
        "--listen-peer-urls",
        &peer,
        "--initial-advertise-peer-urls",
        &peer,
        "--initial-cluster",
        &peers.join(","),
        "--heartbeat-interval",
        "100",
        "--election-timeout",
        "700",
    ]
    .map(str::to_owned)
    .into();
    arguments.to_vec()
}
