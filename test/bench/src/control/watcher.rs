//! One client a host: asks for names and sends to what it is told, all the time.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use weft_kernel::Netns;

use super::clock::{Moment, now};
use super::question::{answer, question};
use super::sightings::Sightings;
use super::subject::{Letter, PORT};

/// Where every container asks.
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);
/// How often each name is asked for.
const OFTEN: Duration = Duration::from_millis(5);
/// Of many names each is asked for less often, or the questions would be all that the machine does:
/// most are for what does not exist, and those take every name server on the way.
const EACH: Duration = Duration::from_micros(500);

type Seen = BTreeMap<String, Sightings>;

/// A thread in a container's network namespace.
#[derive(Debug)]
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug)]
struct Shared {
    seen: Mutex<Seen>,
    ends: AtomicBool,
    pause_us: AtomicU64,
}

impl Watcher {
    /// Begins to watch from there.
    pub(crate) fn start(netns: Netns) -> Self {
        let pause_us = AtomicU64::new(micros(OFTEN));
        let shared = Arc::new(Shared { seen: Mutex::default(), ends: false.into(), pause_us });
        let within = Arc::clone(&shared);
        let work =
            move || netns.run(|| Client::new(&within).and_then(|mut client| client.run()))?;
        Self { shared, thread: Some(std::thread::spawn(work)) }
    }

    /// Asks for this name from now on.
    pub(super) fn watch(&self, name: &str) {
        self.seen().entry(name.to_owned()).or_default();
    }

    /// Asks for it as often as for few, until it is gone.
    pub(super) fn end_is_near(&self, name: &str) {
        if let Some(sightings) = self.seen().get_mut(name) {
            sightings.ending = true;
        }
    }

    /// Asks for it no longer, and says what was seen.
    pub(super) fn forget(&self, name: &str) -> Sightings {
        self.seen().remove(name).unwrap_or_default()
    }

    /// What was seen of a name so far.
    pub(super) fn of(&self, name: &str) -> Sightings {
        self.seen().get(name).cloned().unwrap_or_default()
    }

    /// Asks less often for as long as there is much to ask for.
    pub(super) fn every(&self, pause: Option<Duration>) {
        self.shared.pause_us.store(micros(pause.unwrap_or(OFTEN)), Ordering::Relaxed);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(Ok(Err(error))) = self.thread.take().map(JoinHandle::join) {
            println!("a watcher ended early: {error}");
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Client<'a> {
    shared: &'a Shared,
    asks: UdpSocket,
    sends: UdpSocket,
    /// The names that were asked for under each id.
    asked: BTreeMap<u16, String>,
    /// Who was sent to at each address.
    sent: BTreeMap<Ipv4Addr, String>,
    id: u16,
}

impl<'a> Client<'a> {
    fn new(shared: &'a Shared) -> io::Result<Self> {
        let (asks, sends) = (socket()?, socket()?);
        asks.connect(SERVER)?;
        let (asked, sent) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { shared, asks, sends, asked, sent, id: 0 })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut round = now()?;
        while !self.shared.ends.load(Ordering::Relaxed) {
            let at = now()?;
            if at >= round {
                let pause = Duration::from_micros(self.shared.pause_us.load(Ordering::Relaxed));
                let names = u32::try_from(self.shared.seen().len()).unwrap_or(u32::MAX);
                round = at + pause.max(EACH * names);
                self.ask_for(|_any| true);
            } else {
                self.ask_for(Sightings::is_going);
            }
            let until = round.min(at + OFTEN);
            while now()? < until {
                self.wait(until.saturating_sub(now()?))?;
                self.hear_answers()?;
                self.hear_replies()?;
            }
        }
        Ok(())
    }

    fn ask_for(&mut self, which: impl Fn(&Sightings) -> bool) {
        let names: Vec<(String, Option<Ipv4Addr>)> = {
            let seen = self.shared.seen();
            let asked = seen.iter().filter(|(_, sightings)| which(sightings));
            asked.map(|(name, sightings)| (name.clone(), sightings.address())).collect()
        };
        // Those that were not answered by now are lost.
        self.asked.retain(|id, _| self.id.wrapping_sub(*id) < 1_024);
        for (name, address) in names {
            self.id = self.id.wrapping_add(1);
            // What cannot be sent is lost like what does not arrive.
            drop(self.asks.send(&question(self.id, &name)));
            self.asked.insert(self.id, name.clone());
            if let Some(address) = address {
                self.greet(&name, address);
            }
        }
    }

    fn greet(&mut self, name: &str, address: Ipv4Addr) {
        self.sent.insert(address, name.to_owned());
        drop(self.sends.send_to(name.as_bytes(), (address, PORT)));
    }

    fn wait(&self, time: Duration) -> io::Result<()> {
        let (asks, sends) = (self.asks.as_fd(), self.sends.as_fd());
        let mut ready = [asks, sends].map(|socket| PollFd::new(socket, PollFlags::POLLIN));
        let milliseconds = u16::try_from(time.as_millis()).unwrap_or(u16::MAX).max(1);
        poll(&mut ready, PollTimeout::from(milliseconds)).map(drop).map_err(Into::into)
    }

    fn hear_answers(&mut self) -> io::Result<()> {
        let mut buffer = [0; 512];
        while let Some((length, _)) = received(&self.asks, &mut buffer) {
            let at = now()?;
            let Some((id, addresses)) = buffer.get(..length).and_then(answer) else { continue };
            let Some(name) = self.asked.remove(&id) else { continue };
            let new = match self.shared.seen().get_mut(&name) {
                Some(sightings) => {
                    let before = sightings.address();
                    sightings.answered(at, addresses);
                    sightings.address().filter(|address| before != Some(*address))
                }
                None => None,
            };
            // As an application does: it sends as soon as it knows where to.
            if let Some(address) = new {
                self.greet(&name, address);
            }
        }
        Ok(())
    }

    fn hear_replies(&mut self) -> io::Result<()> {
        let mut buffer = [0; 128];
        while let Some((length, from)) = received(&self.sends, &mut buffer) {
            let at = now()?;
            let SocketAddr::V4(from) = from else { continue };
            let letter = buffer.get(..length).and_then(Letter::parse);
            let name = self.sent.get(from.ip());
            if let (Some(letter), Some(name)) = (letter, name)
                && let Some(sightings) = self.shared.seen().get_mut(name)
            {
                sightings.replied(at, name, *from.ip(), letter);
            }
        }
        Ok(())
    }
}

fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// What has arrived. That nobody is there is told as an error of the socket, and is no answer.
fn received(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            Ok(received) => return Some(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_refused) => {}
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Since when all of them have seen something; nothing if one has not.
pub(super) fn last(of: impl IntoIterator<Item = Option<Moment>>) -> Option<Moment> {
    of.into_iter().try_fold(Moment::ZERO, |last, next| next.map(|next| last.max(next)))
}
