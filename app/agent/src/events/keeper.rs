//! The task that writes events down and looks them up.

use std::path::Path;
use std::time::SystemTime;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weft_docker::Degraded;
use weft_events::{Belief, Change, Log, changes};
use weft_model::NodeId;

use super::book::Book;
use super::view::{moment, view};
use super::{Ask, EventsHandle, Found, NEWS, News, QUEUE, Wanted};
use crate::journal::Journal;
use crate::state::Picture;

/// Events of a chapter. Two of them are kept: some megabytes, some weeks of a quiet host.
const MOST: usize = 4096;
/// The journal is for those who follow: the log keeps.
const FOLLOWED: usize = 1;

/// The running task, the last one to end, so that it has heard of all else.
#[derive(Debug)]
pub(crate) struct History {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl History {
    /// Ends it, and waits until all is written down.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        // Whether it ended well or not, it has ended.
        drop(self.task.await);
    }
}

/// The task's state.
#[derive(Debug)]
pub(crate) struct EventsKeeper {
    log: Log,
    book: Book,
    followers: Journal<weft_api::EventView>,
    me: Option<NodeId>,
    host: String,
    news: mpsc::Receiver<(SystemTime, News)>,
    asks: mpsc::Receiver<Ask>,
    troubles: Vec<String>,
}

impl EventsKeeper {
    /// Opens the history in `dir`; `lost` counts what the task could not take.
    pub(crate) fn open(dir: &Path, lost: Counter) -> (EventsHandle, Self) {
        let (news_sender, news) = mpsc::channel(NEWS);
        let (asks_sender, asks) = mpsc::channel(QUEUE);
        let (book, log) = Book::open(dir, moment(SystemTime::now()), MOST);
        let keeper = Self {
            log,
            book,
            followers: Journal::new(FOLLOWED),
            me: None,
            host: String::new(),
            news,
            asks,
            troubles: Vec::new(),
        };
        (EventsHandle { news: news_sender, asks: asks_sender, lost }, keeper)
    }

    /// Runs as a task.
    pub(crate) fn start(
        self,
        engine: watch::Receiver<Option<String>>,
        degraded: watch::Receiver<Vec<Degraded>>,
    ) -> History {
        let stop = CancellationToken::new();
        History { task: tokio::spawn(self.run(engine, degraded, stop.clone())), stop }
    }

    /// Runs until `stop`, and writes down what was told until then.
    ///
    /// Cancel-safe: every branch is a channel.
    async fn run(
        mut self,
        mut engine: watch::Receiver<Option<String>>,
        mut degraded: watch::Receiver<Vec<Degraded>>,
        stop: CancellationToken,
    ) {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.note(SystemTime::now(), Change::AgentStarted { version });
        loop {
            tokio::select! {
                biased;
                Some((at, news)) = self.news.recv() => self.hear(at, news),
                Some(ask) = self.asks.recv() => self.answer(ask),
                Ok(()) = engine.changed() => {
                    let version = engine.borrow_and_update().clone();
                    let found = version.map(|version| Change::DockerFound { version });
                    self.note(SystemTime::now(), found.unwrap_or(Change::DockerLost));
                }
                Ok(()) = degraded.changed() => {
                    let now = degraded.borrow_and_update().clone();
                    self.hear_troubles(now.iter().map(|d| d.refusal.to_string()).collect());
                }
                () = stop.cancelled() => break,
            }
        }
        self.note(SystemTime::now(), Change::AgentStopped);
    }

    fn hear(&mut self, at: SystemTime, news: News) {
        match news {
            News::Change(change) => self.note(at, change),
            News::Picture(picture) => self.see(at, &picture),
            News::Left => self.believe(at, &Belief::default()),
        }
    }

    /// What is not heard of yet at a start is not gone: a picture counts once it is whole.
    fn see(&mut self, at: SystemTime, picture: &Picture) {
        self.me = Some(picture.me.id);
        self.host = picture.me.name.to_string();
        if picture.settled {
            self.believe(at, &picture.into());
        }
    }

    fn believe(&mut self, at: SystemTime, belief: &Belief) {
        for change in changes(self.log.now(), belief) {
            self.note(at, change);
        }
    }

