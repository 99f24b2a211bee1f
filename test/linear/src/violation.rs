//! What cannot have happened.

use crate::{Change, Operation, Revision, Value};

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A read answers what was not there at its revision.
    #[error("at revision {revision} the entry was {expected:?}, but it was read as {operation:?}")]
    WrongRead {
        /// The read.
        operation: Operation,
        /// The revision it claims.
        revision: Revision,
        /// What the changes say.
        expected: Option<Value>,
    },
    /// An operation that began after another one had ended is older.
    #[error("revision {earlier} was acknowledged before this was asked: {operation:?}")]
    Stale {
        /// The later operation.
        operation: Operation,
        /// What had been told before it.
        earlier: Revision,
    },
    /// An acknowledged write is not among the changes.
    #[error("an acknowledged write is lost: {0:?}")]
    Lost(Operation),
    /// An acknowledged write is told at another revision.
    #[error("a write is told at revision {told}, it was acknowledged otherwise: {operation:?}")]
    Moved {
        /// The write.
        operation: Operation,
        /// Where it is told.
        told: Revision,
    },
    /// One write was done twice.
    #[error("a write was done more than once, at {revisions:?}: {operation:?}")]
    Repeated {
        /// The write.
        operation: Operation,
        /// When.
        revisions: Vec<Revision>,
    },
    /// A write that was refused was done.
    #[error("a write that was refused was done: {0:?}")]
    DoneThoughRefused(Operation),
    /// A write was done before it was asked.
    #[error(
        "a write is told at revision {told}, which is older than when it was asked: {operation:?}"
    )]
    TooEarly {
        /// The write.
        operation: Operation,
        /// Where it is told.
        told: Revision,
    },
    /// Nobody has written this.
    #[error("nobody has written {0:?}")]
    FromNowhere(Change),
    /// A conditional write was done against its condition.
    #[error("the condition did not hold: {0:?}")]
    AgainstCondition(Operation),
    /// A condition failed though nobody had changed the entry.
    #[error("the condition held all the time, but there was a conflict: {0:?}")]
    ConflictWithoutCause(Operation),
    /// A watch tells something else than happened.
    #[error("watch {watch} tells {told:?} where {happened:?} happened")]
    Watch {
        /// Its place in the history.
        watch: usize,
        /// What it tells.
        told: Option<Change>,
        /// What it should have told.
        happened: Option<Change>,
    },
    /// Revisions run backwards.
    #[error("revision {then} is told after revision {now}")]
    Backwards {
        /// The earlier told one.
        now: Revision,
        /// The later told one.
        then: Revision,
    },
    /// What is left is not what the changes make.
    #[error("entry {key} is left as {left:?}, the changes make it {made:?}")]
    Ending {
        /// The entry.
        key: String,
        /// What is there.
        left: Option<Value>,
        /// What should be there.
        made: Option<Value>,
    },
}
