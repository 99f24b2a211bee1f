//! A host's daemons: its agent and its Docker Engine.

use nix::sys::signal::Signal;

use super::Host;
use crate::LabError;
use crate::protocol::{HostRequest, Service};

impl Host {
    /// Kills the agent with SIGKILL.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn kill_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGKILL).await
    }

    /// Ends the agent with SIGTERM and waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not run, or does not end.
    pub async fn stop_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGTERM).await
    }

    /// Starts the agent and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it runs already, or does not answer in time.
    pub async fn start_agent(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Start(Service::Agent)).await
    }

    /// Stops the agent alone, as a debugger does.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn pause_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGSTOP).await
    }

    /// Lets the agent go on.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn resume_agent(&self) -> Result<(), LabError> {
        self.signal(Service::Agent, Signal::SIGCONT).await
    }

    /// Ends dockerd with `signal` and waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not run, or does not end.
    pub async fn stop_docker(&self, signal: Signal) -> Result<(), LabError> {
        self.signal(Service::Docker, signal).await
    }

    /// Starts dockerd and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it runs already, or does not answer in time.
    pub async fn start_docker(&self) -> Result<(), LabError> {
        self.ask_init(HostRequest::Start(Service::Docker)).await
    }

    /// Ends dockerd with `signal` and starts it again.
    ///
    /// # Errors
    ///
    /// If it does not run, does not end, or does not answer in time.
    pub async fn restart_docker(&self, signal: Signal) -> Result<(), LabError> {
        self.stop_docker(signal).await?;
        self.start_docker().await
    }

    /// Sends `signal` to a daemon of the host; after a deadly one, waits for its end.
    ///
    /// # Errors
    ///
    /// If the daemon does not run, or does not end.
    pub async fn signal(&self, service: Service, signal: Signal) -> Result<(), LabError> {
        self.ask_init(HostRequest::Signal(service, signal_number(signal))).await
    }
}

/// The number of a signal.
pub(crate) fn signal_number(signal: Signal) -> i32 {
    #[expect(clippy::as_conversions, reason = "the enum's discriminants are the numbers")]
    {
        signal as i32
    }
}
