//! What this host drops: counted, and some of it looked at.
//!
//! The kernel's programs count and tell samples, the resolver does for questions; one task takes
//! both, so that a sample is heard once and told to everybody who asks.

mod who;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt as _;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use weft_api::{DropCount, DropView, DropsView};
use weft_kernel::{DropSample, Linux};
use weft_path::Reason;
use weft_resolver::Queries;

use crate::journal::Journal;
use crate::member::Member;
use crate::metrics::Drops;
use crate::problem::{Answer, stopping};
use crate::state::Picture;
use crate::told::rfc3339;

/// Samples that are kept to be asked for.
const KEPT: usize = 512;
/// Complaints and questions that wait.
const QUEUE: usize = 64;
/// The kernel tells at most so many samples a second and reason; of one container's questions one
/// a second is told.
const PAUSE: Duration = Duration::from_secs(1);

/// What the task is asked.
#[derive(Debug)]
enum Ask {
    All(oneshot::Sender<DropsView>),
    Follow(oneshot::Sender<broadcast::Receiver<Arc<DropView>>>),
}

/// A way to the task.
#[derive(Clone, Debug)]
pub(crate) struct DropsHandle(mpsc::Sender<Ask>);

impl DropsHandle {
    /// What was dropped until now.
    pub(crate) async fn all(&self) -> Answer<DropsView> {
        self.ask(Ask::All).await
    }

    /// What is dropped from now on.
    pub(crate) async fn follow(&self) -> Answer<broadcast::Receiver<Arc<DropView>>> {
        self.ask(Ask::Follow).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(ask(reply)).await.map_err(|_closed| stopping())?;
        answer.await.map_err(|_closed| stopping())
    }
}

/// The task's state.
#[derive(Debug)]
pub(crate) struct DropsKeeper {
    kernel: Arc<Linux>,
    queries: Queries,
    /// What Prometheus reads.
    pub(crate) metrics: Drops,
    member: watch::Receiver<Option<Arc<Member>>>,
    complaints: mpsc::Receiver<Arc<Path>>,
    /// What was counted when it was last looked at.
    last: BTreeMap<Reason, u64>,
}

/// A channel for containers that ask too much.
pub(crate) fn complaints() -> (mpsc::Sender<Arc<Path>>, mpsc::Receiver<Arc<Path>>) {
    mpsc::channel(QUEUE)
}

impl DropsKeeper {
    /// `kernel` and `queries` count, `member` knows names, `complaints` are about containers that
    /// ask too much.
    pub(crate) fn new(
        kernel: Arc<Linux>,
        queries: Queries,
        member: watch::Receiver<Option<Arc<Member>>>,
        complaints: mpsc::Receiver<Arc<Path>>,
    ) -> Self {
        let metrics = Drops::default();
        Self { kernel, queries, metrics, member, complaints, last: BTreeMap::new() }
    }

    /// A way to the task, and the task, which runs until `stop`.
    pub(crate) fn start(self, stop: CancellationToken) -> (DropsHandle, impl Future<Output = ()>) {
        let (asks, asked) = mpsc::channel(QUEUE);
        (DropsHandle(asks), self.run(asked, stop))
    }

