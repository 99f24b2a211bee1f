//! The processes of one manager, and what is done to them.

use std::fs;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use weft_lab::Host;

/// Where a manager's disk is, on its host. It is small, so that it can be filled; and larger than the two
/// segments of 64 MiB that an etcd lays out as it starts, or it ends with "no space left on device" now and then.
const DISK: &str = "/run/nemesis";
const SIZE: &str = "size=256m";
/// What fills it.
const BALLAST: &str = "/run/nemesis/ballast";
/// libfaketime reads the clock's offset from here, at every look at the clock.
const CLOCK: &str = "/run/nemesis-clock";
/// So many lines of a log are told.
const TOLD: usize = 20;

/// One program of a manager that faults may hit.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) host: &'a Host,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl<'a> Member<'a> {
    /// Makes a disk and starts the program there.
    pub(crate) async fn new(host: &'a Host, arguments: Vec<String>) -> anyhow::Result<Self> {
        host.run(&["mkdir", "-p", DISK]).await?;
        host.run(&["mount", "-t", "tmpfs", "-o", SIZE, "nemesis", DISK]).await?;
        let mut member = Self { host, arguments, process: None };
        member.set_clock("+0s")?;
        member.start()?;
        Ok(member)
    }

    /// What keeps it, on its host.
    pub(crate) fn path(name: &str) -> String {
        format!("{DISK}/{name}")
    }

    /// What a program is started with so that its wall clock can be moved.
    pub(crate) fn under_fake_clock() -> anyhow::Result<Vec<String>> {
        let library = fs::read_dir("/usr/lib")?
            .filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketime.so.1")))
            .find(|path| path.exists())
            .context("libfaketime is there: it comes with `make setup`")?;
        let preload = format!("LD_PRELOAD={}", library.display());
        let file = format!("FAKETIME_TIMESTAMP_FILE={CLOCK}");
        // The clock that timers go by never jumps on a real machine, whatever is done to the other one.
        let settings = ["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"];
        Ok([&["env", &preload, &file][..], &settings]
            .concat()
            .iter()
            .map(|s| (*s).to_owned())
            .collect())
    }

    /// Starts the program, if it does not run.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        if let Some(process) = &mut self.process
            && process.try_wait()?.is_none()
        {
            return Ok(());
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path())?;
        let mut command = self.host.command(&arguments)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.process = Some(command.spawn()?);
        Ok(())
    }

    /// How it has ended, if it has without being told to.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    /// What it has logged last.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.split_at(lines.len().saturating_sub(TOLD)).1.join("\n")
    }

    /// Kills it, without a word.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            for pid in family(process.id()) {
                // One that has ended meanwhile is killed enough.
                kill(pid, Signal::SIGKILL).unwrap_or_default();
            }
            process.kill().await?;
        }
        Ok(())
    }

    /// Sends it, and what it has started, a signal.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        for pid in family(self.process.as_ref().and_then(Child::id)) {
            kill(pid, signal)?;
        }
        Ok(())
    }

    /// Leaves no room on its disk.
    pub(crate) async fn fill(&self) -> anyhow::Result<()> {
        // It ends when there is no room, as it should.
        self.host.exec(&["dd", "if=/dev/zero", &format!("of={BALLAST}"), "bs=64k"]).await?;
        Ok(())
    }

    /// Makes room again.
    pub(crate) async fn drain(&self) -> anyhow::Result<()> {
        self.host.run(&["rm", "-f", BALLAST]).await?;
        Ok(())
    }

    /// Moves its wall clock, if it runs under a fake one.
    pub(crate) fn set_clock(&self, offset: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.host.root().join(CLOCK.trim_start_matches('/')), offset)?)
    }

    fn log_path(&self) -> PathBuf {
        self.host.root().join("run/nemesis.log")
    }
}

/// A process and those that it has started.
fn family(pid: Option<u32>) -> Vec<Pid> {
    let Some(pid) = pid else { return Vec::new() };
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let below = children.split_whitespace().filter_map(|child| child.parse().ok());
    let own = i32::try_from(pid).map(Pid::from_raw);
    below.flat_map(|child| family(Some(child))).chain(own).collect()
}
