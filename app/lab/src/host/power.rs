//! A host as a machine: killed, started, stopped for a while, with a clock that is off.

use std::sync::atomic::Ordering;

use super::Host;
use crate::error::OrHint;
use crate::protocol::{HostRequest, KeeperRequest, Reply};
use crate::{LabError, init};

impl Host {
    /// Kills everything on the host at once, as a power cut does. Its disk stays.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn kill(&self) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Kill { host: self.name.clone() }).await?;
        self.pid.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Starts the host again after [`kill`](Self::kill), with the disk it had.
    ///
    /// # Errors
    ///
    /// If it runs, or a daemon does not start.
    pub async fn start(&self) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Start { host: self.name.clone() }).await?;
        if let Reply::State(state) = self.ask_keeper(KeeperRequest::State).await? {
            let pid = state.hosts.get(&self.name).and_then(|host| host.pid).unwrap_or_default();
            self.pid.store(pid, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Stops every process of the host, containers included. The kernel still answers pings.
    ///
    /// # Errors
    ///
    /// If the host is killed.
    pub async fn pause(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Pause).await
    }

    /// Lets every process of the host go on.
    ///
    /// # Errors
    ///
    /// If the host is killed.
    pub async fn resume(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Resume).await
    }

    /// Sets the agent's wall clock off by so many seconds: `+86400`. The lab has to have been made with
    /// [`movable_clocks`](crate::Spec::movable_clocks).
    ///
    /// # Errors
    ///
    /// If the host is killed.
    pub fn set_clock(&self, seconds: &str) -> Result<(), LabError> {
        self.living()?;
        let path = self.root().join(init::CLOCK.trim_start_matches('/'));
        std::fs::write(path, seconds).or_hint("move the clock", "ask for movable clocks")
    }
}
