//! Runs programs inside a host, by `nsenter` of util-linux.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::LabError;
use crate::error::OrHint;
use crate::tool::PATH;

const HINT: &str = "install util-linux (nsenter); `weft lab ls` says which hosts run";

/// What a program inside a host has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Output {
    /// Whether the program ended well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.success()
    }
}

/// The command that runs `arguments` in all namespaces of process `pid`.
pub(crate) fn command<S: AsRef<OsStr>>(pid: u32, arguments: &[S]) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", &pid.to_string(), "-m", "-n", "-u", "-i", "-p", "--"]).args(arguments);
    command.env("PATH", PATH).env("DOCKER_CONFIG", "/run/lab/docker");
    command.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
    command
}

/// Runs `arguments` in all namespaces of process `pid` to their end, within `deadline`.
pub(crate) async fn run(
    pid: u32,
    arguments: &[&str],
    deadline: Duration,
) -> Result<Output, LabError> {
    let what = format!("run `{}`", arguments.join(" "));
    // Killing nsenter would leave the program alive inside: `timeout` kills it there.
    let seconds = format!("{:.3}", deadline.as_secs_f64());
    let limited = [&["timeout", "-s", "KILL", &seconds], arguments].concat();
    let mut command = tokio::process::Command::from(command(pid, &limited));
    let began = Instant::now();
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(deadline + Duration::from_secs(2), running).await;
    let late = || LabError::new(&what, format!("not done after {deadline:?}"), "allow more time");
    let output = output.map_err(|_elapsed| late())?.or_hint(&what, HINT)?;
    if is_killed(output.status) && began.elapsed() >= deadline {
        return Err(late());
    }
    Ok(Output {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Whether this is how a killed program ends: by the signal, or by a shell's word for it.
fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9) || status.code() == Some(137)
}
