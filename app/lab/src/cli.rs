//! `weft lab`: the verbs with which a person uses a lab.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nix::sys::signal::{SigSet, Signal};

use crate::error::{OrHint, TRY_DOWN};
use crate::host::{init_socket, signal_number};
use crate::lab::{self, Lab};
use crate::protocol::{self, HostRequest, KeeperRequest, LabState, Reply, Service};
use crate::{Fault, Form, LabError, MOST_HOSTS, Spec, demo, enter, keeper, spec};

/// The lab's name when nobody chooses one.
const DEFAULT_NAME: &str = "lab";
/// What takes less time is not worth a word.
const PROGRESS_AFTER: Duration = Duration::from_secs(1);

/// What to do with a lab on this machine.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Bring up hosts that share a fabric, each with an agent of its own
    Up(Up),
    /// Run a command on a host, in all of its namespaces
    Exec {
        /// The host
        #[command(flatten)]
        target: Target,
        /// The command; `docker` in it talks to the host's Engine
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// List the labs and their hosts
    Ls,
    /// Let nothing through to or from a host; its link stays up
    Cut {
        /// The host
        #[command(flatten)]
        target: Target,
        /// Cut it off from this host only
        #[arg(long, value_name = "HOST")]
        from: Option<String>,
        /// Drop only what the host sends to that one
        #[arg(long, requires = "from")]
        one_way: bool,
    },
    /// End every cut and loss of a host
    Heal(Target),
    /// Lose packets on a host's link, each way
    Loss {
        /// The host
        #[command(flatten)]
        target: Target,
        /// Of a hundred packets, how many are lost
        #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
        percent: u8,
    },
    /// Kill everything on a host at once, as a power cut does
    Kill(Target),
    /// Start a killed host again, with the disk it had
    Start(Target),
    /// Stop every process of a host (its kernel still answers pings)
    Pause(Whom),
    /// Let the processes of a host go on
    Resume(Whom),
    /// Show the log of a host's daemon
    Logs {
        /// The host
        #[command(flatten)]
        target: Target,
        /// Whose log
        #[arg(default_value = "agent", value_parser = ["agent", "docker", "host"])]
        daemon: String,
    },
    /// Show all of it: three hosts, a network, a packet and its six hops; ends by itself
    Demo {
        /// With plain processes, even where Docker is installed
        #[arg(long)]
        plain: bool,
    },
    /// Take a lab down; nothing stays behind
    Down {
        /// The lab; not needed when there is only one
        #[arg(long)]
        name: Option<String>,
    },
}

/// How to bring up a lab.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Up {
    /// How many hosts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_HOSTS)))]
    hosts: u8,
    /// Give each host a Docker Engine of its own
    #[arg(long)]
    docker: bool,
    /// The lab's name
    #[arg(long, default_value = DEFAULT_NAME)]
    name: String,
    /// Do not run agents
    #[arg(long)]
    no_agent: bool,
    /// Let containers run on while dockerd is down
    #[arg(long)]
    live_restore: bool,
    /// What the agents are told of the data plane: auto, bridge or bpf; of several, host after
    /// host gets the next
    #[arg(long, value_name = "ENGINE,…", value_delimiter = ',')]
    datapath: Vec<String>,
    /// Use the Engine in this folder, made by debootstrap with docker.io
    #[arg(long, value_name = "DIR", requires = "docker")]
    engine_root: Option<PathBuf>,
    /// Take the lab down when this command ends (Ctrl-C)
    #[arg(long)]
    foreground: bool,
}

/// Which host of which lab.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    /// The host: h1, h2, … or outside
    host: String,
    /// The lab; not needed when there is only one
    #[arg(long)]
    name: Option<String>,
}

/// Which processes of a host.
#[derive(Clone, Debug, clap::Args)]
pub struct Whom {
    /// The host
    #[command(flatten)]
    target: Target,
    /// Only the agent
    #[arg(long)]
    agent: bool,
}

