//! A kernel that is only a value: what it is told is so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use weft_plan::{Observed, Plan, simulate};

use crate::{Applied, Disturbance, Kernel, ObserveError};

/// How many disturbances a slow listener may be behind.
const BACKLOG: usize = 64;

/// A kernel for tests of what stands above it. Clones are the same kernel.
#[derive(Clone, Debug)]
pub struct Fake {
    state: Arc<Mutex<Observed>>,
    disturbances: broadcast::Sender<Disturbance>,
}

impl Fake {
    /// A kernel without anything of Weft's.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::default(), disturbances: broadcast::Sender::new(BACKLOG) }
    }

    /// What it holds.
    #[must_use]
    pub fn state(&self) -> Observed {
        self.lock().clone()
    }

    /// Changes something behind Weft's back, and tells its listeners.
    pub fn disturb(&self, disturbance: Disturbance, change: impl FnOnce(&mut Observed)) {
        change(&mut self.lock());
        self.tell(disturbance);
    }

    fn apply_now(&self, plan: &Plan) {
        let mut state = self.lock();
        *state = plan.changes.iter().fold(state.clone(), |state, change| simulate(&state, change));
        drop(state);
        for change in &plan.changes {
            self.tell(change.vni().map_or(Disturbance::Host, Disturbance::Segment));
        }
    }

    fn tell(&self, disturbance: Disturbance) {
        // Without a listener nobody misses it.
        drop(self.disturbances.send(disturbance));
    }

    fn lock(&self) -> MutexGuard<'_, Observed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel for Fake {
    fn observe(&self) -> BoxFuture<'_, Result<Observed, ObserveError>> {
        Box::pin(async { Ok(self.state()) })
    }

    fn apply<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Applied> {
        Box::pin(async {
            self.apply_now(plan);
            Applied::default()
        })
    }

    fn watch(&self) -> BoxStream<'static, Disturbance> {
        BroadcastStream::new(self.disturbances.subscribe())
            .map(|told| told.unwrap_or(Disturbance::Lost))
            .boxed()
    }
}
