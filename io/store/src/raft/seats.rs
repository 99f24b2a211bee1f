//! Who the managers are: they come as learners, vote when they know enough, and go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::error::{ClientWriteError, RaftError};
use weft_model::NodeId;
use weft_registry::generation;

use super::Open;
use super::message::{Answer, Ask, Message};
use super::types::{Seat, SeatId};
use crate::StoreError;

/// How long it may take until a new manager knows enough to vote.
const LEARNING: Duration = Duration::from_secs(20);

/// How long a manager may take to find out what is true now.
const ANSWERING: Duration = Duration::from_secs(5);

type NotChanged = RaftError<SeatId, ClientWriteError<SeatId, Seat>>;

impl Open {
    /// Asks to vote, until one of `managers` has seen to it.
    pub(super) async fn take_seat(&self, managers: &[NodeId]) -> Result<(), StoreError> {
        let mut asked = BTreeSet::new();
        let mut next: Vec<NodeId> = managers.to_vec();
        while let Some(node) = next.pop() {
            if !asked.insert(node) {
                continue;
            }
            let message = Message { to: None, ask: Ask::Admit(self.seat) };
            match self.ask_within(LEARNING, node, message).await {
                Ok(Answer::Done) => return Ok(()),
                Ok(Answer::NotLeader(leader)) => next.extend(leader),
                other => tracing::debug!(%node, ?other, "a manager did not let this one vote"),
            }
        }
        Err(StoreError::NoMajority)
    }

    /// Lets a seat on `node` vote, instead of any earlier one there.
    pub(super) async fn admit(&self, seat: SeatId, node: NodeId) -> Answer {
        if self.leader().is_none_or(|(leader, _node)| leader != self.seat) {
            return self.not_leader();
        }
        match self.try_admit(seat, node).await {
            Ok(()) => Answer::Done,
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => self.not_leader(),
            Err(error) => Answer::Failed(error.to_string()),
        }
    }

    async fn try_admit(&self, seat: SeatId, node: NodeId) -> Result<(), NotChanged> {
        let _one_at_a_time = self.changing.lock().await;
        if !self.seats().contains_key(&seat) {
            self.raft.add_learner(seat, Seat { node: Some(node) }, true).await?;
        }
        if !self.voters().contains(&seat) {
            let voter = ChangeMembers::AddVoterIds(BTreeSet::from([seat]));
            self.raft.change_membership(voter, false).await?;
        }
        self.remove(|other, at| other != seat && at == Some(node)).await
    }

    /// Takes the votes of all managers that are not on one of `nodes`, if this one leads.
    pub(super) async fn keep_only(&self, nodes: &BTreeSet<NodeId>) {
        if self.leader().is_none_or(|(leader, _node)| leader != self.seat) {
            return;
        }
        let _one_at_a_time = self.changing.lock().await;
        if !self.seats().values().any(|seat| seat.node.is_some_and(|node| nodes.contains(&node))) {
            return;
        }
        let gone = |_seat, node: Option<NodeId>| node.is_none_or(|node| !nodes.contains(&node));
        if let Err(error) = self.remove(gone).await {
            tracing::debug!(%error, "a manager could not be taken out yet");
        }
    }

    async fn remove(
        &self,
        which: impl Fn(SeatId, Option<NodeId>) -> bool,
    ) -> Result<(), NotChanged> {
        let seats = self.seats();
        let gone = seats.into_iter().filter(|(id, seat)| which(*id, seat.node));
        let (voters, learners): (BTreeSet<_>, BTreeSet<_>) =
            gone.map(|(id, _seat)| id).partition(|id| self.voters().contains(id));
        if !learners.is_empty() {
            self.raft.change_membership(ChangeMembers::RemoveNodes(learners), false).await?;
        }
        if !voters.is_empty() {
            self.raft.change_membership(ChangeMembers::RemoveVoters(voters), false).await?;
        }
        Ok(())
    }

    /// Whether one of `managers`, with a majority, says that this manager is none any more.
    pub(super) async fn is_dismissed(&self, managers: &[NodeId]) -> bool {
        for node in managers {
            let message = Message { to: None, ask: Ask::IsSeat(self.seat, self.generation()) };
            let answer = self.ask_within(ANSWERING, *node, message).await;
            if matches!(answer, Ok(Answer::IsSeat(false))) {
                return true;
            }
        }
        false
    }

    /// For another manager.
    pub(super) async fn is_seat(&self, seat: SeatId, generation: u64) -> Answer {
        match self.catch_up().await {
            Ok(()) if self.generation() < generation => {
                Answer::Failed("the asker's registry was begun anew since this one".into())
            }
            Ok(()) => {
                let membership = self.shelf.placed().membership;
                let seated = membership.nodes().any(|(id, _seat)| *id == seat);
                Answer::IsSeat(seated)
            }
            Err(error) => Answer::Failed(error.to_string()),
        }
    }

    /// Whether a manager on this node may speak: it has a seat, or is to get one.
    pub(super) fn is_seated(&self, node: NodeId) -> bool {
        self.seats().values().any(|seat| seat.node == Some(node))
    }

    fn generation(&self) -> u64 {
        generation(self.shelf.look(|ledger, _placed| ledger.revision))
    }

    fn seats(&self) -> BTreeMap<SeatId, Seat> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let membership = metrics.membership_config.membership();
        membership.nodes().map(|(id, seat)| (*id, *seat)).collect()
    }

    fn voters(&self) -> BTreeSet<SeatId> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        metrics.membership_config.membership().voter_ids().collect()
    }
}
