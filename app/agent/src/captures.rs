//! Captures that run on this host, for whoever asked, on whichever host.
//!
//! Who asks takes frames again and again; a capture that nobody takes from ends by itself. All of it
//! is bounded: so many at once, so many frames that wait, so many bytes of each.

mod frame;
mod listen;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval};
use weft_api::{FrameView, ProblemKind};
use weft_model::EndpointId;

use crate::problem::{Answer, problem, stopping};
use crate::state::StateHandle;

/// So many captures run on a host at once.
const MOST: usize = 4;
/// So many frames of a capture wait to be taken.
const WAITING: usize = 2048;
/// So many are taken at once.
const BATCH: usize = 256;
/// No more of a frame is kept, in bytes.
pub(crate) const HEAD: u32 = 2048;
/// A capture that nobody takes from for so long has ended.
const FORGOTTEN: Duration = Duration::from_secs(3);
const QUEUE: usize = 16;

/// What is asked.
#[derive(Debug)]
enum Ask {
    Begin { endpoint: EndpointId, bytes: u32, reply: oneshot::Sender<Answer<u64>> },
    Take { id: u64, reply: oneshot::Sender<Batch> },
}

/// Frames that were taken.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// In the order in which they were read.
    pub(crate) frames: Vec<FrameView>,
    /// Whether there will be no more.
    pub(crate) ended: bool,
}

/// A way to the task; clones lead to the same one.
#[derive(Clone, Debug)]
pub(crate) struct CapturesHandle(mpsc::Sender<Ask>);

impl CapturesHandle {
    /// Begins to capture the frames of an endpoint of this host.
    pub(crate) async fn begin(&self, endpoint: EndpointId, bytes: u32) -> Answer<u64> {
        self.ask(|reply| Ask::Begin { endpoint, bytes, reply }).await?
    }

    /// What has come since.
    pub(crate) async fn take(&self, id: u64) -> Answer<Batch> {
        self.ask(|reply| Ask::Take { id, reply }).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(ask(reply)).await.map_err(|_closed| stopping())?;
        answer.await.map_err(|_closed| stopping())
    }
}

/// What a capture and its listeners share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    lost: AtomicU64,
}

/// A capture that runs.
#[derive(Debug)]
struct Running {
    endpoint: EndpointId,
    frames: mpsc::Receiver<FrameView>,
    shared: Arc<Shared>,
    taken: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// The task's state.
#[derive(Debug)]
pub(crate) struct CapturesKeeper {
    state: StateHandle,
    asked: mpsc::Receiver<Ask>,
    running: BTreeMap<u64, Running>,
    last: u64,
}

impl CapturesKeeper {
    /// No capture yet, of the endpoints that `state` knows.
    pub(crate) fn new(state: StateHandle) -> (CapturesHandle, Self) {
        let (asks, asked) = mpsc::channel(QUEUE);
        (CapturesHandle(asks), Self { state, asked, running: BTreeMap::new(), last: 0 })
    }

    /// Runs until nobody can ask any more.
    ///
    /// Cancel-safe: every branch is a channel or a timer.
    pub(crate) async fn run(mut self) {
        let mut ticks = interval(FORGOTTEN);
        loop {
            tokio::select! {
                ask = self.asked.recv() => match ask {
                    Some(Ask::Begin { endpoint, bytes, reply }) => {
                        // Whoever gave up takes nothing, so it ends.
                        drop(reply.send(self.begin(endpoint, bytes).await));
                    }
                    Some(Ask::Take { id, reply }) => drop(reply.send(self.take(id))),
                    None => return,
                },
                _ = ticks.tick() => {
                    self.running.retain(|_, running| running.taken.elapsed() < FORGOTTEN);
                }
            }
        }
    }

    async fn begin(&mut self, endpoint: EndpointId, bytes: u32) -> Answer<u64> {
        if self.running.len() >= MOST {
            let what = format!("{MOST} captures run on this host already");
            return Err(problem(ProblemKind::Unavailable, what, "end one of them first"));
        }
        let (sender, frames) = mpsc::channel(WAITING);
        let shared = Arc::<Shared>::default();
        let listeners = listen::open(&self.state, endpoint, bytes.min(HEAD) as usize).await?;
        for listener in listeners {
            listener.start(sender.clone(), Arc::clone(&shared));
        }
        self.last += 1;
        let running = Running { endpoint, frames, shared, taken: Instant::now() };
        self.running.insert(self.last, running);
        Ok(self.last)
    }

    fn take(&mut self, id: u64) -> Batch {
        let Some(running) = self.running.get_mut(&id) else {
            return Batch { ended: true, ..Batch::default() };
        };
        running.taken = Instant::now();
        let mut frames = Vec::new();
        while frames.len() < BATCH {
            let Ok(frame) = running.frames.try_recv() else { break };
            frames.push(frame);
        }
        if let Some(first) = frames.first_mut() {
            first.lost = running.shared.lost.swap(0, Ordering::Relaxed);
        }
        let attached = self.state.picture().attachments.contains_key(&running.endpoint);
        let ended = !attached && frames.is_empty();
        if ended {
            self.running.remove(&id);
        }
        Batch { frames, ended }
    }
}