/// `weft lab` as a command of its own.
#[derive(Debug, clap::Parser)]
#[command(name = "weft lab", about = "Several hosts on one machine")]
struct Arguments {
    /// Form of what is printed
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORM")]
    output: Form,
    #[command(subcommand)]
    verb: Verb,
}

/// Does what the arguments after `weft lab` say; tells errors on standard error.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let name = std::iter::once(OsString::from("weft lab"));
    let Arguments { output, verb } = Arguments::parse_from(name.chain(arguments));
    run(verb, output).unwrap_or_else(|error| {
        let hint = error.hint();
        // Nothing can be told to a standard error that is closed.
        writeln!(io::stderr(), "error: {error}\n  try: {hint}").ok();
        ExitCode::FAILURE
    })
}

/// Does what `verb` says, and says what came of it in this form.
///
/// What commands, logs and the demo say is their own.
///
/// # Errors
///
/// Every error says what to try.
pub fn run(verb: Verb, form: Form) -> Result<ExitCode, LabError> {
    match verb {
        Verb::Up(up) => bring_up(up, form)?,
        Verb::Exec { target, command } => return Err(exec(&target, &command)?),
        Verb::Ls => list(form)?,
        Verb::Logs { target, daemon } => logs(&target, &daemon)?,
        Verb::Demo { plain } => demo::play(plain)?,
        does => {
            act(does)?;
            form.done()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The verbs that only do something.
fn act(verb: Verb) -> Result<(), LabError> {
    match verb {
        Verb::Cut { target: Target { host, name }, from, one_way } => {
            let fault = match from {
                Some(by) if one_way => Fault::CutOneWay { host, by },
                Some(from) => Fault::CutBetween { host, from },
                None => Fault::Cut { host },
            };
            ask_keeper(name.as_deref(), &KeeperRequest::Disturb(fault))?;
        }
        Verb::Heal(Target { host, name }) => {
            ask_keeper(name.as_deref(), &KeeperRequest::Heal { host })?;
        }
        Verb::Loss { target: Target { host, name }, percent } => {
            let fault = Fault::Loss { host, percent };
            ask_keeper(name.as_deref(), &KeeperRequest::Disturb(fault))?;
        }
        Verb::Kill(Target { host, name }) => {
            ask_keeper(name.as_deref(), &KeeperRequest::Kill { host })?;
        }
        Verb::Start(Target { host, name }) => {
            ask_keeper(name.as_deref(), &KeeperRequest::Start { host })?;
        }
        Verb::Pause(whom) => signal(&whom, HostRequest::Pause, Signal::SIGSTOP)?,
        Verb::Resume(whom) => signal(&whom, HostRequest::Resume, Signal::SIGCONT)?,
        Verb::Down { name } => lab::down(&choose(name.as_deref())?)?,
        Verb::Up(_) | Verb::Exec { .. } | Verb::Ls | Verb::Logs { .. } | Verb::Demo { .. } => {}
    }
    Ok(())
}

fn bring_up(up: Up, form: Form) -> Result<(), LabError> {
    let Up { hosts, docker, name, no_agent, live_restore, datapath, engine_root, foreground } = up;
    let exe = std::env::current_exe().ok();
    let spec = Spec {
        name: Some(name),
        hosts,
        docker,
        agent: !no_agent,
        live_restore,
        datapath,
        engine_root,
        exe,
        ..Spec::default()
    };
    let bar = progress(hosts);
    let lab = Lab::up_telling(spec, |step| {
        bar.set_message(step.to_owned());
        bar.inc(1);
    });
    bar.finish_and_clear();
    let lab = lab?;
    if foreground {
        let endings: SigSet =
            [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
        // Before anybody is told: a shell's background job has SIGINT ignored, and one that came before it was
        // blocked would be lost.
        endings.thread_block().or_hint("wait for Ctrl-C", TRY_DOWN)?;
        form.held_lab(&state(lab.name())?)?;
        endings.wait().or_hint("wait for Ctrl-C", TRY_DOWN)?;
        return Ok(());
    }
    let state = lab.detach()?;
    form.lab(&state, "try: weft lab exec h1 -- ping -c1 h2, weft lab ls, weft lab down")
}

/// Tells what has started: only on a terminal, and only when it takes longer than a second.
fn progress(hosts: u8) -> ProgressBar {
    let bar = ProgressBar::hidden();
    if !io::stderr().is_terminal() {
        return bar;
    }
    bar.set_length(u64::from(hosts) + 1);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.set_message("starting the hosts");
    let late = bar.clone();
    std::thread::spawn(move || {
        std::thread::sleep(PROGRESS_AFTER);
        if !late.is_finished() {
            late.set_draw_target(ProgressDrawTarget::stderr());
            late.enable_steady_tick(Duration::from_millis(100));
        }
    });
    bar
}

/// Becomes the command; returns only when that fails.
fn exec(target: &Target, arguments: &[String]) -> Result<LabError, LabError> {
    let error = enter::command(pid_of(target)?, arguments).exec();
    Ok(LabError::new("run nsenter", error, "install util-linux"))
}

fn list(form: Form) -> Result<(), LabError> {
    let labs: Vec<_> = keeper::sweep().iter().filter_map(|name| state(name).ok()).collect();
    form.labs(&labs)
}

fn signal(whom: &Whom, everyone: HostRequest, signal: Signal) -> Result<(), LabError> {
    let agent = HostRequest::Signal(Service::Agent, signal_number(signal));
    let request = if whom.agent { agent } else { everyone };
    protocol::ask(&init_socket(pid_of(&whom.target)?), &request).map(drop)
}

fn logs(target: &Target, daemon: &str) -> Result<(), LabError> {
    let name = choose(target.name.as_deref())?;
    let path: PathBuf = spec::disk(&name).join(&target.host).join(format!("log/{daemon}.log"));
    let mut log = std::fs::File::open(&path)
        .or_hint(format!("open {}", path.display()), "`weft lab ls` names the hosts")?;
    io::copy(&mut log, &mut io::stdout().lock()).map(drop).or_hint("show the log", TRY_DOWN)
}

fn pid_of(target: &Target) -> Result<u32, LabError> {
    let state = state(&choose(target.name.as_deref())?)?;
    let what = format!("enter {}", target.host);
    let host = state.hosts.get(&target.host).ok_or("there is no such host");
    let host = host.or_hint(&what, "`weft lab ls` names the hosts")?;
    host.pid.ok_or("it is killed").or_hint(what, format!("weft lab start {}", target.host))
}

fn state(name: &str) -> Result<LabState, LabError> {
    match ask_keeper(Some(name), &KeeperRequest::State)? {
        Reply::State(state) => Ok(*state),
        other => Err(LabError::new("ask for the state", format!("{other:?}"), TRY_DOWN)),
    }
}

fn ask_keeper(name: Option<&str>, request: &KeeperRequest) -> Result<Reply, LabError> {
    protocol::ask(&spec::run(&choose(name)?).join("keeper.sock"), request)
}

/// The lab that is meant: the named one, or the only one, or the one that nobody named.
fn choose(name: Option<&str>) -> Result<String, LabError> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    let names = keeper::sweep();
    match names.as_slice() {
        [] => {
            let hint = "`weft lab up` brings one up";
            Err(LabError::new("choose a lab", "none runs here", hint))
        }
        [only] => Ok(only.clone()),
        several if several.iter().any(|name| name == DEFAULT_NAME) => Ok(DEFAULT_NAME.to_owned()),
        several => {
            let hint = format!("say which with --name: {}", several.join(", "));
            Err(LabError::new("choose a lab", "several run here", hint))
        }
    }
}
