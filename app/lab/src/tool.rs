//! The programs of the machine that a lab is made with.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::LabError;
use crate::error::OrHint;

/// Where programs are looked for inside a host: Debian's own before locally installed ones.
pub(crate) const PATH: &str =
    "/run/lab/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin";

/// Runs `ip -batch` with one command a line.
pub(crate) fn ip(commands: &str) -> Result<(), LabError> {
    feed("ip", &["-batch", "-"], commands, "install iproute2; the kernel needs bridge and veth")
}

/// Loads an nft ruleset as one transaction.
pub(crate) fn nft(ruleset: &str) -> Result<(), LabError> {
    feed(
        "nft",
        &["-f", "-"],
        ruleset,
        "install nftables; the kernel needs the bridge family of nf_tables",
    )
}

/// Runs `bridge` and returns what it says.
pub(crate) fn bridge(arguments: &[&str]) -> Result<String, LabError> {
    let output = Command::new("bridge").args(arguments).env("PATH", PATH).output();
    let output = output.or_hint("run bridge", "install iproute2")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn feed(program: &str, arguments: &[&str], input: &str, hint: &str) -> Result<(), LabError> {
    let what = format!("run {program}");
    let mut child = Command::new(program)
        .args(arguments)
        .env("PATH", PATH)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .or_hint(&what, hint)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).or_hint(&what, hint)?;
    }
    let output = child.wait_with_output().or_hint(&what, hint)?;
    if output.status.success() {
        return Ok(());
    }
    Err(LabError::new(what, String::from_utf8_lossy(&output.stderr).trim(), hint))
}
