//! The first process of a host: it makes the namespaces into a host, starts the daemons, and reaps.
//!
//! It is PID 1 of the host's PID namespace, so when it dies the kernel kills everything on the host.

mod clock;
mod daemons;
mod mounts;
mod reaper;

use std::io::{self, BufReader, Read};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::LabError;
use crate::error::{NEED_ROOT, OrHint, TRY_DOWN};
use crate::protocol::{self, HostRequest, Reply, Service};
use crate::spec::{GATEWAY, Order};
use crate::tool;
pub(crate) use clock::CLOCK;
use daemons::Daemons;

/// How long a link may take to come up.
const LINK_TIME: Duration = Duration::from_secs(10);
/// Where the first process listens for requests, inside the host.
pub(crate) const SOCKET: &str = "/run/lab/init.sock";

/// Becomes a host: reads the order from standard input, answers on standard output when it is up.
pub(crate) fn main() -> ExitCode {
    let started = start();
    let reply = Reply::from(started.as_ref().map(|_| ()).map_err(LabError::clone));
    // A keeper that is gone ends the host a moment later.
    drop(protocol::send(io::stdout().lock(), &reply));
    if started.is_err() {
        return ExitCode::FAILURE;
    }
    await_end_of_input();
    ExitCode::SUCCESS
}

fn start() -> Result<(), LabError> {
    let order: Option<Order> =
        protocol::receive(&mut io::stdin().lock()).or_hint("read the order", TRY_DOWN)?;
    let order = order.ok_or("there is none").or_hint("read the order", TRY_DOWN)?;
    // The keeper blocks signals, and daemons must not inherit that.
    SigSet::empty().thread_set_mask().or_hint("unblock signals", TRY_DOWN)?;
    // The rest of the input is only its end: the keeper is gone, and so is the host.
    thread::spawn(|| {
        await_end_of_input();
        end();
    });
    mounts::make(&order)?;
    connect(&order)?;
    if order.movable_clock {
        clock::make()
            .or_hint("make its clock movable", "install it: apt-get install libfaketime")?;
    }
    let (docker, agent, held) = (order.image.is_some(), order.agent, order.socket_activation);
    let mut daemons = Daemons::new(order, reaper::start());
    if held {
        daemons.hold_plugin_socket()?;
    }
    listen(daemons.clone())?;
    if agent {
        daemons.start(Service::Agent)?;
    }
    if docker {
        daemons.start(Service::Docker)?;
        daemons.import_image()?;
    }
    Ok(())
}

/// Names the host and gives its link addresses and a way out.
fn connect(order: &Order) -> Result<(), LabError> {
    nix::unistd::sethostname(&order.host).or_hint("name the host", NEED_ROOT)?;
    let Order { address, address6, .. } = order;
    tool::ip(&format!(
        "link set lo up\n\
         link set eth0 addrgenmode none up\n\
         addr add {address}/24 dev eth0\n\
         addr add {address6}/64 dev eth0 nodad\n\
         route add default via {GATEWAY}\n"
    ))?;
    await_link()
}

/// Waits until the link is up: the agent looks at it as soon as it starts.
fn await_link() -> Result<(), LabError> {
    let deadline = Instant::now() + LINK_TIME;
    let state = || std::fs::read_to_string("/sys/class/net/eth0/operstate").unwrap_or_default();
    while state() != "up\n" {
        if Instant::now() > deadline {
            let why = format!("eth0 is {}", state().trim());
            return Err(LabError::new("wait for the link", why, TRY_DOWN));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn listen(daemons: Daemons) -> Result<(), LabError> {
    let listener =
        UnixListener::bind(Path::new(SOCKET)).or_hint("listen for requests", NEED_ROOT)?;
    thread::spawn(move || {
        protocol::serve(&listener, move |request| match request {
            HostRequest::Start(service) => daemons.start(service).into(),
            HostRequest::Signal(service, signal) => daemons.signal(service, signal).into(),
            HostRequest::Pause => everyone(Signal::SIGSTOP).into(),
            HostRequest::Resume => everyone(Signal::SIGCONT).into(),
        });
    });
    Ok(())
}

/// Signals every process of the host, containers included, except this one.
fn everyone(signal: Signal) -> Result<(), LabError> {
    match kill(Pid::from_raw(-1), signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(error) => Err(LabError::new(format!("send {signal} to the host"), error, TRY_DOWN)),
    }
}

fn await_end_of_input() {
    // However the reading ends, nobody keeps the host any more.
    drop(BufReader::new(io::stdin()).read_to_end(&mut Vec::new()));
}

#[expect(clippy::exit, reason = "the end of the first process is the end of the host")]
fn end() {
    std::process::exit(0);
}
