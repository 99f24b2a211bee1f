//! Ends leases when their time has come.

use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::engine::Engine;

/// Runs until the store is dropped.
pub(crate) fn start(engine: &Arc<Engine>, deadline: watch::Receiver<Option<Instant>>) {
    drop(tokio::spawn(tick(Arc::downgrade(engine), deadline)));
}

async fn tick(engine: Weak<Engine>, mut deadline: watch::Receiver<Option<Instant>>) {
    loop {
        let next = *deadline.borrow_and_update();
        let changed = match next {
            Some(at) => timeout_at(at, deadline.changed()).await,
            None => Ok(deadline.changed().await),
        };
        match changed {
            Ok(Ok(())) => {}
            Ok(Err(_dropped)) => return,
            Err(_elapsed) => {
                let Some(engine) = engine.upgrade() else { return };
                if engine.expire().await.is_err() {
                    return;
                }
            }
        }
    }
}
