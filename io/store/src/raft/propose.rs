//! Asking the leader, whoever it is, until it has answered or the patience is over.

use std::sync::Arc;
use std::time::Duration;

use openraft::error::{CheckIsLeaderError, ClientWriteError, RaftError};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use weft_model::NodeId;

use super::Open;
use super::links::LinkError;
use super::message::{Answer, Ask, Message, decode, encode};
use super::types::{Asked, SeatId, Wish};
use crate::StoreError;
use crate::draft::Reply;

/// How long a question may wait for a majority: an election takes a second or two.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long one manager may take to answer.
const HOP: Duration = Duration::from_millis(1_000);
/// Pause before a leader is looked for again.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of an attempt to put an entry into the log.
enum Submitted {
    Done,
    /// Nothing was put there.
    Not,
    /// It may be there or not.
    Unknown,
}

impl Open {
    /// Puts a wish into the log; the answer is that of this manager's own state.
    pub(super) async fn propose(&self, wish: Wish) -> Result<Reply, StoreError> {
        let asked = Asked { id: rand::random(), wish };
        let answer = self.shelf.await_answer(asked.id);
        let mut unknown = false;
        let until = Instant::now() + PATIENCE;
        let pushed = timeout_at(until, self.push(asked, &mut unknown));
        tokio::select! {
            Ok(answer) = answer => answer,
            pushed = pushed => match pushed {
                Ok(stopped) => Err(stopped),
                Err(_elapsed) if unknown => Err(StoreError::Unsettled),
                Err(_elapsed) => Err(StoreError::NoMajority),
            }
        }
    }

    /// Pushes until the log has it; returns only if that cannot be any more.
    async fn push(&self, asked: Asked, unknown: &mut bool) -> StoreError {
        loop {
            if let Some(stopped) = self.stopped() {
                return stopped;
            }
            // The patience may end while a leader thinks.
            let before = std::mem::replace(unknown, true);
            match self.submit(asked.clone()).await {
                Submitted::Not => *unknown = before,
                // It is done once, however often it is in the log.
                Submitted::Unknown => {}
                // The answer comes when this manager has applied the entry.
                Submitted::Done => std::future::pending::<()>().await,
            }
            sleep(PAUSE).await;
        }
    }

    async fn submit(&self, asked: Asked) -> Submitted {
        match self.leader() {
            None => Submitted::Not,
            Some((seat, _node)) if seat == self.seat => {
                let submitted = timeout(HOP, self.submit_here(asked)).await;
                submitted.unwrap_or(Submitted::Unknown)
            }
            Some(leader) => match self.ask(leader, Ask::Propose(asked)).await {
                Ok(Answer::Done) => Submitted::Done,
                Ok(Answer::NotLeader(_)) | Err(LinkError::NotConnected) => Submitted::Not,
                Ok(_other) => Submitted::Unknown,
                Err(LinkError::Lost) => Submitted::Unknown,
            },
        }
    }

    async fn submit_here(&self, asked: Asked) -> Submitted {
        if let Wish::KeepAlive(lease) = asked.wish {
            // Before it is in the log, so that its end is not asked for meanwhile.
            self.shelf.renew(Some(lease));
        }
        match self.raft.client_write(asked).await {
            Ok(_written) => Submitted::Done,
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => Submitted::Not,
            Err(_other) => Submitted::Unknown,
        }
    }

    /// For another manager.
    pub(super) async fn propose_for(&self, asked: Asked) -> Answer {
        match self.submit_here(asked).await {
            Submitted::Done => Answer::Done,
            Submitted::Not => self.not_leader(),
            Submitted::Unknown => Answer::Failed("it was not settled".into()),
        }
    }

    /// Waits until this manager knows everything that was acknowledged before it was asked.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let caught_up = timeout(PATIENCE, async {
            loop {
                if let Some(stopped) = self.stopped() {
                    return Err(stopped);
                }
                if let Some(index) = self.read_index().await {
                    return self.applied(index).await;
                }
                sleep(PAUSE).await;
            }
        });
        caught_up.await.unwrap_or(Err(StoreError::NoMajority))
    }

    async fn applied(&self, index: Option<u64>) -> Result<(), StoreError> {
        let mut applied = self.shelf.applied();
        let there = applied.wait_for(|applied| *applied >= index).await;
        there.map(|_applied| ()).map_err(|_closed| StoreError::NoMajority)
    }

    async fn read_index(&self) -> Option<Option<u64>> {
        let leader = self.leader()?;
        if leader.0 == self.seat {
            return timeout(HOP, self.read_index_here()).await.ok()?.ok();
        }
        match self.ask(leader, Ask::ReadIndex).await {
            Ok(Answer::ReadIndex(index)) => Some(index),
            _ => None,
        }
    }

    /// For another manager.
    pub(super) async fn read_index_for(&self) -> Answer {
        match self.read_index_here().await {
            Ok(index) => Answer::ReadIndex(index),
            Err(Some(CheckIsLeaderError::ForwardToLeader(_))) => self.not_leader(),
            Err(_other) => Answer::Failed("no majority answers".into()),
        }
    }

    /// Raft says what it knows to be committed, or the first entry of its term (Raft §6.4). A leader
    /// that was restarted within its term knows neither that more was.
    async fn read_index_here(&self) -> Result<Option<u64>, Option<NoReading>> {
        let read = self.raft.get_read_log_id().await.map_err(RaftError::into_api_error)?;
        let (read, _applied) = read;
        Ok(read.map(|log| log.index).max(self.opened_at))
    }

    /// Asks the seat that leads, for as long as it does.
    pub(super) async fn ask(
        &self,
        (seat, node): (SeatId, NodeId),
        ask: Ask,
    ) -> Result<Answer, LinkError> {
        tokio::select! {
            biased;
            answer = self.ask_within(HOP, node, Message { to: Some(seat), ask }) => answer,
            () = self.deposed(seat) => Err(LinkError::Lost),
        }
    }

    /// Waits until a seat does not lead any more: from one that is dead no answer comes.
    async fn deposed(&self, seat: SeatId) {
        let mut metrics = self.raft.metrics();
        // When Raft has ended nobody leads.
        drop(metrics.wait_for(|metrics| metrics.current_leader != Some(seat)).await);
    }

    pub(super) async fn ask_within(
        &self,
        patience: Duration,
        node: NodeId,
        message: Message,
    ) -> Result<Answer, LinkError> {
        let asked = Arc::clone(&self.links);
        let answer = timeout(patience, asked.ask(node, encode(&message))).await;
        let answer = answer.unwrap_or(Err(LinkError::Lost))?;
        decode(&answer).map_err(|_not_understood| LinkError::Lost)
    }

    pub(super) fn leader(&self) -> Option<(SeatId, NodeId)> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let seat = metrics.current_leader?;
        let membership = metrics.membership_config.membership();
        Some((seat, membership.get_node(&seat)?.node?))
    }

    pub(super) fn not_leader(&self) -> Answer {
        Answer::NotLeader(self.leader().map(|(_seat, node)| node))
    }

    /// Why this manager does nothing any more.
    pub(super) fn stopped(&self) -> Option<StoreError> {
        match self.shelf.failed() {
            Some(full @ StoreError::Full { .. }) => return Some(full),
            Some(error) => return Some(StoreError::Stopped { cause: error.to_string() }),
            None => {}
        }
        let metrics = self.raft.metrics();
        let state = metrics.borrow().running_state.clone();
        state.err().map(|fatal| StoreError::Stopped { cause: fatal.to_string() })
    }
}

type NoReading = CheckIsLeaderError<SeatId, super::types::Seat>;
