//! Clients that fight over the names of networks: each does one thing at a time and writes down what it was
//! told. A name is an entry that is absent, or has the mark of the network that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use weft_api::{CallError, Client, NetworkCreate, ProblemKind};
use weft_linear::{Call, Expect, Operation, Outcome, Seen, Value};
use weft_model::{Name, Network, NetworkId};
use weft_registry::{Snapshot, View};

use crate::field::Common;

/// Longer than an agent that runs takes for a command.
const PATIENCE: Duration = Duration::from_secs(8);
/// Between two things that a client does.
const THINK: Duration = Duration::from_millis(40);
/// So many names are fought over at a time.
const NAMES: u64 = 2;
/// After this time it is others, so that the search for an order ends.
const EPOCH: Duration = Duration::from_secs(3);
/// The label that a network's mark stands in.
const MARK: &str = "mark";

/// What one client did and saw.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) operations: Vec<Operation>,
    /// Networks that its host showed after it had said that they are gone.
    pub(crate) returned: Vec<String>,
}

struct Writer {
    client: Client,
    common: Arc<Common>,
    number: u32,
    manages: bool,
    random: Pcg64,
    /// The network that it saw last under each name.
    known: BTreeMap<String, (Value, NetworkId)>,
    /// What its host has said to be gone.
    gone: BTreeSet<NetworkId>,
    told: Told,
}

/// What a call came to, unless it was not even made.
type Made<T> = Result<T, Outcome>;

/// Works at one host until it is told to end.
pub(crate) async fn run(
    client: Client,
    common: Arc<Common>,
    number: u32,
    manages: bool,
    seed: u64,
) -> Told {
    let random = Pcg64::seed_from_u64(seed.wrapping_mul(64) + u64::from(number));
    let (known, gone, told) = (BTreeMap::new(), BTreeSet::new(), Told::default());
    let mut writer = Writer { client, common, number, manages, random, known, gone, told };
    while !writer.common.ends.load(Ordering::Relaxed) {
        writer.once().await;
        sleep(THINK).await;
    }
    writer.told
}

impl Writer {
    async fn once(&mut self) {
        let epoch = self.common.began.elapsed().as_millis() / EPOCH.as_millis();
        let key = format!("e{epoch}-{}", self.random.random_range(0..NAMES));
        match (self.random.random_range(0..10), self.known.get(&key).copied()) {
            (0..4, _) if self.manages => self.look(key).await,
            (0..2, _) => self.list().await,
            (2..7, Some((mark, id))) => self.remove(key, mark, id).await,
            _ => self.make(key).await,
        }
    }

    /// What a majority of the managers says, asked at this one.
    async fn look(&mut self, key: String) {
        let invoked = self.common.began.elapsed();
        let Ok(Ok(view)) = timeout(PATIENCE, registry(&self.client)).await else { return };
        let network = view.network_named(&name(&key));
        match network.and_then(|network| Some((mark(network)?, network.id))) {
            Some(seen) => self.known.insert(key.clone(), seen),
            None => self.known.remove(&key),
        };
        let found = seen(&view, &key);
        self.note(key, invoked, Call::Read, Outcome::Read { revision: 0, found });
    }

    /// What this host knows may be old, but never older than what it has said.
    async fn list(&mut self) {
        let Ok(Ok(networks)) = timeout(PATIENCE, self.client.networks()).await else { return };
        let returned = networks.iter().filter(|network| self.gone.contains(&network.id));
        self.told.returned.extend(returned.map(|network| format!("{network:?}")));
    }

    async fn make(&mut self, key: String) {
        let value = self.common.next_mark.fetch_add(1, Ordering::Relaxed);
        let mut create = NetworkCreate::named(name(&key));
        create.labels.insert(MARK.to_owned(), value.to_string());
        let invoked = self.common.began.elapsed();
        let made = timeout(PATIENCE, self.client.create_network(&create)).await;
        let Some(made) = made.map_or(Some(Err(Outcome::Unknown)), |made| came_of(made, "the name"))
        else {
            return;
        };
        if let Ok(network) = &made {
            self.known.insert(key.clone(), (value, network.id));
        }
        let call = Call::Put { value, expect: Expect::Unchanged(None) };
        self.note(key, invoked, call, made.map_or_else(|told| told, |_made| Outcome::Applied(0)));
    }

    async fn remove(&mut self, key: String, value: Value, id: NetworkId) {
        let invoked = self.common.began.elapsed();
        let id_text = id.to_string();
        let done = timeout(PATIENCE, self.client.remove_network(&id_text)).await;
        let Some(done) =
            done.map_or(Some(Err(Outcome::Unknown)), |done| came_of(done, "there is no network"))
        else {
            self.known.remove(&key);
            return;
        };
        if done.is_ok() {
            self.gone.insert(id);
            self.known.remove(&key);
        }
        let outcome = done.map_or_else(|told| told, |_done| Outcome::Applied(0));
        self.note(key, invoked, Call::Remove { value }, outcome);
    }

    fn note(&mut self, key: String, invoked: Duration, call: Call, outcome: Outcome) {
        let (client, completed) = (self.number, self.common.began.elapsed());
        let operation = Operation { client, key, invoked, completed, call, outcome };
        self.told.operations.push(operation);
    }
}

/// Nothing if the agent was not asked, or has asked no manager. A conflict is what its words begin with.
fn came_of<T>(answer: Result<T, CallError>, conflict: &str) -> Option<Made<T>> {
    let problem = match answer {
        Ok(done) => return Some(Ok(done)),
        Err(CallError::NoSocket(_) | CallError::NotListening(_)) => return None,
        Err(CallError::Problem(problem)) => problem,
        Err(_broken) => return Some(Err(Outcome::Unknown)),
    };
    match problem.kind {
        ProblemKind::Conflict if problem.error.starts_with(conflict) => {
            Some(Err(Outcome::Conflict))
        }
        ProblemKind::Unavailable => Some(Err(Outcome::Refused)),
        ProblemKind::NotFound => None,
        // It was made and removed, or nobody knows.
        _ => Some(Err(Outcome::Unknown)),
    }
}

/// What a majority of the managers has agreed on.
pub(crate) async fn registry(manager: &Client) -> anyhow::Result<View> {
    #[derive(Deserialize)]
    struct Body {
        registry: Snapshot,
    }
    let backup = manager.backup().await?;
    ensure!(backup.confirmed, "no majority stands behind it");
    let (_head, body) = backup.text.split_once('\n').context("a backup has two lines")?;
    let body: Body = serde_json::from_str(body)?;
    Ok(View::from_snapshot(&body.registry)?)
}

/// One more read of a name when all is over.
pub(crate) fn last_look(view: &View, common: &Common, key: String) -> Operation {
    let now = common.began.elapsed();
    let outcome = Outcome::Read { revision: 0, found: seen(view, &key) };
    Operation { client: u32::MAX, key, invoked: now, completed: now, call: Call::Read, outcome }
}

fn seen(view: &View, key: &str) -> Option<Seen> {
    let value = mark(view.network_named(&name(key))?)?;
    Some(Seen { value, modified: 0 })
}

fn mark(network: &Network) -> Option<Value> {
    network.labels.get(MARK)?.parse().ok()
}

fn name(key: &str) -> Name {
    key.parse().unwrap()
}
