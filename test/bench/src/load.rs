//! A client that keeps a number of questions outstanding, inside a container's namespace.
//!
//! It blocks in one thread and does as little as it can besides: it is the same for both sides,
//! and what it costs makes them more alike than they are.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use weft_kernel::Netns;

use crate::figures::Figures;
use crate::question::{Names, answer};

/// Where every container asks.
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);
/// A question that got no answer by now has failed.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is asked, and how hard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// What for.
    pub(crate) names: Names,
    /// How many questions wait for their answers at a time.
    pub(crate) outstanding: u16,
    /// For how long.
    pub(crate) span: Duration,
}

impl Load {
    /// Asks from inside `netns`.
    pub(crate) fn run(self, netns: &Netns) -> anyhow::Result<Figures> {
        netns.run(|| self.ask_all())?.context("ask the container's name server")
    }

    fn ask_all(self) -> io::Result<Figures> {
        let mut client = Client::new(self.names, self.outstanding)?;
        let began = Instant::now();
        while began.elapsed() < self.span {
            client.turn()?;
        }
        Ok(Figures::of(client.waits, client.failed, began.elapsed()))
    }
}

struct Client {
    names: Names,
    socket: UdpSocket,
    /// When the question of each id went out, and that question.
    asked_at: Vec<Instant>,
    serial: u64,
    waits: Vec<Duration>,
    failed: u32,
}

impl Client {
    fn new(names: Names, outstanding: u16) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(SERVER)?;
        let asked_at = vec![Instant::now(); outstanding.into()];
        let waits = Vec::with_capacity(1 << 20);
        // Names that no earlier client has asked for.
        let serial =
            u64::from(std::process::id()) << 32 | u64::from(socket.local_addr()?.port()) << 24;
        let mut client = Self { names, socket, asked_at, serial, waits, failed: 0 };
        (0..outstanding).try_for_each(|id| client.ask(id))?;
        Ok(client)
    }

    fn turn(&mut self) -> io::Result<()> {
        let mut buffer = [0; 512];
        match self.socket.recv(&mut buffer) {
            Ok(length) => self.hear(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.start_over(),
            Err(error) => Err(error),
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((id, right)) = answer(bytes, self.names) else { return Ok(()) };
        let Some(asked_at) = self.asked_at.get(usize::from(id)) else { return Ok(()) };
        if right {
            self.waits.push(asked_at.elapsed());
        } else {
            self.failed += 1;
        }
        self.ask(id)
    }

    /// Nothing has come for long: all that is outstanding is lost.
    fn start_over(&mut self) -> io::Result<()> {
        let outstanding = u16::try_from(self.asked_at.len()).unwrap_or(u16::MAX);
        self.failed += u32::from(outstanding);
        (0..outstanding).try_for_each(|id| self.ask(id))
    }

    fn ask(&mut self, id: u16) -> io::Result<()> {
        self.serial += 1;
        let question = self.names.question(id, self.serial);
        if let Some(asked_at) = self.asked_at.get_mut(usize::from(id)) {
            *asked_at = Instant::now();
        }
        self.socket.send(&question).map(drop)
    }
}
