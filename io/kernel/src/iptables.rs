//! The programs `iptables` and `iptables-restore`, run inside a namespace.
//!
//! Only for chains that other programs keep with them: what `nft` would write there they could not
//! read any more.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::{IptablesError, Netns};

/// How long another user of the packet filter is waited for, in seconds.
const PATIENCE: &str = "5";

/// A chain's rules as the arguments that would append them, one a line.
pub(crate) fn list(netns: &Netns, chain: &str) -> Result<Vec<String>, IptablesError> {
    let output = run(netns, "iptables", &["-w", PATIENCE, "-S", chain], "")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Whether a word stands in quotes depends on the version.
    let lines = text.lines().map(|line| line.replace('"', ""));
    Ok(lines.filter(|line| line.starts_with("-A ")).collect())
}

/// Does commands on the table `filter` as one transaction: all of them or none.
pub(crate) fn apply(netns: &Netns, commands: &[String]) -> Result<(), IptablesError> {
    let input = format!("*filter\n{}\nCOMMIT\n", commands.join("\n"));
    run(netns, "iptables-restore", &["--noflush", "-w", PATIENCE], &input).map(drop)
}

/// A started process is in the namespace of the thread that started it.
fn run(
    netns: &Netns,
    program: &'static str,
    arguments: &[&str],
    input: &str,
) -> Result<Output, IptablesError> {
    let run = || {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends before it has read all says why on its standard error.
            drop(stdin.write_all(input.as_bytes()));
        }
        child.wait_with_output()
    };
    let ran = netns.run(run).and_then(std::convert::identity);
    let output = ran.map_err(|source| IptablesError::Start { program, source })?;
    if output.status.success() {
        return Ok(output);
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(IptablesError::Failed { program, why })
}
