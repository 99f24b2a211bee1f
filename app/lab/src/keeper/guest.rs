//! One set of namespaces on the fabric: a host, or the outside.

use std::fs::OpenOptions;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{fabric, lock};
use crate::LabError;
use crate::error::{NEED_ROOT, OrHint};
use crate::protocol::{self, Reply};
use crate::spec::{self, GATEWAY, OUTSIDE, Order};
use crate::tool::PATH;

/// A member of the fabric that can be killed and started again.
pub(super) struct Guest {
    port: String,
    number: u8,
    verb: &'static str,
    exe: PathBuf,
    disk: PathBuf,
    order: Option<Order>,
    life: Mutex<Option<Child>>,
    pid: AtomicU32,
}

impl Guest {
    /// A host that will do as `order` says.
    pub(super) fn host(order: Order) -> Self {
        Self {
            port: order.host.clone(),
            number: spec::host_number(&order.host).unwrap_or_default(),
            verb: crate::HOST_VERB,
            exe: order.exe.clone(),
            disk: order.disk.clone(),
            order: Some(order),
            life: Mutex::default(),
            pid: AtomicU32::new(0),
        }
    }

    /// Everything that is not a host.
    pub(super) fn outside(exe: PathBuf, lab: &str) -> Self {
        Self {
            port: OUTSIDE.to_owned(),
            number: GATEWAY.octets()[3],
            verb: crate::OUTSIDE_VERB,
            exe,
            disk: spec::disk(lab).join(OUTSIDE),
            order: None,
            life: Mutex::default(),
            pid: AtomicU32::new(0),
        }
    }

    /// The first process, as the machine numbers it, while it lives.
    pub(super) fn pid(&self) -> Option<u32> {
        if let Ok(mut life) = self.life.try_lock()
            && let Some(child) = life.as_mut()
            && !is_alive(child)
        {
            self.pid.store(0, Ordering::Relaxed);
        }
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Makes the namespaces and waits until the guest says that it is up.
    pub(super) fn start(&self) -> Result<(), LabError> {
        let mut life = lock(&self.life);
        if life.as_mut().is_some_and(is_alive) {
            let hint = format!("`weft lab kill {}` first", self.port);
            return Err(LabError::new(format!("start {}", self.port), "it runs already", hint));
        }
        if life.take().is_some() {
            fabric::unplug(&self.port);
        }
        let child = life.insert(self.bear()?);
        self.pid.store(child.id(), Ordering::Relaxed);
        let started = self.raise(child);
        if started.is_err() {
            self.bury(child);
        }
        started
    }

    /// Kills the guest and everything in it, as a power cut does.
    pub(super) fn kill(&self) {
        if let Some(child) = lock(&self.life).as_mut() {
            self.bury(child);
        }
    }

    /// Kills without waiting, also one that is still starting.
    pub(super) fn condemn(&self) {
        let pid = i32::try_from(self.pid.load(Ordering::Relaxed)).unwrap_or_default();
        if pid > 0 {
            // It may have died by itself.
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
    }

    fn bury(&self, child: &mut Child) {
        // Both fail only if it is dead and buried already. The wait returns when every process of
        // the PID namespace is gone.
        drop(child.kill());
        drop(child.wait());
        self.pid.store(0, Ordering::Relaxed);
        fabric::unplug(&self.port);
    }

    /// Runs the first process of new namespaces. They are made by a thread that then ends, so that
    /// the keeper itself stays where it is.
    fn bear(&self) -> Result<Child, LabError> {
        let what = format!("start {}", self.port);
        let logs = self.disk.join("log");
        std::fs::create_dir_all(&logs).or_hint(&what, NEED_ROOT)?;
        let log = OpenOptions::new().create(true).append(true).open(logs.join("host.log"));
        let log = log.or_hint(&what, NEED_ROOT)?;
        let mut command = Command::new(&self.exe);
        command
            .arg(self.verb)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", "/root")
            .env("LANG", "C.UTF-8");
        for variable in ["RUST_LOG", "RUST_BACKTRACE", "WEFT_LOG"] {
            command.envs(std::env::var_os(variable).map(|value| (variable, value)));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).current_dir("/");
        let born = thread::spawn(move || -> io::Result<Child> {
            unshare(namespaces())?;
            command.spawn()
        });
        let broken = |_| Err(io::Error::other("the thread broke"));
        born.join().unwrap_or_else(broken).or_hint(what, NEED_ROOT)
    }

    /// Connects the new guest, hands it its order and waits for its answer.
    fn raise(&self, child: &mut Child) -> Result<(), LabError> {
        let what = format!("start {}", self.port);
        let hint = format!("see {}", self.disk.join("log/host.log").display());
        fabric::plug(&self.port, self.number, child.id())?;
        let stdin = child.stdin.as_ref().ok_or("no standard input").or_hint(&what, &hint)?;
        protocol::send(stdin, &self.order).or_hint(&what, &hint)?;
        let stdout = child.stdout.take().ok_or("no standard output").or_hint(&what, &hint)?;
        match protocol::receive(&mut BufReader::new(stdout)).or_hint(&what, &hint)? {
            Reply::Failed(error) => Err(error),
            Reply::Progress(_) | Reply::Done | Reply::State(_) => fabric::await_link(&self.port),
        }
    }
}

fn is_alive(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

fn namespaces() -> CloneFlags {
    CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWPID
}
