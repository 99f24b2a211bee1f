//! One watch: a place in the history, which moves on at the reader's pace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;
use weft_registry::{Change, Revision};

use crate::StoreError;
use crate::engine::locked;
use crate::ledger::Ledger;

/// Holds no changes but those of one look at the history: a slow reader costs nothing.
#[derive(Debug)]
pub(crate) struct Watcher {
    ledger: Arc<Mutex<Ledger>>,
    revision: watch::Receiver<Revision>,
    prefix: String,
    seen: Revision,
    ready: VecDeque<Change>,
    ended: bool,
}

impl Watcher {
    pub(crate) fn start(
        ledger: Arc<Mutex<Ledger>>,
        revision: watch::Receiver<Revision>,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        let prefix = prefix.to_owned();
        let ready = VecDeque::new();
        let mut watcher = Self { ledger, revision, prefix, seen: after, ready, ended: false };
        watcher.look()?;
        let next = |mut watcher: Self| async { watcher.next().await.map(|item| (item, watcher)) };
        Ok(stream::unfold(watcher, next).boxed())
    }

    async fn next(&mut self) -> Option<Result<Change, StoreError>> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some(Ok(change));
            }
            if self.ended {
                return None;
            }
            // The last changes are looked at once more after the store has gone.
            self.ended = self.revision.changed().await.is_err();
            if let Err(error) = self.look() {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }

    fn look(&mut self) -> Result<(), StoreError> {
        self.revision.mark_unchanged();
        let ledger = locked(&self.ledger);
        self.ready = ledger.since(self.seen, &self.prefix)?.into();
        self.seen = self.seen.max(ledger.revision);
        Ok(())
    }
}
