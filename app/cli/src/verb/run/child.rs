//! The command itself: started, signalled, waited for.
//!
//! It is to die with this process, since its endpoint does. Between fork and exec that could only be
//! arranged by unsafe code; so this executable is run once more, under a hidden verb, and becomes
//! the command after arranging it for itself.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::arguments::Format;
use crate::failure::{Exit, Failure};

/// The hidden verb under which this executable becomes the command.
pub(crate) const BECOME_VERB: &str = "run-become";
/// This executable, whatever happened to its file.
const MYSELF: &str = "/proc/self/exe";
/// What shells answer for a command that is not there, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// A command and what is added to its environment.
#[derive(Debug)]
pub(crate) struct Program {
    /// The command, then its arguments.
    pub(crate) command: Vec<OsString>,
    /// Added to this process's own.
    pub(crate) environment: Vec<(String, String)>,
    /// How it is told that the command cannot be run.
    pub(crate) errors: Format,
}

/// Runs it to its end and says how it ended, as shells do.
pub(crate) async fn run(program: &Program) -> Result<u8, Failure> {
    let mut signals = signals().map_err(|error| {
        Failure::local("listen to signals", &error, "free some file descriptors")
    })?;
    let mut child = start(program)?;
    let status = loop {
        // Cancel-safe: `wait` and `recv` both lose nothing when dropped.
        tokio::select! {
            ended = child.wait() => break ended,
            Some(signal) = signals.recv() => forward(&child, signal),
        }
    };
    let status = status.map_err(|error| {
        Failure::local("wait for the command", &error, "does it still run? `ps` tells")
    })?;
    Ok(code(status))
}

fn start(program: &Program) -> Result<Child, Failure> {
    let environment = program.environment.iter().map(|(key, value)| (key, value));
    let started = Command::new(MYSELF)
        .args([BECOME_VERB, program.errors.name()])
        .args(&program.command)
        .envs(environment)
        .spawn();
    started.map_err(|error| Failure::local("run this command anew", &error, "is /proc mounted?"))
}

/// Becomes the command that `words` say; returns only if that is not possible.
pub(crate) fn become_command(words: &[OsString]) -> Failure {
    let Some((name, arguments)) = words.split_first() else {
        return Failure::usage("run", "no command is given", "weft run --help");
    };
    let what = format!("run {}", name.display());
    if let Err(error) = set_pdeathsig(Signal::SIGKILL) {
        return Failure::local(&what, &error, "is prctl forbidden by a seccomp filter?");
    }
    let error = std::process::Command::new(name).args(arguments).exec();
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    Failure::local(&what, &error, "is it spelt right, and in PATH?").ending(Exit::Child(code))
}

/// What this process is told, the command is to be told.
///
/// On a terminal the kernel tells both of the keyboard's signals: they are only caught then.
fn signals() -> io::Result<mpsc::Receiver<Signal>> {
    let (told, signals) = mpsc::channel(8);
    let typed = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP];
    let others = [Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2];
    let foreground = in_foreground();
    for (which, passes_on) in
        typed.map(|typed| (typed, !foreground)).into_iter().chain(others.map(|other| (other, true)))
    {
        let mut caught = signal(SignalKind::from_raw(which as i32))?;
        let told = told.clone();
        tokio::spawn(async move {
            while caught.recv().await.is_some() {
                if passes_on && told.send(which).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(signals)
}

fn in_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

fn forward(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id {
        // It may have ended in this moment: then there is nobody to tell.
        kill(Pid::from_raw(id), signal).ok();
    }
}

fn code(status: ExitStatus) -> u8 {
    let by_signal = status.signal().map(|signal| 128_i32.saturating_add(signal));
    let code = status.code().or(by_signal).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_as_in_a_shell() {
        assert_eq!(code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(code(ExitStatus::from_raw(9)), 137);
    }
}
