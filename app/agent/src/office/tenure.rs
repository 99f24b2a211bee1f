//! Whether this node holds a manager's office at this moment.

use std::sync::Arc;

use tokio::sync::watch;

use super::Office;

/// How it stands.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    /// This node is no manager.
    No,
    /// It is one, but its file is of no use: it does not vote.
    Lost {
        /// What is wrong with the file.
        reason: String,
    },
    /// It is one, but the etcd that keeps the registry is not open yet.
    Closed {
        /// What is wrong with it.
        reason: String,
        /// What to try.
        hint: String,
    },
    /// It is one.
    Yes(Office),
}

/// For everybody to look at; one task changes it.
#[derive(Clone, Debug)]
pub(crate) struct Tenure(Arc<watch::Sender<Held>>);

impl Tenure {
    /// Begins so.
    pub(crate) fn new(held: Held) -> Self {
        Self(Arc::new(watch::Sender::new(held)))
    }

    /// How it stands now.
    pub(crate) fn held(&self) -> Held {
        self.0.borrow().clone()
    }

    /// The office, if it is held.
    pub(crate) fn office(&self) -> Option<Office> {
        match &*self.0.borrow() {
            Held::Yes(office) => Some(office.clone()),
            Held::No | Held::Lost { .. } | Held::Closed { .. } => None,
        }
    }

    /// Changes it.
    pub(super) fn set(&self, held: Held) {
        self.0.send_replace(held);
    }

    /// Waits until the office is held no longer.
    pub(crate) async fn ended(&self) {
        // This handle keeps the sender, so that the wait ends by the condition alone.
        drop(
            self.0
                .subscribe()
                .wait_for(|held| !matches!(held, Held::Yes(_) | Held::Closed { .. }))
                .await,
        );
    }

    /// Leaves the office as the agent ends: the file is closed when this returns.
    pub(crate) async fn close(&self) {
        if let Held::Yes(office) = self.0.send_replace(Held::No) {
            office.backing().close().await;
        }
    }
}
