//! The loop around the UDP socket. It answers in place: no task, no channel for names of ours.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tracing::warn;

use crate::Outcome;
use crate::desk::{Desk, Verdict};
use crate::flight::Ask;
use crate::message::{self, LARGEST_UDP, Transport};

/// After this many datagrams other tasks get their turn.
const BATCH: usize = 64;
/// How long a socket in trouble is left alone.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn serve(socket: Arc<UdpSocket>, desk: Desk, asks: mpsc::Sender<Ask>) {
    let counter = Counter { socket, desk, asks };
    let mut buffer = vec![0; LARGEST_UDP.into()];
    loop {
        let drained = match counter.socket.readable().await {
            Ok(()) => counter.drain(&mut buffer),
            Err(error) => Err(error),
        };
        match drained {
            Ok(()) => tokio::task::consume_budget().await,
            Err(error) => {
                warn!(%error, "name server cannot read its socket");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

struct Counter {
    socket: Arc<UdpSocket>,
    desk: Desk,
    asks: mpsc::Sender<Ask>,
}

impl Counter {
    fn drain(&self, buffer: &mut [u8]) -> io::Result<()> {
        for _ in 0..BATCH {
            match self.socket.try_recv_from(buffer) {
                Ok((length, from)) => self.take(buffer.get(..length).unwrap_or_default(), from),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&self, bytes: &[u8], from: SocketAddr) {
        match self.desk.decide(bytes, Transport::Udp) {
            Verdict::Ignore => {}
            Verdict::Reply(reply) => self.say(&reply, from),
            Verdict::Forward => self.forward(bytes, from),
        }
    }

    fn forward(&self, bytes: &[u8], from: SocketAddr) {
        if self.asks.try_send(Ask { client: from, request: bytes.to_vec() }).is_ok() {
            return;
        }
        self.desk.queries.count(Outcome::Overloaded);
        if let Some(reply) = message::server_failure(bytes) {
            self.say(&reply, from);
        }
    }

    fn say(&self, reply: &[u8], to: SocketAddr) {
        // A lost answer is asked for again: that is what UDP promises.
        let _sent = self.socket.try_send_to(reply, to);
    }
}
