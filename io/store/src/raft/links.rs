//! How managers reach each other: somebody else carries the bytes.

use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;
use openraft::error::{
    InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, Unreachable,
};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use weft_model::NodeId;

use super::message::{Answer, Ask, Message, decode, encode};
use super::types::{Seat, SeatId, Types};

/// Carries questions to other managers.
pub trait Links: Debug + Send + Sync + 'static {
    /// Asks the manager on node `to`, whose store answers by [`super::Raft::serve`]. The caller sets the
    /// deadline.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if no answer came.
    fn ask(&self, to: NodeId, message: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, LinkError>>;
}

/// Who asks, as the owner of the links knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The node, as its certificate says.
    pub node: NodeId,
    /// Whether it is to be a manager. One that is none any more is heard until its seat is gone;
    /// others may only ask whether they have one.
    pub manages: bool,
}

/// Why a manager did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The question was not sent.
    #[error("not connected")]
    NotConnected,
    /// The question may have arrived or not.
    #[error("the answer was lost")]
    Lost,
}

/// Makes links for Raft.
#[derive(Clone, Debug)]
pub(super) struct Network(pub(super) Arc<dyn Links>);

/// The link to one seat.
#[derive(Debug)]
pub(super) struct Link {
    links: Arc<dyn Links>,
    to: SeatId,
    node: Option<NodeId>,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Link;

    async fn new_client(&mut self, target: SeatId, seat: &Seat) -> Link {
        Link { links: Arc::clone(&self.0), to: target, node: seat.node }
    }
}

type Failed<E> = RPCError<SeatId, Seat, E>;

impl Link {
    async fn ask<E: std::error::Error>(&self, ask: Ask) -> Result<Answer, Failed<E>> {
        let node = self.node.ok_or_else(|| Unreachable::new(&LinkError::NotConnected))?;
        let message = encode(&Message { to: Some(self.to), ask });
        let answer = self.links.ask(node, message).await.map_err(|error| match error {
            LinkError::NotConnected => RPCError::Unreachable(Unreachable::new(&error)),
            LinkError::Lost => RPCError::Network(NetworkError::new(&error)),
        })?;
        decode(&answer).map_err(|error| RPCError::Network(NetworkError::new(&error)))
    }

    /// It is asked again later, as if it had not been reached.
    fn confused<E: std::error::Error>(answer: &Answer) -> Failed<E> {
        let told = std::io::Error::other(format!("{answer:?}"));
        RPCError::Unreachable(Unreachable::new(&told))
    }

    fn refused<E: std::error::Error>(&self, error: E) -> Failed<E> {
        RPCError::RemoteError(RemoteError::new(self.to, error))
    }
}

impl RaftNetwork<Types> for Link {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<SeatId>, Failed<RaftError<SeatId>>> {
        match self.ask(Ask::Append(rpc)).await? {
            Answer::Append(answer) => answer.map_err(|error| self.refused(error)),
            other => Err(Self::confused(&other)),
        }
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        _option: RPCOption,
    ) -> Result<InstallSnapshotResponse<SeatId>, Failed<RaftError<SeatId, InstallSnapshotError>>>
    {
        match self.ask(Ask::Install(rpc)).await? {
            Answer::Install(answer) => answer.map_err(|error| self.refused(error)),
            other => Err(Self::confused(&other)),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<SeatId>,
        _option: RPCOption,
    ) -> Result<VoteResponse<SeatId>, Failed<RaftError<SeatId>>> {
        match self.ask(Ask::Vote(rpc)).await? {
            Answer::Vote(answer) => answer.map_err(|error| self.refused(error)),
            other => Err(Self::confused(&other)),
        }
    }
}
