//! The registry's single writer on a manager: decide, commit, tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use weft_model::{NetworkId, NodeId};
use weft_registry::{Command, Committed, Decision, Outcome, Revision, Situation, decide};
use weft_store::{Store, StoreError};

use super::Backing;
use super::current::{Current, Freed, Unknown};
use crate::problem::chain;

/// Commits that lose a race are decided anew this often.
const ATTEMPTS: usize = 8;
/// Commands that wait for their turn.
const QUEUE: usize = 256;

/// Why a command was not carried out.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What failed and why.
    pub error: String,
    /// What to try.
    pub hint: String,
    /// What that means for the registry.
    pub verdict: Verdict,
}

/// What became of the registry when a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The command contradicts what is; nothing changed.
    No,
    /// It could not be decided; nothing changed.
    NotNow,
    /// The store failed on the way: others may have the change, or not.
    Perhaps,
}

/// Who has endpoints on which network, as this manager knows it.
pub(crate) type InUse = BTreeMap<NetworkId, BTreeSet<NodeId>>;

/// A way to the manager's task.
#[derive(Clone, Debug)]
pub(crate) struct Manager {
    inbox: mpsc::Sender<Asked>,
    store: Arc<dyn Store>,
    backing: Backing,
}

#[derive(Debug)]
struct Asked {
    by: NodeId,
    command: Command,
    reply: oneshot::Sender<Result<(Outcome, Revision), Refusal>>,
}

/// The task's state.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: Arc<dyn Store>,
    backing: Backing,
    current: Current,
    /// When blocks were seen to be nobody's any more.
    freed: BTreeMap<(NetworkId, IpNet), Instant>,
    in_use: watch::Receiver<Arc<InUse>>,
    inbox: mpsc::Receiver<Asked>,
}

impl Manager {
    /// Makes the task ready to run. It reads the registry with the first command, since that may take a
    /// majority which is not there yet.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        backing: Backing,
        in_use: watch::Receiver<Arc<InUse>>,
    ) -> (Self, Keeper) {
        let (current, freed) = (Current::default(), BTreeMap::new());
        let (sender, inbox) = mpsc::channel(QUEUE);
        let manager = Self { inbox: sender, store: Arc::clone(&store), backing: backing.clone() };
        (manager, Keeper { store, backing, current, freed, in_use, inbox })
    }

    /// What stands behind this manager's word.
    #[must_use]
    pub(crate) fn backing(&self) -> Backing {
        self.backing.clone()
    }

    /// The registry's store.
    #[must_use]
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// Carries out `command` in the name of node `by`; durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Refusal`], in words for a person.
    pub(crate) async fn command(
        &self,
        by: NodeId,
        command: Command,
    ) -> Result<(Outcome, Revision), Refusal> {
        let (reply, answer) = oneshot::channel();
        let sent = self.inbox.send(Asked { by, command, reply }).await;
        match (sent, answer.await) {
            (Ok(()), Ok(answer)) => answer,
            _ => Err(Refusal {
                error: "the manager is shutting down".to_owned(),
                hint: "try again in a moment".to_owned(),
                verdict: Verdict::Perhaps,
            }),
        }
    }
}

impl Keeper {
    /// Serves commands until every [`Manager`] is gone.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                asked = self.inbox.recv() => match asked {
                    Some(asked) => self.answer(asked).await,
                    None => return,
                },
                freed = self.current.next() => self.note_freed(freed),
            }
        }
    }

    async fn answer(&mut self, Asked { by, command, reply }: Asked) {
        let answer = self.carry_out(by, &command).await;
        if let Err(refusal) = &answer {
            tracing::debug!(node = %by, error = %refusal.error, "command refused");
        }
        // The asker may have given up; the commit stands all the same.
        drop(reply.send(answer));
    }

    async fn carry_out(
        &mut self,
        by: NodeId,
        command: &Command,
    ) -> Result<(Outcome, Revision), Refusal> {
        for _attempt in 0..ATTEMPTS {
            self.catch_up().await?;
            let Decision { txn, outcome } = self.decide(by, command)?;
            self.must_not_vote(command)?;
            if txn.ops.is_empty() {
                return Ok((outcome, self.current.view().revision()));
            }
            match self.store.commit(txn).await.map_err(|error| uncommitted(&error))? {
                Committed::Applied(revision) => return Ok((outcome, revision)),
                Committed::Conflict => {}
            }
        }
        Err(Refusal {
            error: format!("the registry changed {ATTEMPTS} times while this was decided"),
            hint: "try again in a moment".to_owned(),
            verdict: Verdict::NotNow,
        })
    }

    fn decide(&self, by: NodeId, command: &Command) -> Result<Decision, Refusal> {
        let in_use = Arc::clone(&self.in_use.borrow());
        let resting = self.resting();
        let situation =
            Situation { view: self.current.view(), by, in_use: &in_use, resting: &resting };
        decide(&situation, command, &mut rand::random).map_err(|refused| Refusal {
            error: chain(&refused).join(": "),
            hint: refused.hint(),
            verdict: Verdict::No,
        })
    }

    /// A node that votes must give its seat back before it may go: without it the rest may be no
    /// majority.
    fn must_not_vote(&self, command: &Command) -> Result<(), Refusal> {
        let Command::RemoveNode { id, .. } = command else { return Ok(()) };
        if !self.backing.seats(*id) {
            return Ok(());
        }
        let name =
            self.current.view().node(*id).map_or_else(|| id.short(), |node| node.name.to_string());
        Err(Refusal {
            error: format!("node {name} has a seat among the managers"),
            hint: format!("weft node demote {name} takes it; then try again"),
            verdict: Verdict::No,
        })
    }

    async fn catch_up(&mut self) -> Result<(), Refusal> {
        let freed = self.current.catch_up(&*self.store).await.map_err(|error| broken(&error))?;
        self.note_freed(freed);
        Ok(())
    }

    /// A node that leaves does not wait until its addresses have rested, so its blocks do.
    fn note_freed(&mut self, freed: impl IntoIterator<Item = Freed>) {
        let (now, rest) = (Instant::now(), self.rest());
        self.freed.retain(|_, since| now.duration_since(*since) < rest);
        self.freed.extend(freed.into_iter().map(|block| (block, now)));
    }

    fn resting(&self) -> BTreeSet<(NetworkId, IpNet)> {
        let rest = self.rest();
        let young = self.freed.iter().filter(|(_, since)| since.elapsed() < rest);
        young.map(|(block, _)| *block).collect()
    }

    fn rest(&self) -> Duration {
        self.current.view().cluster().map(|cluster| cluster.address_rest).unwrap_or_default()
    }
}

/// The registry could not be read.
fn broken(unknown: &Unknown) -> Refusal {
    let hint = match unknown {
        Unknown::Store(error) => error.hint(),
        Unknown::View(_) => "run the same version of Weft on every manager".to_owned(),
    };
    Refusal { error: chain(unknown).join(": "), hint, verdict: Verdict::NotNow }
}

/// It could not be written: of all that can happen then, only a lack of managers says that nothing was.
/// A manager whose disk fails may have told the others before.
fn uncommitted(error: &StoreError) -> Refusal {
    let verdict = match error {
        StoreError::NoMajority => Verdict::NotNow,
        _ => Verdict::Perhaps,
    };
    Refusal { error: chain(error).join(": "), hint: error.hint(), verdict }
}
