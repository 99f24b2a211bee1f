//! Problems: every answer that is not 2xx has one as its body.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What failed, why, and what to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiProblem {
    /// What failed.
    pub error: String,
    /// Why, the nearest cause first.
    #[serde(default)]
    pub cause: Vec<String>,
    /// What to try; may be empty.
    #[serde(default)]
    pub hint: String,
    /// What sort of failure it is, for machines.
    pub kind: ProblemKind,
}

impl fmt::Display for ApiProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        self.cause.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The question makes no sense: 400.
    BadInput,
    /// There is no such thing: 404.
    NotFound,
    /// There is, but not for this asker: 403.
    Denied,
    /// It contradicts what is: 409.
    Conflict,
    /// It cannot be done at this moment, and nothing was changed: 503.
    Unavailable,
    /// Nobody knows whether it was done: 504.
    Unsettled,
    /// The agent is at fault: 500.
    Internal,
}

impl ProblemKind {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadInput => 400,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::Unsettled => 504,
        }
    }

    /// The kind that an HTTP status without a problem in its body is nearest to.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Denied,
            404 | 405 => Self::NotFound,
            409 => Self::Conflict,
            502 | 503 => Self::Unavailable,
            504 => Self::Unsettled,
            400..=499 => Self::BadInput,
            _ => Self::Internal,
        }
    }
}
