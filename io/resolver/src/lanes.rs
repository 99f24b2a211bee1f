//! The threads that questions are answered on.
//!
//! They are the resolver's own, each with a runtime of one thread: a question is answered by the
//! thread that the kernel wakes for it, without waking another, and nothing else that the agent
//! does stands in its way. Containers are dealt out to the lanes in turn.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// More lanes than this carry more questions than a host's containers ask.
const MOST: usize = 4;

/// The lanes of a host; they end with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    first: Handle,
    others: Arc<[Handle]>,
    turn: Arc<AtomicUsize>,
    _open: Arc<DropGuard>,
}

impl Lanes {
    /// As many as there are processors, up to [`MOST`]; each thread begins with `prepare`.
    pub(crate) fn open(prepare: fn()) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        let stop = CancellationToken::new();
        let guard = Arc::new(stop.clone().drop_guard());
        let first = lane(prepare, stop.clone())?;
        let others: io::Result<Arc<[Handle]>> =
            (1..count).map(|_| lane(prepare, stop.clone())).collect();
        Ok(Self { first, others: others?, turn: Arc::default(), _open: guard })
    }

    /// The lane whose turn it is.
    pub(crate) fn next(&self) -> &Handle {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
        turn.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.first)
    }
}

fn lane(prepare: fn(), stop: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("resolver".to_owned()).spawn(move || {
        prepare();
        runtime.block_on(stop.cancelled());
    })?;
    Ok(handle)
}
