//! The ring of samples as a stream.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use aya::maps::{Map, MapData, RingBuf};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use nix::time::{ClockId, clock_gettime};
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use super::keeper::{Keeper, Names};
use super::layout::{SampleBytes, vni_of};
use super::{DropSample, reasons};

type Ring = RingBuf<MapData>;

/// A listener's state.
struct Listener {
    path: watch::Receiver<Option<std::path::PathBuf>>,
    names: Names,
    ring: Option<AsyncFd<Ring>>,
    heard: VecDeque<DropSample>,
}

impl Keeper {
    /// Drops as they happen; before there is a guard, none.
    pub(crate) fn samples(&self) -> BoxStream<'static, DropSample> {
        let listener = Listener {
            path: self.ring.subscribe(),
            names: Names::clone(&self.names),
            ring: None,
            heard: VecDeque::new(),
        };
        stream::unfold(listener, |mut listener| async {
            let sample = listener.next().await?;
            Some((sample, listener))
        })
        .boxed()
    }
}

impl Listener {
    async fn next(&mut self) -> Option<DropSample> {
        loop {
            if let Some(sample) = self.heard.pop_front() {
                return Some(sample);
            }
            if let Err(error) = self.listen().await {
                tracing::warn!(%error, "the guard's samples cannot be read");
                return None;
            }
        }
    }

    async fn listen(&mut self) -> io::Result<()> {
        if self.ring.is_none() || self.path.has_changed().map_err(io::Error::other)? {
            let there =
                self.path.wait_for(Option::is_some).await.map_err(io::Error::other)?.clone();
            self.path.mark_unchanged();
            self.ring = there.map(|path| open(&path)).transpose()?;
        }
        let Some(ring) = &mut self.ring else { return Ok(()) };
        tokio::select! {
            changed = self.path.changed() => {
                self.ring = None;
                changed.map_err(io::Error::other)
            }
            ready = ring.readable_mut() => {
                let mut ready = ready?;
                while let Some(bytes) = ready.get_inner_mut().next() {
                    self.heard.extend(sample(&SampleBytes(&bytes), &self.names));
                }
                ready.clear_ready();
                Ok(())
            }
        }
    }
}

fn open(path: &Path) -> io::Result<AsyncFd<Ring>> {
    let map = MapData::from_pin(path).and_then(Map::from_map_data).map_err(io::Error::other)?;
    let ring = Ring::try_from(map).map_err(io::Error::other)?;
    // SAFETY: the ring owns its descriptor and gives the same one until it is dropped.
    #[expect(unsafe_code, reason = "nobody but the ring closes its descriptor")]
    let ring = unsafe { AsyncFd::register(ring) };
    Ok(ring?)
}

fn sample(bytes: &SampleBytes<'_>, names: &Names) -> Option<DropSample> {
    let [reason, interface, vni, length] =
        [bytes.number(0)?, bytes.number(1)?, bytes.number(2)?, bytes.number(3)?];
    let names = names.lock().unwrap_or_else(PoisonError::into_inner);
    Some(DropSample {
        at: wall_clock(bytes.at()?),
        reason: reasons::of(reason)?,
        interface: names.get(&interface).cloned().unwrap_or_else(|| format!("#{interface}")),
        vni: vni_of(vni),
        outer_source: bytes.address(0),
        source_mac: bytes.mac(1)?,
        destination_mac: bytes.mac(0)?,
        source: bytes.address(1),
        destination: bytes.address(2),
        length,
    })
}

/// The programs' clock counts from the start of the machine.
fn wall_clock(nanoseconds: u64) -> SystemTime {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    let ago = now.saturating_sub(Duration::from_nanos(nanoseconds));
    SystemTime::now().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH)
}