    fn hear_troubles(&mut self, now: Vec<String>) {
        let before = std::mem::replace(&mut self.troubles, now);
        let new: Vec<String> =
            self.troubles.iter().filter(|trouble| !before.contains(trouble)).cloned().collect();
        let mended: Vec<String> =
            before.into_iter().filter(|trouble| !self.troubles.contains(trouble)).collect();
        let at = SystemTime::now();
        new.into_iter().for_each(|trouble| self.note(at, Change::DockerTroubled { trouble }));
        mended.into_iter().for_each(|trouble| self.note(at, Change::DockerMended { trouble }));
    }

    fn note(&mut self, at: SystemTime, change: Change) {
        let noted = self.log.note(moment(at), change, self.me);
        self.book.write(&noted);
        self.followers.note(view(&self.host, &noted.event));
    }

    fn answer(&self, ask: Ask) {
        // Who asked and went away needs no answer.
        match ask {
            Ask::Find(wanted, reply) => drop(reply.send(self.find(&wanted))),
            Ask::At(at, reply) => drop(reply.send(self.log.at(at))),
            Ask::Since(row, reply) => drop(reply.send(self.log.known_since(&row))),
            Ask::Follow(reply) => drop(reply.send(self.followers.follow())),
        }
    }

    fn find(&self, wanted: &Wanted) -> Found {
        let newest = self.log.events().rev().filter(|event| wanted.wants(event)).take(wanted.most);
        let mut events: Vec<_> = newest.map(|event| view(&self.host, event)).collect();
        events.reverse();
        Found { since: self.log.since(), events }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    /// A keeper with a way to it.
    struct Kept {
        handle: EventsHandle,
        history: History,
        degraded: watch::Sender<Vec<Degraded>>,
    }

    fn keep(dir: &Path) -> Kept {
        let (handle, keeper) = EventsKeeper::open(dir, Counter::default());
        let (degraded, degraded_seen) = watch::channel(Vec::new());
        let (_engine, engine_seen) = watch::channel(None);
        Kept { handle, history: keeper.start(engine_seen, degraded_seen), degraded }
    }

    async fn words(handle: &EventsHandle) -> Vec<String> {
        let wanted = Wanted { most: usize::MAX, ..Wanted::default() };
        handle.find(wanted).await.unwrap().events.into_iter().map(|event| event.what).collect()
    }

    #[tokio::test]
    async fn what_is_told_is_kept_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let first = keep(dir.path());
        first.handle.note(Change::ReconcilePaused);
        let trouble = Degraded {
            network: None,
            refusal: weft_docker::Refusal::new("no socket", "start Docker"),
        };
        first.degraded.send_replace(vec![trouble]);
        let mut heard = first.handle.follow().await.unwrap();
        first.degraded.send_replace(Vec::new());
        let last = tokio::time::timeout(Duration::from_secs(5), async {
            while heard.recv().await.unwrap().what != "docker_mended" {}
        });
        last.await.unwrap();
        first.history.end().await;

        let second = keep(dir.path());
        let all = words(&second.handle).await;
        let expected = [
            "agent_started",
            "reconcile_paused",
            "docker_troubled",
            "docker_mended",
            "agent_stopped",
            "agent_started",
        ];
        assert_eq!(all, expected);
        let wanted = Wanted { kind: Some("docker".into()), most: 1, ..Wanted::default() };
        assert_eq!(second.handle.find(wanted).await.unwrap().events.len(), 1);
        let after = Wanted { after: Some(4), most: 9, ..Wanted::default() };
        assert_eq!(second.handle.find(after).await.unwrap().events.len(), 1);
    }

    #[tokio::test]
    async fn a_picture_that_is_not_whole_takes_nothing_away() {
        let dir = tempfile::tempdir().unwrap();
        let kept = keep(dir.path());
        let mut picture = Picture::empty(me());
        picture.managed = true;
        picture.settled = true;
        kept.handle.picture(&Arc::new(picture.clone()));
        picture.managed = false;
        picture.settled = false;
        kept.handle.picture(&Arc::new(picture));
        kept.handle.note(Change::ReconcileResumed);
        let all = words(&kept.handle).await;
        assert_eq!(all, ["agent_started", "manager_found", "reconcile_resumed"]);
    }

    fn me() -> weft_model::Node {
        weft_model::Node {
            id: NodeId::from_random(1),
            key: weft_model::PublicKey::from_point([[1; 32]; 2]),
            name: "h1".parse().unwrap(),
            role: weft_model::Role::Manager,
            vtep: weft_model::Vtep([192, 0, 2, 1].into()),
            control: ([192, 0, 2, 1], 4788).into(),
        }
    }
}
