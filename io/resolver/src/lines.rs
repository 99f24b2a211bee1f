//! The sockets of one container to those who are asked for it.
//!
//! An answer from outside the host can be forged by whoever guesses where it is waited for. So a
//! socket to a server beyond, which has a port that the kernel has drawn, carries few questions and not
//! for long; then another one takes its place, and it is read until they are answered. The asker's own
//! resolver is on the same host: its socket stays.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use nix::sys::socket::{MsgFlags, recv};
use tokio::io::{Interest, Ready};
use tokio::net::UdpSocket;
use tokio::time::Instant;

use crate::Upstream;
use crate::flight::{Flight, Target};
use crate::stock::Stock;

/// How many questions a socket to a server beyond carries.
pub(crate) const CARRIES: u32 = 64;
/// For how long it takes questions, from the first one on.
pub(crate) const LASTS: Duration = Duration::from_secs(1);
/// The largest datagram.
const LARGEST: usize = 65_535;

struct Line {
    socket: Arc<UdpSocket>,
    /// Ends when there is something to read.
    ready: BoxFuture<'static, io::Result<Ready>>,
    target: Target,
    since: Instant,
    carried: u32,
    /// An answer was missed: behind it may be a way that is no more.
    doubtful: bool,
}

/// All of them, by number, the newest last.
pub(crate) struct Lines {
    upstream: Arc<dyn Upstream>,
    lines: BTreeMap<u64, Line>,
    opened: u64,
    stock: Stock,
    buffer: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(upstream: Arc<dyn Upstream>) -> Self {
        let (lines, stock) = (BTreeMap::new(), Stock::default());
        Self { upstream, lines, opened: 0, stock, buffer: vec![0; LARGEST] }
    }

    /// The number of a line that takes one more question; opens one if there is none, and closes those
    /// that nothing is waited for on.
    pub(crate) async fn pick(&mut self, target: Target, flight: &Flight) -> io::Result<u64> {
        let now = Instant::now();
        if let Some(number) = self.free(target, now) {
            return Ok(number);
        }
        // Before the former one is closed: the kernel might draw the same port again.
        let opened = self.open(target).await;
        self.lines.retain(|number, line| line.takes(line.target, now) || flight.is_on(*number));
        let socket = Arc::new(opened?);
        self.opened += 1;
        let ready = ready(&socket);
        let line = Line { socket, ready, target, since: now, carried: 0, doubtful: false };
        self.lines.insert(self.opened, line);
        Ok(self.opened)
    }

    fn free(&self, target: Target, now: Instant) -> Option<u64> {
        let mut newest_first = self.lines.iter().rev();
        newest_first.find(|(_, line)| line.takes(target, now)).map(|(number, _)| *number)
    }

    async fn open(&mut self, target: Target) -> io::Result<UdpSocket> {
        match target {
            Target::Beyond(server) => self.stock.take(&self.upstream, server).await,
            Target::Own => {
                let upstream = Arc::clone(&self.upstream);
                let socket = tokio::task::spawn_blocking(move || upstream.udp()).await??;
                socket.set_nonblocking(true)?;
                UdpSocket::from_std(socket)
            }
        }
    }

    /// Sends by a line that was picked.
    pub(crate) async fn send(&mut self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let line = self.lines.get_mut(&number).ok_or(io::ErrorKind::NotConnected)?;
        line.carried = line.carried.saturating_add(1);
        line.socket.send(bytes).await.map(drop)
    }

    /// The next datagram of any line, and how long it is; cancel-safe.
    pub(crate) async fn receive(&mut self) -> (u64, io::Result<usize>) {
        let Self { lines, buffer, .. } = self;
        poll_fn(|context| {
            for (number, line) in &mut *lines {
                if let Poll::Ready(read) = line.poll_receive(context, buffer) {
                    return Poll::Ready((*number, read));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The datagram that was received last.
    pub(crate) fn datagram(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }

    /// Whom a line leads to.
    pub(crate) fn target(&self, number: u64) -> Option<Target> {
        self.lines.get(&number).map(|line| line.target)
    }

    /// No further question goes by this line.
    pub(crate) fn doubt(&mut self, number: u64) {
        if let Some(line) = self.lines.get_mut(&number) {
            line.doubtful = true;
        }
    }

    /// A broken line is never kept: behind it may be a stale connection-tracking entry, such as after
    /// a restart of Docker, whose resolver then has another port.
    pub(crate) fn close(&mut self, number: u64) {
        self.lines.remove(&number);
    }

    /// Nobody has asked for a while.
    pub(crate) fn close_all(&mut self) {
        self.lines.clear();
        self.stock = Stock::default();
    }
}

impl Line {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.ready.poll_unpin(context)?.is_ready() {
            self.ready = ready(&self.socket);
            // One after the other: the runtime takes no two of them at once.
            for interest in [Interest::READABLE, Interest::ERROR] {
                let fd = self.socket.as_raw_fd();
                let read = || Ok(recv(fd, buffer, MsgFlags::empty())?);
                match self.socket.try_io(interest, read) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return Poll::Ready(read),
                }
            }
        }
        Poll::Pending
    }

    fn takes(&self, target: Target, now: Instant) -> bool {
        let fresh = self.carried < CARRIES && now.duration_since(self.since) < LASTS;
        let fit = fresh || target == Target::Own;
        self.target == target && fit && !self.doubtful
    }
}

fn ready(socket: &Arc<UdpSocket>) -> BoxFuture<'static, io::Result<Ready>> {
    let socket = Arc::clone(socket);
    // A refusal is told as an error, and nothing can be read then.
    let either = Interest::READABLE | Interest::ERROR;
    async move { socket.ready(either).await }.boxed()
}
