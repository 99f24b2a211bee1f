//! The daemons of a host: `weft agent` and `dockerd`.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::clock;
use super::mounts::{self, DISK};
use super::reaper::Reaper;
use crate::LabError;
use crate::error::{OrHint, TRY_DOWN};
use crate::image::IMAGE;
use crate::protocol::Service;
use crate::spec::Order;

/// Where Docker looks for plugins, and for the agent among them.
const PLUGINS: &str = "/run/docker/plugins";
const PLUGIN: &str = "/run/docker/plugins/weft.sock";
const NEED_DOCKER: &str = "install docker.io (apt-get install docker.io), or leave out --docker";

/// The daemons that run on this host.
#[derive(Clone)]
pub(super) struct Daemons {
    order: Arc<Order>,
    reaper: Reaper,
    running: Arc<Mutex<BTreeMap<Service, Pid>>>,
    /// The agent's socket for Docker, if the host holds it.
    plugin: Option<Arc<UnixListener>>,
}

impl Daemons {
    /// No daemon yet, on a host made by `order`.
    pub(super) fn new(order: Order, reaper: Reaper) -> Self {
        Self { order: Arc::new(order), reaper, running: Arc::default(), plugin: None }
    }

    /// Listens for Docker in the agent's stead, from now on for ever.
    pub(super) fn hold_plugin_socket(&mut self) -> Result<(), LabError> {
        let held = || -> io::Result<UnixListener> {
            std::fs::create_dir_all(PLUGINS)?;
            UnixListener::bind(PLUGIN)
        };
        let listener = held().or_hint(format!("listen at {PLUGIN}"), TRY_DOWN)?;
        self.plugin = Some(Arc::new(listener));
        Ok(())
    }

    /// Starts a daemon and waits until it answers.
    pub(super) fn start(&self, service: Service) -> Result<(), LabError> {
        let what = format!("start {} on {}", service.name(), self.order.host);
        if let Some(pid) = self.alive(service) {
            return Err(LabError::new(what, format!("it runs already as {pid}"), TRY_DOWN));
        }
        let mut command = self.command(service);
        command.stdin(self.input(service).or_hint(&what, TRY_DOWN)?);
        let pid = self.spawn(&mut command, service.name()).or_hint(&what, hint_for(service))?;
        self.running().insert(service, pid);
        self.await_answer(service, pid)
    }

    /// Sends a signal; after a deadly one, waits for the end of the daemon.
    pub(super) fn signal(&self, service: Service, signal: i32) -> Result<(), LabError> {
        let what = format!("signal {} on {}", service.name(), self.order.host);
        let signal = Signal::try_from(signal).or_hint(&what, "name a signal of this machine")?;
        let pid = self.alive(service).ok_or("it does not run").or_hint(&what, "start it first")?;
        kill(pid, signal).or_hint(&what, TRY_DOWN)?;
        let is_deadly = matches!(signal, Signal::SIGKILL | Signal::SIGTERM | Signal::SIGINT);
        if is_deadly && self.reaper.wait(pid, Duration::from_secs(60)).is_none() {
            return Err(LabError::new(what, format!("it survives {signal}"), "try SIGKILL"));
        }
        Ok(())
    }

    /// Gives the Engine the image that the lab's containers run.
    pub(super) fn import_image(&self) -> Result<(), LabError> {
        let what = format!("import {IMAGE} on {}", self.order.host);
        if Path::new(DISK).join("imported").exists() {
            return Ok(());
        }
        let mut command = Command::new("/usr/bin/docker");
        command.args(["import", "--change", "CMD [\"sh\"]"]).args([mounts::IMAGE, IMAGE]);
        command.stdin(Stdio::null());
        let pid = self.spawn(&mut command, "docker").or_hint(&what, NEED_DOCKER)?;
        let end = self.reaper.wait(pid, Duration::from_secs(60));
        if !matches!(end, Some(WaitStatus::Exited(_, 0))) {
            return Err(self.failure(Service::Docker, "docker import did not succeed"));
        }
        File::create(Path::new(DISK).join("imported")).or_hint(&what, "is the disk full?").map(drop)
    }