    /// Cancel-safe: every branch is a channel.
    async fn run(mut self, mut asked: mpsc::Receiver<Ask>, stop: CancellationToken) {
        let mut journal = Journal::new(KEPT);
        let mut told = BTreeMap::new();
        let mut samples = self.kernel.drop_samples().fuse();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(sample) = samples.next() => journal.note(self.of_kernel(sample)),
                Some(about) = self.complaints.recv() => {
                    if is_due(&mut told, &about) {
                        journal.note(self.of_resolver(&about));
                    }
                }
                Some(ask) = asked.recv() => self.answer(ask, &journal).await,
            }
        }
    }

    async fn answer(&mut self, ask: Ask, journal: &Journal<DropView>) {
        // Who asked and went away needs no answer.
        match ask {
            Ask::All(reply) => drop(reply.send(self.all(journal).await)),
            Ask::Follow(reply) => drop(reply.send(journal.follow())),
        }
    }

    async fn all(&mut self, journal: &Journal<DropView>) -> DropsView {
        let kernel = self.kernel.drops().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the guard's counters cannot be read");
            BTreeMap::new()
        });
        let mut counts = kernel;
        counts.insert(Reason::TooManyQueries, self.queries.too_many());
        for (reason, more) in grown(&self.last, &counts) {
            self.metrics.add(reason, more);
        }
        self.last.clone_from(&counts);
        DropsView {
            counters: counts.into_iter().map(|(reason, count)| counter(reason, count)).collect(),
            samples: journal.kept().iter().map(|sample| DropView::clone(sample)).collect(),
        }
    }

    fn picture(&self) -> Option<Arc<Picture>> {
        self.member.borrow().as_ref().map(|member| member.fabric.state.picture())
    }

    fn of_kernel(&self, sample: DropSample) -> DropView {
        let picture = self.picture();
        DropView {
            who: who::sent(picture.as_deref(), &sample),
            network: sample.vni.and_then(|vni| who::network(picture.as_deref()?, vni)),
            interface: Some(sample.interface),
            vni: sample.vni.map(weft_model::Vni::number),
            outer_source: sample.outer_source,
            source_mac: Some(sample.source_mac),
            destination_mac: Some(sample.destination_mac),
            source: sample.source,
            destination: sample.destination,
            length: Some(sample.length),
            ..bare(picture.as_deref(), sample.at, sample.reason)
        }
    }

    fn of_resolver(&self, about: &Path) -> DropView {
        let picture = self.picture();
        DropView {
            who: who::asked(picture.as_deref(), about),
            ..bare(picture.as_deref(), SystemTime::now(), Reason::TooManyQueries)
        }
    }
}

/// Whether a container has not been told of for a while; those that were are remembered so long.
fn is_due(told: &mut BTreeMap<Arc<Path>, Instant>, about: &Arc<Path>) -> bool {
    let now = Instant::now();
    told.retain(|_, at| now.duration_since(*at) < PAUSE);
    let due = !told.contains_key(about);
    if due {
        told.insert(Arc::clone(about), now);
    }
    due
}

/// How much more there is; what is less than before began anew, as after a leave.
fn grown<'a>(
    before: &'a BTreeMap<Reason, u64>,
    now: &'a BTreeMap<Reason, u64>,
) -> impl Iterator<Item = (Reason, u64)> + 'a {
    now.iter().map(|(reason, count)| {
        let known = before.get(reason).copied().unwrap_or_default();
        (*reason, count.checked_sub(known).unwrap_or(*count))
    })
}

fn counter(reason: Reason, count: u64) -> DropCount {
    let hint = reason.hint().to_owned();
    DropCount { hop: reason.hop(), reason: reason.word().to_owned(), count, hint }
}

fn bare(picture: Option<&Picture>, at: SystemTime, reason: Reason) -> DropView {
    DropView {
        at: rfc3339(at).unwrap_or_default(),
        host: picture.map(|picture| picture.me.name.to_string()).unwrap_or_default(),
        hop: reason.hop(),
        reason: reason.word().to_owned(),
        who: String::new(),
        interface: None,
        network: None,
        vni: None,
        outer_source: None,
        source_mac: None,
        destination_mac: None,
        source: None,
        destination: None,
        length: None,
        hint: reason.hint().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_begins_anew_takes_nothing_back() {
        let counts = |count| BTreeMap::from([(Reason::Fragment, count)]);
        let more = |before, now| grown(&before, &now).collect::<Vec<_>>();
        assert_eq!(more(BTreeMap::new(), counts(3)), [(Reason::Fragment, 3)]);
        assert_eq!(more(counts(3), counts(5)), [(Reason::Fragment, 2)]);
        assert_eq!(more(counts(5), counts(1)), [(Reason::Fragment, 1)]);
    }

    #[test]
    fn of_a_container_that_asks_too_much_one_question_a_second_is_told() {
        let mut told = BTreeMap::new();
        let (web, db): (Arc<Path>, Arc<Path>) = (Path::new("/web").into(), Path::new("/db").into());
        assert!(is_due(&mut told, &web) && is_due(&mut told, &db));
        assert!(!is_due(&mut told, &web));
        told.insert(Arc::clone(&web), Instant::now().checked_sub(PAUSE).unwrap());
        assert!(is_due(&mut told, &web));
    }
}
