//! Reaps every process of the host, and remembers how they ended.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

/// How many ends are remembered.
const MEMORY: usize = 1024;

/// How the processes of the host ended.
#[derive(Clone, Default)]
pub(super) struct Reaper {
    ends: Arc<(Mutex<BTreeMap<Pid, WaitStatus>>, Condvar)>,
}

/// Reaps on a thread of its own. From now on nothing else in this process may wait for a child.
pub(super) fn start() -> Reaper {
    let reaper = Reaper::default();
    let reaping = reaper.clone();
    thread::spawn(move || {
        loop {
            await_end();
            reaping.reap();
        }
    });
    reaper
}

/// Waits until a child has ended, and leaves it to be reaped.
///
/// SIGCHLD would have to be blocked for that, and the daemons would inherit the mask.
fn await_end() {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    if waitid(Id::All, flags).is_err() {
        // There is no child yet; orphans may be adopted at any time.
        thread::sleep(Duration::from_millis(20));
    }
}

impl Reaper {
    /// How process `pid` ended, if it did.
    pub(super) fn end_of(&self, pid: Pid) -> Option<WaitStatus> {
        self.ends().get(&pid).copied()
    }

    /// Starts a process by `spawn`, and forgets an earlier one that had its number.
    pub(super) fn start(&self, spawn: impl FnOnce() -> io::Result<Pid>) -> io::Result<Pid> {
        // Nothing is reaped while the lock is held, so what is forgotten is never the new one's end.
        let mut ends = self.ends();
        let pid = spawn()?;
        ends.remove(&pid);
        Ok(pid)
    }

    /// Waits for the end of process `pid`.
    pub(super) fn wait(&self, pid: Pid, patience: Duration) -> Option<WaitStatus> {
        let deadline = Instant::now() + patience;
        let mut ends = self.ends();
        loop {
            if let Some(end) = ends.get(&pid) {
                return Some(*end);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let woken = self.ends.1.wait_timeout(ends, left);
            ends = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn reap(&self) {
        let mut ends = self.ends();
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid() else { return };
            if ends.len() >= MEMORY {
                ends.pop_first();
            }
            ends.insert(pid, status);
            self.ends.1.notify_all();
        }
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<Pid, WaitStatus>> {
        self.ends.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
