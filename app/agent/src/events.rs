//! What has happened to this host: every change of what it believes, of its kernel and of its agent.
//!
//! Whoever changes something tells it and goes on; one task writes it down. Pictures are not told
//! apart by those who make them: the task finds what differs, so that the history cannot say
//! anything else than what was believed.

mod belief;
mod book;
mod keeper;
mod view;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc, oneshot};
use weft_api::{ApiProblem, EventView};
use weft_events::{Change, Event, Moment, Recalled, Row, Unknown};

use crate::asker::Asker;
use crate::problem::{Answer, stopping};
use crate::state::Picture;

pub(crate) use keeper::EventsKeeper;
pub(crate) use view::{believed, moment, seen};

/// News that wait for the task; of pictures beyond that only the last counts.
const NEWS: usize = 256;
/// Questions that wait.
const QUEUE: usize = 64;

/// What is told to the task.
#[derive(Debug)]
enum News {
    /// Something that is no part of a picture.
    Change(Change),
    /// What the node knows now.
    Picture(Arc<Picture>),
    /// The host is no member any more.
    Left,
}

/// What is asked.
#[derive(Debug)]
enum Ask {
    Find(Wanted, oneshot::Sender<Found>),
    At(Moment, oneshot::Sender<Result<Recalled, Unknown>>),
    Since(Box<Row>, oneshot::Sender<Option<Moment>>),
    Follow(oneshot::Sender<broadcast::Receiver<Arc<EventView>>>),
}

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// Not those before.
    pub(crate) since: Option<Moment>,
    /// Not those after.
    pub(crate) until: Option<Moment>,
    /// Not this one and those before.
    pub(crate) after: Option<u64>,
    /// Only this kind.
    pub(crate) kind: Option<String>,
    /// The newest so many.
    pub(crate) most: usize,
}

impl Wanted {
    fn wants(&self, event: &Event) -> bool {
        self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at <= until)
            && self.after.is_none_or(|after| event.seq > after)
            && self.kind.as_ref().is_none_or(|kind| event.change.is(kind))
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// From when on events are kept.
    pub(crate) since: Moment,
    /// Oldest first.
    pub(crate) events: Vec<EventView>,
}

/// A way to the task; clones lead to the same one.
#[derive(Clone, Debug)]
pub(crate) struct EventsHandle {
    news: mpsc::Sender<(SystemTime, News)>,
    asks: mpsc::Sender<Ask>,
    lost: Counter,
}

impl EventsHandle {
    /// Something has changed.
    pub(crate) fn note(&self, change: Change) {
        self.tell(News::Change(change));
    }

    /// The registry was asked for something. What nobody but this host itself asked for is told
    /// once it is done: until then it asks again and again.
    pub(crate) fn commanded(&self, command: String, refused: Option<&ApiProblem>) {
        let by = Asker::present().map(|by| by.to_string());
        if by.is_some() || refused.is_none() {
            let refused = refused.map(|problem| problem.error.clone());
            self.note(Change::Commanded { command, by, refused });
        }
    }

    /// What the node knows has changed, or not.
    pub(crate) fn picture(&self, picture: &Arc<Picture>) {
        // If the task does not keep up, the next picture has what this one had.
        let news = (SystemTime::now(), News::Picture(Arc::clone(picture)));
        let _skipped = self.news.try_send(news);
    }

    /// The host is in no cluster any more.
    pub(crate) fn left(&self) {
        self.tell(News::Left);
    }

    fn tell(&self, news: News) {
        if self.news.try_send((SystemTime::now(), news)).is_err() {
            self.lost.inc();
        }
    }

    /// What is kept of the events that are wanted.
    pub(crate) async fn find(&self, wanted: Wanted) -> Answer<Found> {
        self.ask(|reply| Ask::Find(wanted, reply)).await
    }

    /// What was believed at a moment.
    pub(crate) async fn at(&self, at: Moment) -> Answer<Result<Recalled, Unknown>> {
        self.ask(|reply| Ask::At(at, reply)).await
    }

    /// Since when a row has been known as it is now, over restarts of the agent too; nothing if
    /// that is longer ago than what is kept.
    pub(crate) async fn known_since(&self, row: Row) -> Option<SystemTime> {
        let since = self.ask(|reply| Ask::Since(Box::new(row), reply)).await.ok()??;
        Some(SystemTime::UNIX_EPOCH + Duration::from_millis(since.0))
    }

    /// What happens from now on.
    pub(crate) async fn follow(&self) -> Answer<broadcast::Receiver<Arc<EventView>>> {
        self.ask(Ask::Follow).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_closed| stopping())?;
        answer.await.map_err(|_closed| stopping())
    }
}
