//! Watches, each on a thread of its own, from where the clients are.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use weft_kernel::Netns;
use weft_linear::{Change, Watch};

use crate::client::{Common, PREFIX, connect, number};
use crate::protocol::{Answer, Ask, read, write};

/// A watch that tells nothing for so long is begun anew.
const SILENCE: Duration = Duration::from_millis(1_500);
const PAUSE: Duration = Duration::from_millis(50);

/// The changes from the beginning on, from whichever manager tells them.
#[derive(Debug)]
pub(crate) struct Reference {
    changes: Arc<Mutex<Vec<Change>>>,
    /// The last revision that was told, also of what clients did not write.
    last: Arc<AtomicU64>,
    thread: JoinHandle<io::Result<()>>,
}

impl Reference {
    pub(crate) fn start(netns: Netns, common: Arc<Common>, after: u64) -> Self {
        let (changes, last) =
            (Arc::<Mutex<Vec<Change>>>::default(), Arc::new(AtomicU64::new(after)));
        let (to, seen) = (Arc::clone(&changes), Arc::clone(&last));
        let thread = std::thread::spawn(move || {
            netns.run(|| {
                for manager in common.managers.iter().cycle() {
                    if common.is_closed() {
                        return;
                    }
                    let after = seen.load(Ordering::Relaxed);
                    // Another manager goes on where this one has ended.
                    drop(follow(*manager, after, &common, &seen, |change| {
                        to.lock().unwrap_or_else(PoisonError::into_inner).push(change);
                    }));
                    std::thread::sleep(PAUSE);
                }
            })
        });
        Self { changes, last, thread }
    }

    /// The last revision that was told.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// All that was told; [`Common::close`] comes first.
    pub(crate) fn end(self) -> anyhow::Result<Vec<Change>> {
        self.thread.join().map_err(|_panic| anyhow::anyhow!("the reference watch panicked"))??;
        Ok(std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Watches one manager, again and again; each connection is a watch of its own.
pub(crate) fn start(
    netns: Netns,
    common: Arc<Common>,
    manager: SocketAddr,
    after: u64,
) -> JoinHandle<io::Result<Vec<Watch>>> {
    std::thread::spawn(move || {
        netns.run(|| {
            let (mut watches, seen) = (Vec::new(), AtomicU64::new(after));
            while !common.is_closed() {
                let after = seen.load(Ordering::Relaxed);
                let mut watch = Watch { after, changes: Vec::new() };
                drop(follow(manager, after, &common, &seen, |change| watch.changes.push(change)));
                watches.push(watch);
                std::thread::sleep(PAUSE);
            }
            watches
        })
    })
}

fn follow(
    manager: SocketAddr,
    after: u64,
    common: &Common,
    seen: &AtomicU64,
    mut tell: impl FnMut(Change),
) -> io::Result<()> {
    let mut stream = connect(manager)?;
    stream.set_read_timeout(Some(SILENCE))?;
    write(&mut stream, &Ask::Watch(after))?;
    while !common.is_closed() {
        let Answer::Change(change) = read(&mut stream)? else {
            return Err(io::Error::other("the watch is refused"));
        };
        let revision = change.revision;
        if let Some(value) = change.value.as_deref().and_then(number)
            && change.key.starts_with(PREFIX)
        {
            tell(Change { revision, key: change.key, value });
        }
        seen.store(revision, Ordering::Relaxed);
    }
    Ok(())
}
