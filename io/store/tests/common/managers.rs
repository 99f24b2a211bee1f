//! Managers in one process, which reach each other by calls.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::{sleep, timeout};
use weft_model::NodeId;
use weft_store::{Asker, LinkError, Links, Raft, StoreError};

/// Longer than any election takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Net {
    managers: Mutex<BTreeMap<NodeId, Raft>>,
    cut_off: Mutex<BTreeSet<NodeId>>,
    trusts_nobody: AtomicBool,
    /// So many answers to questions of this node are lost.
    lost: Mutex<BTreeMap<NodeId, u32>>,
}

impl Net {
    fn way(&self, from: NodeId, to: NodeId) -> Option<Raft> {
        let cut_off = self.cut_off.lock().unwrap();
        let cut = cut_off.contains(&from) || cut_off.contains(&to);
        let there = self.managers.lock().unwrap().get(&to).cloned();
        there.filter(|_there| !cut)
    }
}

#[derive(Debug)]
struct Calls {
    me: NodeId,
    net: Arc<Net>,
}

impl Links for Calls {
    fn ask(&self, to: NodeId, message: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, LinkError>> {
        async move {
            let there = self.net.way(self.me, to).ok_or(LinkError::NotConnected)?;
            let from =
                Asker { node: self.me, manages: !self.net.trusts_nobody.load(Ordering::Relaxed) };
            let answer = there.serve(from, &message).await;
            drop(there);
            if let Some(left) = self.net.lost.lock().unwrap().get_mut(&self.me)
                && *left > 0
            {
                *left -= 1;
                return Err(LinkError::Lost);
            }
            self.net.way(self.me, to).map(|_back| answer).ok_or(LinkError::Lost)
        }
        .boxed()
    }
}

/// Some managers, each with a file of its own.
#[derive(Debug)]
pub(crate) struct Managers {
    net: Arc<Net>,
    dir: PathBuf,
}

impl Managers {
    /// Starts `count` managers in a directory; the first one founds, the others join.
    pub(crate) async fn start(dir: &Path, count: u128) -> Self {
        let managers = Self::in_dir(dir);
        managers.open(1).await.unwrap();
        for id in 2..=count {
            managers.join(id, &[1]).await;
        }
        managers
    }

    /// Managers that have no file yet.
    pub(crate) fn in_dir(dir: &Path) -> Self {
        Self { net: Arc::default(), dir: dir.to_owned() }
    }

    pub(crate) fn path(&self, id: u128) -> PathBuf {
        self.dir.join(format!("{id}.redb"))
    }

    /// Opens a manager's file, and connects it.
    pub(crate) async fn open(&self, id: u128) -> Result<Raft, StoreError> {
        let calls = Calls { me: node(id), net: Arc::clone(&self.net) };
        let raft = Raft::open(&self.path(id), node(id), Arc::new(calls)).await?;
        self.net.managers.lock().unwrap().insert(node(id), raft.clone());
        Ok(raft)
    }

    /// A new manager joins by way of others.
    pub(crate) async fn join(&self, id: u128, by: &[u128]) {
        Raft::enlist(&self.path(id)).unwrap();
        let raft = self.open(id).await.unwrap();
        let by: Vec<NodeId> = by.iter().map(|id| node(*id)).collect();
        until("the new manager votes", async || raft.take_seat(&by).await.is_ok()).await;
        until("it knows so", async || raft.standing().votes && raft.standing().majority).await;
    }

    pub(crate) fn get(&self, id: u128) -> Raft {
        self.net.managers.lock().unwrap()[&node(id)].clone()
    }

    /// Nobody reaches it any more, nor it anybody.
    pub(crate) fn cut_off(&self, id: u128) {
        self.net.cut_off.lock().unwrap().insert(node(id));
    }

    /// From now on nobody is said to be a manager.
    pub(crate) fn trust_nobody(&self) {
        self.net.trusts_nobody.store(true, Ordering::Relaxed);
    }

    /// The next answers to what it asks others are lost; what it asked for is done.
    pub(crate) fn lose_answers(&self, id: u128, count: u32) {
        self.net.lost.lock().unwrap().insert(node(id), count);
    }

    pub(crate) fn heal(&self) {
        self.net.cut_off.lock().unwrap().clear();
    }

    /// Ends a manager without a word.
    pub(crate) fn kill(&self, id: u128) {
        drop(self.net.managers.lock().unwrap().remove(&node(id)));
    }

    /// Ends a manager and waits until its file is closed.
    pub(crate) async fn end(&self, id: u128) {
        let raft = self.net.managers.lock().unwrap().remove(&node(id)).unwrap();
        raft.close().await;
    }

    /// The manager that leads.
    pub(crate) async fn leader(&self) -> u128 {
        let mut leader = None;
        until("there is a leader", async || {
            let all = self.net.managers.lock().unwrap().clone();
            let cut_off = self.net.cut_off.lock().unwrap().clone();
            let mut led = all.iter().filter(|(id, _)| !cut_off.contains(id));
            leader = led.find_map(|(id, raft)| {
                let standing = raft.standing();
                (standing.leader == Some(*id) && standing.majority).then_some(*id)
            });
            leader.is_some()
        })
        .await;
        u128::from_be_bytes(leader.unwrap().to_bytes())
    }
}

impl Drop for Managers {
    /// The managers hold each other by their links.
    fn drop(&mut self) {
        self.net.managers.lock().unwrap().clear();
    }
}

pub(crate) fn node(id: u128) -> NodeId {
    NodeId::from_random(id)
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "not in time: {what}");
}
