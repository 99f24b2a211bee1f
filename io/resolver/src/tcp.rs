//! Questions over TCP (RFC 7766): few, and each with a deadline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::debug;

use crate::desk::{Desk, Verdict};
use crate::message::{self, Transport};
use crate::{DEADLINE, Outcome, Upstream};

/// How many TCP connections one container may have; the next ones wait in the backlog.
pub const MAX_CONNECTIONS: usize = 32;
/// How long a client may take for one whole question, or for taking one answer.
pub const IDLE: Duration = Duration::from_secs(10);
/// How long a listener in trouble is left alone.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn serve(listener: TcpListener, desk: Desk, upstream: Arc<dyn Upstream>) {
    let mut connections = JoinSet::new();
    loop {
        // Cancel-safe: a connection that is not accepted stays in the backlog.
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _from)) => {
                    let connection = Connection {
                        desk: desk.clone(),
                        upstream: Arc::clone(&upstream),
                        line: None,
                    };
                    connections.spawn(connection.run(stream));
                }
                Err(error) => {
                    debug!(%error, "name server cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

struct Connection {
    desk: Desk,
    upstream: Arc<dyn Upstream>,
    /// The connection to the upstream, once there was a question for it.
    line: Option<TcpStream>,
}

impl Connection {
    /// Until the client closes, is silent for too long, or sends what is no question.
    async fn run(mut self, mut stream: TcpStream) {
        while let Ok(Ok(request)) = timeout(IDLE, read(&mut stream)).await {
            let Some(reply) = self.reply(&request).await else { return };
            let written = timeout(IDLE, write(&mut stream, &reply)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
    }

    async fn reply(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        match self.desk.decide(request, Transport::Tcp) {
            Verdict::Ignore => None,
            Verdict::Reply(reply) => Some(reply),
            // Few ask so, and a connection is kept: one hop more does not matter.
            Verdict::Forward { beyond: _ } => {
                match timeout(DEADLINE, self.forward(request)).await {
                    Ok(Ok(reply)) => Some(self.desk.believe(reply)),
                    Ok(Err(_)) | Err(_) => self.fail(request),
                }
            }
        }
    }

    fn fail(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        self.line = None;
        self.upstream.failed();
        self.desk.queries.count(Outcome::Unanswered);
        message::server_failure(request)
    }

    /// Over the open connection; over a new one if the upstream has closed that meanwhile.
    async fn forward(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        if let Some(mut line) = self.line.take()
            && let Ok(reply) = exchange(&mut line, request).await
        {
            self.line = Some(line);
            return Ok(reply);
        }
        let mut line = self.upstream.tcp().await?;
        let reply = exchange(&mut line, request).await?;
        self.line = Some(line);
        Ok(reply)
    }
}

async fn exchange(line: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    write(line, request).await?;
    let reply = read(line).await?;
    let same_id = reply.first_chunk::<2>() == request.first_chunk::<2>();
    if same_id && message::belongs(&reply, request) {
        Ok(reply)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "an answer to another question"))
    }
}

/// One message behind its length (RFC 1035 §4.2.2).
async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; length.into()];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// In one piece: some clients expect length and message in one segment.
async fn write(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let too_long = |_error| io::Error::new(io::ErrorKind::InvalidData, "message too long");
    let length = u16::try_from(message.len()).map_err(too_long)?;
    stream.write_all(&[length.to_be_bytes().as_slice(), message].concat()).await
}
