//! A container's network namespace as Docker's file shows it: after `Join` has answered (Engine
//! 27 and older) or before it is called (28 and newer).

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::statfs::{FsType, statfs};
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, timeout_at};

/// What `fstatfs` says of a namespace file (`NSFS_MAGIC` in `linux/magic.h`).
const NSFS: FsType = FsType(0x6e73_6673);

/// The file is there some milliseconds before the namespace is mounted on it, and mounting wakes
/// no watcher.
const MOUNT_POLL: Duration = Duration::from_millis(1);
/// Watching may fail or miss (the directory itself may not be there yet).
const FILE_POLL: Duration = Duration::from_millis(20);

/// Why a sandbox cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It did not appear: the container's start has failed, most likely.
    #[error("sandbox {path} did not appear within {within:?}")]
    Absent {
        /// Docker's file.
        path: PathBuf,
        /// What the caller allowed.
        within: Duration,
    },
    /// The file is there but cannot be looked at.
    #[error("look at sandbox {path}")]
    Unreadable {
        /// Docker's file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl SandboxError {
    /// What a person can try.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "docker ps -a shows whether the container runs; start it again",
            Self::Unreadable { .. } => "the agent must run in dockerd's mount namespace, as root",
        }
    }
}

/// Whether the sandbox can be entered now.
///
/// # Errors
///
/// [`SandboxError::Unreadable`].
pub fn is_there(path: &Path) -> Result<bool, SandboxError> {
    Ok(look(path)? == Sight::Namespace)
}

/// Returns as soon as the sandbox can be entered. Cancel-safe.
///
/// # Errors
///
/// [`SandboxError`] when it does not appear in time or cannot be looked at.
pub async fn wait(path: &Path, within: Duration) -> Result<(), SandboxError> {
    let deadline = Instant::now() + within;
    // Before the first look, so that nothing is missed between the two.
    let mut watch = Watch::on(path);
    loop {
        let pause = match look(path)? {
            Sight::Namespace => return Ok(()),
            Sight::File => MOUNT_POLL,
            Sight::Nothing => FILE_POLL,
        };
        let now = Instant::now();
        if now >= deadline {
            return Err(SandboxError::Absent { path: path.to_owned(), within });
        }
        watch.changed(deadline.min(now + pause)).await;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Nothing,
    File,
    Namespace,
}

fn look(path: &Path) -> Result<Sight, SandboxError> {
    match statfs(path) {
        Ok(stat) if stat.filesystem_type() == NSFS => Ok(Sight::Namespace),
        Ok(_) => Ok(Sight::File),
        Err(Errno::ENOENT) => Ok(Sight::Nothing),
        Err(errno) => Err(SandboxError::Unreadable { path: path.to_owned(), source: errno.into() }),
    }
}

/// Wakes when the directory changes; without it only the polling is left.
struct Watch {
    inotify: Option<Receiver>,
}

impl Watch {
    fn on(path: &Path) -> Self {
        let inotify = path.parent().and_then(|directory| open(directory).ok());
        Self { inotify }
    }

    async fn changed(&mut self, until: Instant) {
        let Some(inotify) = &self.inotify else {
            return tokio::time::sleep_until(until).await;
        };
        if let Ok(Ok(())) = timeout_at(until, inotify.readable()).await {
            // Which file it was does not matter: the caller looks at its own.
            while inotify.try_read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
        }
    }
}

/// Tokio's pipe reads any descriptor that can be polled, which an inotify is.
fn open(directory: &Path) -> io::Result<Receiver> {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    inotify.add_watch(directory, AddWatchFlags::IN_CREATE)?;
    Receiver::from_owned_fd_unchecked(inotify.as_fd().try_clone_to_owned()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_namespace_that_exists_is_there_at_once() {
        let own = Path::new("/proc/self/ns/net");
        assert!(is_there(own).unwrap());
        wait(own, Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_namespace_is_waited_for_until_the_deadline() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        assert!(!is_there(&path).unwrap());
        std::fs::write(&path, "").unwrap();
        let error = wait(&path, Duration::from_millis(30)).await.unwrap_err();
        assert!(matches!(error, SandboxError::Absent { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_sandbox_is_seen_when_it_appears() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let waiting = tokio::spawn({
            let path = path.clone();
            async move { wait(&path, Duration::from_secs(10)).await }
        });
        tokio::task::yield_now().await;
        std::fs::write(directory.path().join("another"), "").unwrap();
        std::os::unix::fs::symlink("/proc/self/ns/net", &path).unwrap();
        waiting.await.unwrap().unwrap();
    }
}
