//! What stands behind a manager's word: a majority of the managers, or an etcd.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use weft_model::NodeId;
use weft_registry::Key;
use weft_store::{Etcd, EtcdAccess, EtcdFault, Raft, Store as _, StoreError};

/// How often an etcd is asked whether it is there, and how long it may take to say so.
const PULSE: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Who keeps the store that a manager speaks for.
#[derive(Clone, Debug, Default)]
pub(crate) enum Backing {
    /// Nobody else is needed.
    #[default]
    Alone,
    /// Several managers agree on it.
    Managers(Raft),
    /// An etcd has it.
    Etcd(EtcdBacking),
}

/// An etcd, and whether it answers.
#[derive(Clone, Debug)]
pub(crate) struct EtcdBacking {
    store: Etcd,
    /// How it is reached.
    pub(crate) access: Arc<EtcdAccess>,
    pulse: watch::Receiver<Result<(), StoreError>>,
}

impl EtcdBacking {
    /// Of a store that was opened a moment ago.
    pub(crate) fn new(store: Etcd, access: EtcdAccess) -> Self {
        let (sender, pulse) = watch::channel(Ok(()));
        tokio::spawn(feel(store.clone(), sender));
        Self { store, access: Arc::new(access), pulse }
    }
}

/// Runs until nobody wants to know.
async fn feel(store: Etcd, out: watch::Sender<Result<(), StoreError>>) {
    let key = Key::Cluster.to_string();
    while !out.is_closed() {
        let asked = timeout(PATIENCE, store.range(&key)).await;
        let late = || EtcdFault::Away("it takes too long".into()).into();
        let now = asked.map_or_else(|_late| Err(late()), |read| read.map(drop));
        out.send_if_modified(|known| {
            match (&*known, &now) {
                (Ok(()), Err(error)) => {
                    tracing::warn!(%error, hint = error.hint(), "etcd does not keep the registry now");
                }
                (Err(_), Ok(())) => tracing::info!("etcd keeps the registry again"),
                _ => {}
            }
            std::mem::replace(known, now.clone()) != now
        });
        sleep(PULSE).await;
    }
}

impl Backing {
    /// Whether it does at this moment.
    pub(crate) fn stands(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Managers(raft) => raft.standing().majority && raft.stopped().is_none(),
            Self::Etcd(etcd) => etcd.pulse.borrow().is_ok(),
        }
    }

    /// Why nothing can be kept there now, if that is so for another reason than managers that are away.
    pub(crate) fn stopped(&self) -> Option<StoreError> {
        match self {
            Self::Alone => None,
            Self::Managers(raft) => raft.stopped(),
            Self::Etcd(etcd) => etcd.pulse.borrow().clone().err(),
        }
    }

    /// Who puts changes in order, if a manager does.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.raft()?.standing().leader
    }

    /// Whether this node has a vote among the managers.
    pub(crate) fn seats(&self, node: NodeId) -> bool {
        self.raft().is_some_and(|raft| raft.standing().voters.contains(&node))
    }

    /// The managers' common store, if they have it themselves.
    pub(crate) const fn raft(&self) -> Option<&Raft> {
        match self {
            Self::Managers(raft) => Some(raft),
            Self::Alone | Self::Etcd(_) => None,
        }
    }

    /// How the etcd is reached, if one has the store.
    pub(crate) fn etcd(&self) -> Option<&EtcdAccess> {
        match self {
            Self::Etcd(etcd) => Some(&etcd.access),
            Self::Alone | Self::Managers(_) => None,
        }
    }

    /// Ends all watches, and closes the file if there is one.
    pub(crate) async fn close(&self) {
        match self {
            Self::Alone => {}
            Self::Managers(raft) => raft.close().await,
            Self::Etcd(etcd) => etcd.store.close(),
        }
    }
}
