//! Feeds the tail with what etcd tells, whatever happens to the members.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Event, EventType, WatchOptions, WatchResponse, WatchStream};
use tokio::time::{sleep, timeout};
use weft_registry::Change;

use super::Open;
use super::fault::EtcdFault;
use super::founding;
use crate::StoreError;

/// Pause before another member is asked.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a member may take to begin.
const BEGIN: Duration = Duration::from_millis(1_500);

/// Why etcd tells no more.
enum Ended {
    /// Another member may go on.
    Lost(usize),
    /// What comes next is forgotten up to here.
    Compacted(i64),
}

/// Runs until it is aborted, or etcd is not the same any more.
pub(super) async fn follow(open: Arc<Open>) {
    loop {
        match session(&open).await {
            Ended::Compacted(revision) => open.tail.skip_to(open.scale.ours(revision)),
            Ended::Lost(member) => {
                open.members.avoid(member);
                sleep(PAUSE).await;
            }
        }
        if is_replaced(&open).await {
            tracing::error!("{}", EtcdFault::Replaced);
            open.tail.end(EtcdFault::Replaced.into());
            return;
        }
    }
}

/// Whether etcd has forgotten what it told before. Only it can say, so silence is no yes.
async fn is_replaced(open: &Open) -> bool {
    match founding::read(&open.members, &open.prefix).await {
        Ok((scale, now)) => scale != open.scale || open.scale.ours(now) < open.tail.revision(),
        Err(StoreError::Etcd(EtcdFault::Missing(_))) => true,
        Err(_) => false,
    }
}

async fn session(open: &Open) -> Ended {
    let Some((member, mut client)) = open.members.first() else { return Ended::Lost(0) };
    let from = open.scale.etcds(open.tail.revision() + 1);
    let options = WatchOptions::new().with_range(open.keys.end("")).with_start_revision(from);
    let begun = timeout(BEGIN, client.watch(open.keys.entry(""), Some(options))).await;
    let Ok(Ok(mut stream)) = begun else { return Ended::Lost(member) };
    loop {
        let Some(told) = next(open, &mut stream).await else { return Ended::Lost(member) };
        if told.compact_revision() > 0 {
            return Ended::Compacted(told.compact_revision());
        }
        if told.canceled() {
            return Ended::Lost(member);
        }
        open.tail.append(told.events().iter().filter_map(|event| change(open, event)).collect());
    }
}

/// The next thing told; nothing if the stream has ended, or is known to be late.
async fn next(open: &Open, stream: &mut WatchStream) -> Option<WatchResponse> {
    tokio::select! {
        told = stream.message() => told.ok().flatten(),
        () = open.tail.is_late() => None,
    }
}

fn change(open: &Open, event: &Event) -> Option<Change> {
    let entry = event.kv()?;
    let value = match event.event_type() {
        EventType::Put => Some(entry.value().to_vec()),
        EventType::Delete => None,
    };
    let revision = open.scale.ours(entry.mod_revision());
    Some(Change { revision, key: open.keys.name(entry.key())?, value })
}
