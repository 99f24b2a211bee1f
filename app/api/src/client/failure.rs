//! Why a call did not work.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use crate::{ApiProblem, ProblemKind};

/// Why a call did not work. Only [`CallError::Problem`] is the agent's own word; with
/// [`CallError::Slow`] and [`CallError::Broken`] it is unknown whether something was changed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The agent said no.
    #[error("{}", .0.error)]
    Problem(ApiProblem),
    /// There is no socket.
    #[error("there is no agent at {}", .0.display())]
    NoSocket(PathBuf),
    /// There is a socket, but it is not for this user.
    #[error("this user may not speak with the agent at {}", .0.display())]
    Denied(PathBuf),
    /// There is a socket, but nobody listens.
    #[error("nobody listens at {}", .0.display())]
    NotListening(PathBuf),
    /// The agent was reached and did not answer in time.
    #[error("the agent did not answer in time")]
    Slow,
    /// The connection ended early, or did not come about for another reason.
    #[error("the connection to the agent broke")]
    Broken(#[source] reqwest::Error),
    /// The answer has another shape than this client knows.
    #[error("the agent's answer is not understood")]
    Answer(#[source] serde_json::Error),
    /// The question cannot be written as a URL.
    #[error("the question cannot be written as a URL")]
    BadQuestion,
    /// The HTTP library does not start.
    #[error("the HTTP client does not start")]
    Client(#[source] reqwest::Error),
}

impl CallError {
    /// Tells the failures to reach a socket apart.
    pub(crate) fn sending(socket: &Path, error: reqwest::Error) -> Self {
        match io_kind(&error) {
            Some(io::ErrorKind::NotFound) if error.is_connect() => Self::NoSocket(socket.into()),
            Some(io::ErrorKind::PermissionDenied) => Self::Denied(socket.into()),
            Some(io::ErrorKind::ConnectionRefused) => Self::NotListening(socket.into()),
            _ if error.is_timeout() => Self::Slow,
            _ => Self::Broken(error),
        }
    }

    /// What sort of failure it is.
    #[must_use]
    pub const fn kind(&self) -> ProblemKind {
        match self {
            Self::Problem(problem) => problem.kind,
            Self::Denied(_) => ProblemKind::Denied,
            Self::NoSocket(_) | Self::NotListening(_) | Self::Slow | Self::Broken(_) => {
                ProblemKind::Unavailable
            }
            Self::BadQuestion => ProblemKind::BadInput,
            Self::Answer(_) | Self::Client(_) => ProblemKind::Internal,
        }
    }

    /// Why, the nearest cause first.
    #[must_use]
    pub fn cause(&self) -> Vec<String> {
        match self {
            Self::Problem(problem) => problem.cause.clone(),
            other => std::iter::successors(other.source(), |error| (*error).source())
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Problem(problem) => problem.hint.clone(),
            Self::NoSocket(_) => {
                "start the agent: `systemctl start weft`, or `weft agent` by hand; \
                 if it listens elsewhere, say where with `--socket PATH`"
                    .to_owned()
            }
            Self::Denied(socket) => denied_hint(socket),
            Self::NotListening(_) => {
                "the agent has stopped and left its socket behind: `systemctl restart weft`, \
                 and look at `journalctl -u weft`"
                    .to_owned()
            }
            Self::Slow | Self::Broken(_) => {
                "look at `journalctl -u weft`, then at `weft status`: it is not known whether \
                 the command took effect"
                    .to_owned()
            }
            Self::Answer(_) | Self::BadQuestion | Self::Client(_) => {
                "is the agent of the same version as this command? compare with `weft version`"
                    .to_owned()
            }
        }
    }
}

fn denied_hint(socket: &Path) -> String {
    format!(
        "run it with `sudo`, or have your user added to the group that owns {}",
        socket.display()
    )
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    std::iter::successors(error.source(), |error| (*error).source())
        .find_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}
