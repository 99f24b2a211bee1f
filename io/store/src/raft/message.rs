//! What managers say to each other.

use openraft::error::{InstallSnapshotError, RaftError};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_model::NodeId;

use super::types::{Asked, SeatId, Types};

/// A question, and whom it is for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message {
    /// Another seat on that node must not answer; absent: any may.
    pub(super) to: Option<SeatId>,
    pub(super) ask: Ask,
}

/// A question.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    Append(AppendEntriesRequest<Types>),
    Vote(VoteRequest<SeatId>),
    Install(InstallSnapshotRequest<Types>),
    /// Put this into the log.
    Propose(Asked),
    /// How far must a manager be that answers what is true now?
    ReadIndex,
    /// Let this seat, which is on the asker's node, vote.
    Admit(SeatId),
    /// Is this one of the managers' seats? With the generation of the asker's registry: who has an
    /// older one does not know.
    IsSeat(SeatId, u64),
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Append(Result<AppendEntriesResponse<SeatId>, RaftError<SeatId>>),
    Vote(Result<VoteResponse<SeatId>, RaftError<SeatId>>),
    Install(Result<InstallSnapshotResponse<SeatId>, RaftError<SeatId, InstallSnapshotError>>),
    Done,
    /// Nothing was done: ask the leader.
    NotLeader(Option<NodeId>),
    ReadIndex(Option<u64>),
    IsSeat(bool),
    /// It was not, or not entirely, done.
    Failed(String),
}

pub(super) fn encode(message: &impl Serialize) -> Vec<u8> {
    // These types always write.
    serde_json::to_vec(message).unwrap_or_default()
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}
