//! One host of a lab, and everything that can happen to it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::Serialize;

use crate::enter::{self, Output};
use crate::error::OrHint;
use crate::lab::blocking;
use crate::protocol::{self, HostRequest, KeeperRequest, Reply, Service};
use crate::{Fault, LabError, init};

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

    /// Lets nothing through to or from the host; its link stays up.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn cut(&self) -> Result<(), LabError> {
        self.disturb(Fault::Cut { host: self.name.clone() }).await
    }

    /// Lets nothing through between this host and `other`.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn cut_from(&self, other: &Self) -> Result<(), LabError> {
        self.disturb(Fault::CutBetween { host: self.name.clone(), from: other.name.clone() }).await
    }

    /// Lets nothing through that this host sends to `other`; it hears the other all the same.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn unheard_by(&self, other: &Self) -> Result<(), LabError> {
        self.disturb(Fault::CutOneWay { host: self.name.clone(), by: other.name.clone() }).await
    }

    /// Loses this share of the packets on the host's link, each way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn loss(&self, percent: u8) -> Result<(), LabError> {
        self.disturb(Fault::Loss { host: self.name.clone(), percent }).await
    }

    /// Swallows datagrams to a UDP port on the host's link, each way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn swallow(&self, port: u16) -> Result<(), LabError> {
        self.disturb(Fault::Swallow { host: self.name.clone(), port }).await
    }

    /// Lets IP packets of at most this length through the host's link, each way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn narrow(&self, length: u16) -> Result<(), LabError> {
        self.disturb(Fault::Narrow { host: self.name.clone(), length }).await
    }

    /// Spoils the sums of TCP segments that the host sends inside VXLAN to a UDP port.
    ///
    /// Its kernel has to finish them, as for a wire (`ethtool -K eth0 tx off`): of what it leaves
    /// to a device, nobody checks the sum on the way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn spoil(&self, port: u16) -> Result<(), LabError> {
        self.disturb(Fault::Spoil { host: self.name.clone(), port }).await
    }

    /// Ends everything that is wrong with the host's link.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn heal(&self) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Heal { host: self.name.clone() }).await.map(drop)
    }

    /// Kills everything on the host at once, as a power cut does. Its disk stays.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn kill(&self) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Kill { host: self.name.clone() }).await?;
        self.pid.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Starts the host again after [`kill`](Self::kill), with the disk it had.
    ///
    /// # Errors
    ///
    /// If it runs, or a daemon does not start.
    pub async fn start(&self) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Start { host: self.name.clone() }).await?;
        if let Reply::State(state) = self.ask_keeper(KeeperRequest::State).await? {
            let pid = state.hosts.get(&self.name).and_then(|host| host.pid).unwrap_or_default();
            self.pid.store(pid, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Stops every process of the host, containers included. The kernel still answers pings.
    ///
    /// # Errors
    ///
    /// If the host is killed.
    pub async fn pause(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Pause).await
    }

    /// Lets every process of the host go on.
    ///
    /// # Errors
    ///
    /// If the host is killed.
    pub async fn resume(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Resume).await
    }

    /// Kills the agent with SIGKILL.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn kill_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGKILL).await
    }

    /// Ends the agent with SIGTERM and waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not run, or does not end.
    pub async fn stop_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGTERM).await
    }

    /// Starts the agent and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it runs already, or does not answer in time.
    pub async fn start_agent(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Start(Service::Agent)).await
    }

    /// Stops the agent alone, as a debugger does.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn pause_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGSTOP).await
    }

    /// Lets the agent go on.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn resume_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGCONT).await
    }

    /// Sets the agent's wall clock off by so many seconds: `+86400`. The lab has to have been made with
    /// [`movable_clocks`](crate::Spec::movable_clocks).
    ///
    /// # Errors
    ///
    /// If the host is killed.
    pub fn set_clock(&self, seconds: &str) -> Result<(), LabError> {
        self.living()?;
        let path = self.root().join(init::CLOCK.trim_start_matches('/'));
        std::fs::write(path, seconds).or_hint("move the clock", "ask for movable clocks")
    }

    /// Ends dockerd with `signal` and waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not run, or does not end.
    pub async fn stop_docker(&self, signal: Signal) -> Result<(), LabError> {
        self.signal(Service::Docker, signal).await
    }

    /// Starts dockerd and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it runs already, or does not answer in time.
    pub async fn start_docker(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Start(Service::Docker)).await
    }

    /// Ends dockerd with `signal` and starts it again.
    ///
    /// # Errors
    ///
    /// If it does not run, does not end, or does not answer in time.
    pub async fn restart_docker(&self, signal: Signal) -> Result<(), LabError> {
        self.stop_docker(signal).await?;
        self.start_docker().await
    }

    /// Sends `signal` to a daemon of the host; after a deadly one, waits for its end.
    ///
    /// # Errors
    ///
    /// If the daemon does not run, or does not end.
    pub async fn signal(&self, service: Service, signal: Signal) -> Result<(), LabError> {
        self.ask_init(HostRequest::Signal(service, signal_number(signal))).await
    }

    async fn disturb(&self, fault: Fault) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Disturb(fault)).await.map(drop)
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

/// The number of a signal.
pub(crate) fn signal_number(signal: Signal) -> i32 {
    #[expect(clippy::as_conversions, reason = "the enum's discriminants are the numbers")]
    {
        signal as i32
    }
}

async fn ask(socket: &Path, request: impl Serialize + Send + 'static) -> Result<Reply, LabError> {
    let socket = socket.to_owned();
    blocking(move || protocol::ask(&socket, &request)).await
}
