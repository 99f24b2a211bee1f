//! Clients: each does one thing at a time and writes down what it did and saw.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use weft_kernel::Netns;
use weft_linear::{Call, Expect, Operation, Outcome, Seen};
use weft_registry::{Committed, Condition, Op, Txn};

use crate::protocol::{Answer, Ask, read, write};

const CONNECT: Duration = Duration::from_millis(300);
/// Longer than a manager waits for a majority.
const PATIENCE: Duration = Duration::from_secs(6);
/// Between two things that a client does.
const THINK: Duration = Duration::from_millis(8);
/// So many entries are fought over at a time.
const KEYS: u64 = 3;
/// After this time it is others, so that the search for an order ends.
const EPOCH: Duration = Duration::from_millis(1_500);
/// An entry that is there and does not change: a condition that always holds.
pub(crate) const GUARD: &str = "/guard";
/// What the names of all entries begin with that clients write.
pub(crate) const PREFIX: &str = "/k/";

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) managers: Vec<SocketAddr>,
    pub(crate) began: Instant,
    /// No client begins anything any more.
    pub(crate) ends: AtomicBool,
    /// No watch goes on.
    closed: AtomicBool,
    next_value: AtomicU64,
}

impl Common {
    pub(crate) fn new(managers: Vec<SocketAddr>) -> Self {
        let (ends, closed) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { managers, began: Instant::now(), ends, closed, next_value: AtomicU64::new(1) }
    }

    /// Ends the watches.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether watches end.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Starts a client.
pub(crate) fn start(
    netns: Netns,
    common: Arc<Common>,
    number: u32,
    seed: u64,
) -> JoinHandle<io::Result<Vec<Operation>>> {
    std::thread::spawn(move || {
        let mut client = Client {
            common: &common,
            number,
            random: Pcg64::seed_from_u64(seed.wrapping_mul(64).wrapping_add(number.into())),
            known: BTreeMap::new(),
            connections: BTreeMap::new(),
            done: Vec::new(),
        };
        netns.run(|| client.run())?;
        Ok(client.done)
    })
}

/// Asks once, over a connection of its own.
pub(crate) fn ask(manager: SocketAddr, what: &Ask) -> io::Result<Answer> {
    let mut stream = connect(manager)?;
    write(&mut stream, what)?;
    read(&mut stream)
}

pub(crate) fn connect(manager: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&manager, CONNECT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

struct Client<'a> {
    common: &'a Common,
    number: u32,
    random: Pcg64,
    /// What it has seen last of each entry.
    known: BTreeMap<String, Option<Seen>>,
    connections: BTreeMap<SocketAddr, TcpStream>,
    done: Vec<Operation>,
}

impl Client<'_> {
    fn run(&mut self) {
        while !self.common.ends.load(Ordering::Relaxed) {
            if let Some(operation) = self.once() {
                self.done.push(operation);
            }
            std::thread::sleep(THINK);
        }
    }

    /// Nothing, if nothing was asked, or a read was not answered.
    fn once(&mut self) -> Option<Operation> {
        let manager = self.random.random_range(0..self.common.managers.len());
        let manager = *self.common.managers.get(manager)?;
        let mut stream = self.connections.remove(&manager).or_else(|| connect(manager).ok())?;
        let epoch = self.common.began.elapsed().as_millis() / EPOCH.as_millis();
        let key = format!("{PREFIX}{epoch}/{}", self.random.random_range(0..KEYS));
        let call = self.choose(&key);
        let asked = self.asked(&key, call);
        let invoked = self.common.began.elapsed();
        let answer = write(&mut stream, &asked).and_then(|()| read::<Answer>(&mut stream));
        let completed = self.common.began.elapsed();
        if answer.is_ok() {
            self.connections.insert(manager, stream);
        }
        let outcome = outcome(call, &key, answer.ok())?;
        self.learn(&key, call, outcome);
        Some(Operation { client: self.number, key, invoked, completed, call, outcome })
    }

    fn choose(&mut self, key: &str) -> Call {
        let known = self.known.get(key).copied();
        let expect = match (self.random.random_range(0..10), known) {
            (0..4, _) => return Call::Read,
            (4..7, Some(seen)) => Expect::Unchanged(seen),
            _ => Expect::Anything,
        };
        let value = self.common.next_value.fetch_add(1, Ordering::Relaxed);
        Call::Put { value, expect }
    }

    fn asked(&mut self, key: &str, call: Call) -> Ask {
        let Call::Put { value, expect } = call else { return Ask::Range(key.to_owned()) };
        let key = key.to_owned();
        let condition = match expect {
            Expect::Unchanged(Some(Seen { modified, .. })) => {
                Some(Condition::Unchanged { key: key.clone(), modified })
            }
            Expect::Unchanged(None) => Some(Condition::Absent(key.clone())),
            // A condition that says nothing about the entry itself.
            Expect::Anything if self.random.random() => Some(Condition::Present(GUARD.into())),
            Expect::Anything => None,
        };
        let put = Op::Put { key, value: value.to_string().into_bytes(), lease: None };
        Ask::Commit(Txn { conditions: condition.into_iter().collect(), ops: vec![put] })
    }

    fn learn(&mut self, key: &str, call: Call, outcome: Outcome) {
        let seen = match (call, outcome) {
            (_, Outcome::Read { found, .. }) => found,
            (Call::Put { value, .. }, Outcome::Applied(modified)) => Some(Seen { value, modified }),
            _ => return,
        };
        self.known.insert(key.to_owned(), seen);
    }
}

fn outcome(call: Call, key: &str, answer: Option<Answer>) -> Option<Outcome> {
    match (call, answer) {
        (Call::Read, Some(Answer::Range(snapshot))) => {
            let found = snapshot.entries.iter().find(|entry| entry.key == key);
            let found = found.and_then(|entry| seen(&entry.value, entry.modified));
            Some(Outcome::Read { revision: snapshot.revision, found })
        }
        (Call::Read, _) => None,
        (_, Some(Answer::Committed(Committed::Applied(at)))) => Some(Outcome::Applied(at)),
        (_, Some(Answer::Committed(Committed::Conflict))) => Some(Outcome::Conflict),
        (_, Some(Answer::Refused(_))) => Some(Outcome::Refused),
        _ => Some(Outcome::Unknown),
    }
}

/// An entry as the history knows it.
pub(crate) fn seen(value: &[u8], modified: u64) -> Option<Seen> {
    Some(Seen { value: number(value)?, modified })
}

/// A value that a client wrote.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
