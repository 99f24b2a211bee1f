//! A lab as a value: it exists as long as the value does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{NEED_ROOT, OrHint, TRY_DOWN};
use crate::keeper::{self, KEEP};
use crate::protocol::{self, KeeperRequest, LabState, Reply};
use crate::spec::{self, Plan};
use crate::{Host, KEEPER_VERB, LabError, Spec};

/// How long a keeper may take to end once it has cleared the lab.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running lab. Dropping it takes it down; so does the death of the process, however it dies.
#[derive(Debug)]
pub struct Lab {
    state: LabState,
    hosts: BTreeMap<String, Host>,
    keeper: Child,
}

impl Lab {
    /// Brings up a lab; when this returns, agents and Engines answer.
    ///
    /// # Errors
    ///
    /// If the machine lacks something, or a daemon does not start; nothing is left behind then.
    pub async fn up(spec: Spec) -> Result<Self, LabError> {
        blocking(move || Self::up_telling(spec, |_step| {})).await
    }

    /// Brings up a lab and tells each step.
    pub(crate) fn up_telling(spec: Spec, tell: impl FnMut(&str)) -> Result<Self, LabError> {
        check_machine(&spec)?;
        let plan = Plan::settle(spec)?;
        keeper::sweep();
        let mut keeper = Command::new(&plan.exe)
            .arg(KEEPER_VERB)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .or_hint(format!("run {}", plan.exe.display()), "is it a weft executable?")?;
        match follow(&mut keeper, &plan, tell) {
            Ok(state) => Ok(Self::new(state, keeper)),
            Err(error) => {
                end(&mut keeper);
                Err(error)
            }
        }
    }

    fn new(state: LabState, keeper: Child) -> Self {
        let socket: Arc<PathBuf> = Arc::new(spec::run(&state.name).join("keeper.sock"));
        let host = |(name, host): (&String, &protocol::HostState)| {
            let pid = host.pid.unwrap_or_default();
            (name.clone(), Host::new(name.clone(), host.address, pid, Arc::clone(&socket)))
        };
        let hosts = state.hosts.iter().map(host).collect();
        Self { state, hosts, keeper }
    }

    /// The lab's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// The host of this name: `h1`…`hN`, or `outside`.
    ///
    /// # Panics
    ///
    /// If the lab has no such host: a test that asks for one is wrong.
    #[must_use]
    #[expect(clippy::panic, reason = "the hosts are known when the test is written")]
    pub fn host(&self, name: &str) -> &Host {
        match self.hosts.get(name) {
            Some(host) => host,
            None => panic!("the lab has no host {name}"),
        }
    }

    /// The hosts in order, without the outside.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        let number = |host: &&Host| spec::host_number(host.name());
        let mut hosts: Vec<_> = self.hosts.values().filter(|host| number(host).is_some()).collect();
        hosts.sort_by_key(number);
        hosts.into_iter()
    }

    /// Takes the lab down and waits until nothing is left of it.
    ///
    /// # Errors
    ///
    /// If something of the lab is still there afterwards.
    pub async fn down(mut self) -> Result<(), LabError> {
        blocking(move || {
            end(&mut self.keeper);
            check_gone(&self.state.name)
        })
        .await
    }

    /// Lets the lab outlive this process.
    pub(crate) fn detach(mut self) -> Result<LabState, LabError> {
        let what = "detach from the lab";
        let mut stdin = self.keeper.stdin.take().ok_or("no keeper").or_hint(what, TRY_DOWN)?;
        writeln!(stdin, "{KEEP}").or_hint(what, TRY_DOWN)?;
        let state = self.state.clone();
        // Its drop would wait for the end of the keeper.
        std::mem::forget(self);
        Ok(state)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        end(&mut self.keeper);
    }
}

/// Takes down a lab that another process brought up, or what is left of it.
pub(crate) fn down(name: &str) -> Result<(), LabError> {
    let socket = spec::run(name).join("keeper.sock");
    match protocol::ask(&socket, &KeeperRequest::State) {
        Ok(Reply::State(state)) => {
            protocol::ask(&socket, &KeeperRequest::Down)?;
            await_end_of(state.keeper);
        }
        _nobody_answers => drop(keeper::sweep()),
    }
    check_gone(name)
}

/// Waits until the fabric is gone too: it ends with the keeper. A process that nobody has reaped
/// yet has no namespaces any more.
fn await_end_of(keeper: u32) {
    let namespace = format!("/proc/{keeper}/ns/net");
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_link(&namespace).is_ok() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Fails where the machine obviously lacks something, before anything is made.
fn check_machine(spec: &Spec) -> Result<(), LabError> {
    let what = "bring up a lab";
    if !nix::unistd::geteuid().is_root() {
        return Err(LabError::new(what, "this needs root", "run it with sudo"));
    }
    let root = spec.engine_root.as_deref().unwrap_or_else(|| Path::new("/"));
    let is_there = |path: &str| root.join(path).exists();
    let has_dockerd = is_there("usr/bin/dockerd") || is_there("usr/sbin/dockerd");
    let has_docker = has_dockerd && is_there("usr/bin/docker");
    if spec.docker && !has_docker {
        let hint = "install docker.io (apt-get install docker.io), or leave out --docker";
        return Err(LabError::new(what, format!("no Docker in {}", root.display()), hint));
    }
    Ok(())
}

/// Hands the plan to the keeper and follows what it tells until the lab is up.
fn follow(
    keeper: &mut Child,
    plan: &Plan,
    mut tell: impl FnMut(&str),
) -> Result<LabState, LabError> {
    let what = "bring up the lab";
    let stdin = keeper.stdin.as_ref().ok_or("no keeper").or_hint(what, NEED_ROOT)?;
    protocol::send(stdin, plan).or_hint(what, NEED_ROOT)?;
    let stdout = keeper.stdout.take().ok_or("no keeper").or_hint(what, NEED_ROOT)?;
    for line in BufReader::new(stdout).lines() {
        let line = line.or_hint(what, NEED_ROOT)?;
        match serde_json::from_str(&line).or_hint(what, "is the executable of this version?")? {
            Reply::Progress(step) => tell(&step),
            Reply::State(state) => return Ok(*state),
            Reply::Failed(error) => return Err(error),
            Reply::Done => {}
        }
    }
    Err(LabError::new(what, "its keeper died", "is the executable of this version?"))
}

/// Lets go of the keeper and waits until it has cleared everything.
fn end(keeper: &mut Child) {
    drop(keeper.stdin.take());
    // It fails only if the keeper was waited for already.
    drop(keeper.wait());
}

fn check_gone(name: &str) -> Result<(), LabError> {
    let left = [spec::run(name), spec::disk(name)].into_iter().find(|path| path.exists());
    left.map_or(Ok(()), |path| {
        let why = format!("{} is still there", path.display());
        Err(LabError::new(format!("take down the lab {name}"), why, "try again in a moment"))
    })
}

/// Runs what blocks without holding up other tasks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LabError> + Send + 'static,
) -> Result<T, LabError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(LabError::new("wait for the lab", error, TRY_DOWN)),
    }
}