    fn command(&self, service: Service) -> Command {
        match service {
            Service::Agent => {
                let mut command = match &self.plugin {
                    Some(_held) => inheriting(mounts::PROGRAM),
                    None => Command::new(mounts::PROGRAM),
                };
                command.args(["agent", "--state", "/var/lib/weft", "--run", "/run/weft"]);
                command.args(["--plugin-socket", PLUGIN]);
                command.args(["--docker-socket", "/var/run/docker.sock"]);
                if self.order.movable_clock {
                    command.envs(clock::environment());
                }
                command
            }
            Service::Docker => {
                let mut command = Command::new("dockerd");
                command.args(["--data-root", "/var/lib/docker", "--exec-root", "/run/docker"]);
                command.args(["--pidfile", "/run/docker.pid", "--storage-driver", "vfs"]);
                command.args(["--host", "unix:///var/run/docker.sock"]);
                command.args(["--exec-opt", "native.cgroupdriver=cgroupfs"]);
                command.args(["--cgroup-parent", &self.order.cgroup]);
                command
            }
        }
    }

    /// What a daemon finds as its standard input.
    fn input(&self, service: Service) -> io::Result<Stdio> {
        match (&self.plugin, service) {
            (Some(held), Service::Agent) => Ok(OwnedFd::from(held.try_clone()?).into()),
            _ => Ok(Stdio::null()),
        }
    }

    /// Runs `command` with its output in a log.
    fn spawn(&self, command: &mut Command, log: &str) -> io::Result<Pid> {
        let log = OpenOptions::new().create(true).append(true).open(self.log(log))?;
        command.stdout(log.try_clone()?).stderr(log);
        command.env("DOCKER_CONFIG", "/run/lab/docker");
        self.reaper.start(|| {
            let child = command.spawn()?;
            Ok(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?))
        })
    }

    fn await_answer(&self, service: Service, pid: Pid) -> Result<(), LabError> {
        let (socket, path, patience) = match service {
            Service::Agent => ("/run/weft/weft.sock", "/v1/status", Duration::from_secs(20)),
            Service::Docker => ("/run/docker.sock", "/_ping", Duration::from_secs(90)),
        };
        let deadline = Instant::now() + patience;
        while !answers(Path::new(socket), path) {
            if let Some(end) = self.reaper.end_of(pid) {
                return Err(self.failure(service, &format!("it ended: {end:?}")));
            }
            if Instant::now() > deadline {
                return Err(self.failure(service, &format!("no answer at {socket}")));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// A failure, with the last words of the daemon.
    fn failure(&self, service: Service, why: &str) -> LabError {
        let log = std::fs::read_to_string(self.log(service.name())).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(8).collect();
        let last: String = lines.into_iter().rev().map(|line| format!("\n  | {line}")).collect();
        let what = format!("start {} on {}", service.name(), self.order.host);
        LabError::new(what, format!("{why}{last}"), hint_for(service))
    }

    fn log(&self, name: &str) -> PathBuf {
        Path::new(DISK).join(format!("log/{name}.log"))
    }

    fn alive(&self, service: Service) -> Option<Pid> {
        let pid = self.running().get(&service).copied()?;
        self.reaper.end_of(pid).is_none().then_some(pid)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Service, Pid>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command whose standard input becomes its descriptor 3, as the service manager passes sockets
/// (`sd_listen_fds(3)`); only the process itself can name itself as the one that it is meant for.
fn inheriting(program: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\" 3<&0 </dev/null";
    command.args(["-c", script, "sh", program]);
    command
}

fn hint_for(service: Service) -> &'static str {
    match service {
        Service::Agent => "see `weft lab logs HOST agent`; --no-agent makes hosts without it",
        Service::Docker => NEED_DOCKER,
    }
}

/// Whether whoever listens at `socket` answers a GET of `path` at all.
fn answers(socket: &Path, path: &str) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 "))
    };
    ask().unwrap_or(false)
}
