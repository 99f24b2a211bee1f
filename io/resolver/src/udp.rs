//! The loop around the UDP socket. It answers in place: no task, no channel for names of ours.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tracing::warn;

use crate::Outcome;
use crate::desk::{Desk, Verdict};
use crate::flight::Ask;
use crate::message::{self, LARGEST_UDP, Transport};
use crate::overflow::Overflow;
use crate::share::Share;
use crate::vigil::Vigil;

/// How long a container's next question is waited for awake: longer than it takes to be woken by an
/// answer and to ask again.
pub(crate) const AWAKE: Duration = Duration::from_micros(50);
/// After this many datagrams other tasks get their turn.
const BATCH: usize = 64;
/// How long a container waits that has used up its share; the runtime knows no shorter time.
const BREATH: Duration = Duration::from_millis(1);
/// How long a socket in trouble is left alone.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Counter {
    pub(crate) socket: Arc<UdpSocket>,
    pub(crate) desk: Desk,
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) share: Share,
    pub(crate) overflow: Overflow,
    pub(crate) vigil: Vigil,
}

impl Counter {
    pub(crate) async fn serve(mut self) {
        let mut buffer = vec![0; LARGEST_UDP.into()];
        loop {
            if let Err(error) = self.turn(&mut buffer).await {
                warn!(%error, "name server cannot read its socket");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// One batch, once there is something to read.
    async fn turn(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.wait().await?;
        let now = Instant::now();
        self.vigil.came(now);
        let allowed = self.share.allowed(now, BATCH);
        let taken = self.drain(buffer, allowed)?;
        self.share.took(now, taken);
        self.vigil.turned(Instant::now());
        if taken < allowed {
            return Ok(());
        }
        self.desk.queries.count_by(Outcome::Dropped, self.overflow.more(&self.socket).into());
        if allowed == 0 {
            tokio::time::sleep(BREATH).await;
        } else {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Until there is something to read.
    async fn wait(&self) -> io::Result<()> {
        while self.vigil.lasts(Instant::now()) {
            if let Some(ready) = self.socket.readable().now_or_never() {
                return ready;
            }
            // The runtime asks the kernel, and lets others have their turn.
            tokio::task::yield_now().await;
        }
        self.socket.readable().await
    }

    /// Takes up to `most` datagrams, and says how many there were.
    fn drain(&self, buffer: &mut [u8], most: usize) -> io::Result<usize> {
        for taken in 0..most {
            match self.socket.try_recv_from(buffer) {
                Ok((length, from)) => self.take(buffer.get(..length).unwrap_or_default(), from),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(taken),
                Err(error) => return Err(error),
            }
        }
        Ok(most)
    }

    fn take(&self, bytes: &[u8], from: SocketAddr) {
        match self.desk.decide(bytes, Transport::Udp) {
            Verdict::Ignore => {}
            Verdict::Reply(reply) => self.say(&reply, from),
            Verdict::Forward { beyond } => {
                self.forward(Ask { client: from, request: bytes.to_vec(), beyond });
            }
        }
    }

    fn forward(&self, ask: Ask) {
        let Err(refused) = self.asks.try_send(ask) else { return };
        self.desk.queries.count(Outcome::Overloaded);
        let ask = refused.into_inner();
        if let Some(reply) = message::server_failure(&ask.request) {
            self.say(&reply, ask.client);
        }
    }

    fn say(&self, reply: &[u8], to: SocketAddr) {
        // A lost answer is asked for again: that is what UDP promises.
        let _sent = self.socket.try_send_to(reply, to);
    }
}
