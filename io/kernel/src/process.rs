//! The end of a process that is nobody's child here (`pidfd_open(2)`, Linux 5.3 and newer).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::net::unix::pipe::Receiver;

/// A process, and not whatever gets its number later.
#[derive(Debug)]
pub struct Process {
    /// Tokio's pipe waits for any descriptor that can be polled, which this one is.
    descriptor: Receiver,
}

impl Process {
    /// Gets hold of process `number`, which has to be in the network namespace behind `netns`.
    ///
    /// Between the moment that somebody told the number and this one the process may have ended and another
    /// one have got it: that one is in another namespace. To be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// `NotFound` if the number is another process's; else what the kernel says: there is none, it is
    /// older than Linux 5.3, or no descriptor is left.
    pub fn inside(netns: &Path, number: i32) -> io::Result<Self> {
        let pid = Some(number).filter(|number| *number > 0).and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
        // Only now: the descriptor stays the process's, whatever becomes of its number.
        if place(Path::new(&format!("/proc/{number}/ns/net")))? != place(netns)? {
            let text = format!("process {number} is not in {}", netns.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        Ok(Self { descriptor: Receiver::from_owned_fd_unchecked(descriptor)? })
    }

    /// Returns when it has ended, at once if it has already. Cancel-safe.
    ///
    /// # Errors
    ///
    /// If the runtime is shutting down.
    pub async fn ended(&self) -> io::Result<()> {
        self.descriptor.readable().await.map(drop)
    }
}

/// Which file it is, links followed: of a namespace, which namespace.
fn place(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::metadata(path)?;
    Ok((file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const OWN: &str = "/proc/self/ns/net";
    const SOON: Duration = Duration::from_secs(30);

    /// Runs until it is killed, at the latest by the test's end.
    struct Sleeper(Child);

    impl Sleeper {
        fn start() -> Self {
            Self(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap())
        }

        fn number(&self) -> i32 {
            i32::try_from(self.0.id()).unwrap()
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_seen_before_anybody_has_waited_for_it() {
        let mut sleeper = Sleeper::start();
        let process = Process::inside(Path::new(OWN), sleeper.number()).unwrap();
        let ended = timeout(Duration::from_millis(20), process.ended()).await;
        assert!(ended.is_err(), "it runs");
        sleeper.0.kill().unwrap();
        timeout(SOON, process.ended()).await.unwrap().unwrap();
        timeout(SOON, process.ended()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_number_that_is_nobodys_or_somebody_elses_is_refused() {
        let sleeper = Sleeper::start();
        let number = sleeper.number();
        // A namespace, only not this one.
        let elsewhere = Path::new("/proc/self/ns/uts");
        let error = Process::inside(elsewhere, number).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
        drop(sleeper);
        for number in [number, 0, -1] {
            assert!(Process::inside(Path::new(OWN), number).is_err(), "{number}");
        }
    }
}
