//! One host of a lab, and what runs in it.

mod daemons;
mod link;
mod power;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::Serialize;

pub(crate) use self::daemons::signal_number;
use crate::enter::{self, Output};
use crate::error::OrHint;
use crate::lab::blocking;
use crate::protocol::{self, HostRequest, KeeperRequest, Reply, Service};
use crate::{LabError, init};

/// How long a program inside a host may take unless more is allowed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host of a lab.
#[derive(Debug)]
pub struct Host {
    name: String,
    address: Ipv4Addr,
    pid: AtomicU32,
    keeper: Arc<PathBuf>,
}

impl Host {
    pub(crate) fn new(name: String, address: Ipv4Addr, pid: u32, keeper: Arc<PathBuf>) -> Self {
        Self { name, address, pid: AtomicU32::new(pid), keeper }
    }

    /// Its name: `h1`…`hN`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address on the fabric.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its first process, as the machine numbers it; 0 while it is killed.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// Its network namespace.
    #[must_use]
    pub fn netns(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.pid()))
    }

    /// Its root directory as the machine sees it: a socket of the host can be connected to there.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.pid()))
    }

    /// What `service` has logged so far.
    #[must_use]
    pub fn log(&self, service: Service) -> String {
        let path = format!("run/lab/disk/log/{}.log", service.name());
        std::fs::read_to_string(self.root().join(path)).unwrap_or_default()
    }

    /// Runs a program in all namespaces of the host, whether it ends well or not.
    ///
    /// # Errors
    ///
    /// If it cannot be run, or takes longer than a minute.
    pub async fn exec(&self, arguments: &[&str]) -> Result<Output, LabError> {
        self.exec_within(PATIENCE, arguments).await
    }

    /// As [`exec`](Self::exec), with another deadline.
    ///
    /// # Errors
    ///
    /// If it cannot be run, or takes longer.
    pub async fn exec_within(
        &self,
        time: Duration,
        arguments: &[&str],
    ) -> Result<Output, LabError> {
        enter::run(self.living()?, arguments, time).await
    }

    /// Runs a program that has to end well, and returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// If it cannot be run, takes longer than a minute, or fails.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, LabError> {
        let output = self.exec(arguments).await?;
        if output.is_success() {
            return Ok(output.stdout);
        }
        let what = format!("run `{}` on {}", arguments.join(" "), self.name);
        let said = format!("{} {}", output.stdout.trim(), output.stderr.trim());
        Err(LabError::new(what, format!("{}: {}", output.status, said.trim()), "see its own words"))
    }

    /// Runs `weft` on the host; as [`exec`](Self::exec).
    ///
    /// # Errors
    ///
    /// If it cannot be run, or takes longer than a minute.
    pub async fn weft(&self, arguments: &[&str]) -> Result<Output, LabError> {
        self.exec(&[&["weft"], arguments].concat()).await
    }

    /// Runs `docker`, which talks to the host's Engine; as [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// If it cannot be run, takes longer than a minute, or fails.
    pub async fn docker(&self, arguments: &[&str]) -> Result<String, LabError> {
        self.run(&[&["docker"], arguments].concat()).await
    }

    /// A command that runs a program in the host, for the caller to set up and spawn.
    ///
    /// # Errors
    ///
    /// If the host is killed.
    pub fn command(&self, arguments: &[&str]) -> Result<tokio::process::Command, LabError> {
        Ok(enter::command(self.living()?, arguments).into())
    }

    /// Starts a program in the host, with its output piped.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn spawn(&self, arguments: &[&str]) -> Result<tokio::process::Child, LabError> {
        use std::process::Stdio;
        let mut command = self.command(arguments)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let what = format!("run `{}` on {}", arguments.join(" "), self.name);
        command.kill_on_drop(true).spawn().or_hint(what, "install util-linux (nsenter)")
    }

    async fn ask_keeper(&self, request: KeeperRequest) -> Result<Reply, LabError> {
        ask(self.keeper.as_path(), request).await
    }

    async fn ask_init(&self, request: HostRequest) -> Result<(), LabError> {
        ask(&init_socket(self.living()?), request).await.map(drop)
    }

    fn living(&self) -> Result<u32, LabError> {
        let pid = Some(self.pid()).filter(|pid| *pid != 0);
        pid.ok_or("it is killed").or_hint(format!("enter {}", self.name), "start it first")
    }
}

/// Where the first process of a host listens, as the machine sees it.
pub(crate) fn init_socket(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/root{}", init::SOCKET))
}

async fn ask(socket: &Path, request: impl Serialize + Send + 'static) -> Result<Reply, LabError> {
    let socket = socket.to_owned();
    blocking(move || protocol::ask(&socket, &request)).await
}
