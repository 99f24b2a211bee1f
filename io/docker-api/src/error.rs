//! Why a call to the Engine failed.

use std::path::PathBuf;
use std::time::Duration;

/// A call to the Engine that brought no answer, or not the one hoped for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The client could not be made. Nothing was sent.
    #[error("prepare a client for Docker's socket {socket}")]
    Client {
        /// The path.
        socket: PathBuf,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// Nobody answers on the socket, or the connection broke. A change may have been made.
    #[error("{call}: Docker does not answer on {socket}")]
    Unreachable {
        /// Method and path.
        call: String,
        /// The path.
        socket: PathBuf,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// The deadline is over. A change may have been made or may yet be.
    #[error("{call}: Docker gave no answer within {within:?}")]
    Late {
        /// Method and path.
        call: String,
        /// What the caller allowed.
        within: Duration,
    },
    /// The Engine says no.
    #[error("{call}: Docker says: {message} (status {status})")]
    Refused {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The Engine's own words.
        message: String,
    },
    /// The answer is not what this client knows.
    #[error("{call}: Docker's answer cannot be read")]
    Unreadable {
        /// Method and path.
        call: String,
        /// Where it deviates.
        #[source]
        source: serde_json::Error,
    },
    /// A line of the event stream has no end.
    #[error("{call}: an event of more than {limit} bytes")]
    Endless {
        /// Method and path.
        call: String,
        /// The most that is accepted.
        limit: usize,
    },
}

impl ApiError {
    /// What a person can try.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Client { .. } | Self::Unreachable { .. } => {
                "check that Docker runs: systemctl status docker"
            }
            Self::Late { .. } => "Docker is busy or stuck: journalctl -u docker",
            Self::Refused { status: 404, .. } => "it is gone: docker network ls, docker ps -a",
            Self::Refused { status: 403 | 409, .. } => {
                "it is in use, or the name is taken: docker network ls, docker network inspect"
            }
            Self::Refused { .. } => "Docker's log says more: journalctl -u docker",
            Self::Unreadable { .. } | Self::Endless { .. } => {
                "Docker Engine 20.10 to 29 are known to work: docker version"
            }
        }
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the Engine says that there is no such thing.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.status(), Some(404))
    }
}
