//! What is said to a lab's keeper and to a host's first process: one JSON line each way.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::LabError;
use crate::error::{OrHint, TRY_DOWN};
use crate::faults::Fault;

/// No answer takes longer than this: a start waits for the agent and the Engine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is asked of the keeper of a lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum KeeperRequest {
    State,
    Disturb(Fault),
    Heal { host: String },
    Kill { host: String },
    Start { host: String },
    Down,
}

/// What is asked of the first process of a host.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum HostRequest {
    Start(Service),
    Signal(Service, i32),
    Pause,
    Resume,
}

/// A daemon of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// `weft agent`.
    Agent,
    /// `dockerd`, with the containerd it starts.
    Docker,
}

impl Service {
    /// How the service and its log are called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Docker => "docker",
        }
    }
}

/// What the keeper of a lab knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabState {
    /// The lab's name.
    pub name: String,
    /// The process that keeps the lab.
    pub keeper: u32,
    /// Whether the hosts run Engines.
    pub docker: bool,
    /// Whether the hosts run agents.
    pub agent: bool,
    /// The executable that plays every part of the lab.
    pub exe: PathBuf,
    /// The hosts, and `outside`.
    pub hosts: BTreeMap<String, HostState>,
}

/// What the keeper of a lab knows of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// Its address on the fabric.
    pub address: Ipv4Addr,
    /// Its first process, as the machine numbers it; absent while it is killed.
    pub pid: Option<u32>,
    /// What is wrong with its link.
    pub faults: Vec<String>,
}

/// The answer to a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// What is being done: more follows.
    Progress(String),
    Done,
    State(Box<LabState>),
    Failed(LabError),
}

impl From<Result<(), LabError>> for Reply {
    fn from(result: Result<(), LabError>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Failed(error),
        }
    }
}

/// Asks who listens at `socket`, and waits for the answer.
pub(crate) fn ask(socket: &Path, request: &impl Serialize) -> Result<Reply, LabError> {
    let what = format!("ask {}", socket.display());
    let stream = UnixStream::connect(socket).or_hint(&what, TRY_DOWN)?;
    stream.set_read_timeout(Some(PATIENCE)).or_hint(&what, TRY_DOWN)?;
    send(&stream, request).or_hint(&what, TRY_DOWN)?;
    match receive(&mut BufReader::new(stream)).or_hint(&what, TRY_DOWN)? {
        Reply::Failed(error) => Err(error),
        reply => Ok(reply),
    }
}

/// Answers every request that arrives on `listener`, each on a thread of its own.
pub(crate) fn serve<R: DeserializeOwned>(
    listener: &UnixListener,
    answer: impl Fn(R) -> Reply + Send + Sync + 'static,
) {
    let answer = Arc::new(answer);
    for stream in listener.incoming().flatten() {
        let answer = Arc::clone(&answer);
        std::thread::spawn(move || {
            let request = receive(&mut BufReader::new(&stream));
            let reply = match request {
                Ok(request) => answer(request),
                Err(error) => Reply::Failed(LabError::new("read the request", error, TRY_DOWN)),
            };
            // Who asked may be gone by now: there is nobody left to tell.
            drop(send(&stream, &reply));
        });
    }
}

/// Writes one message as one line.
pub(crate) fn send(mut to: impl Write, message: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

/// Reads one message.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl BufRead) -> std::io::Result<T> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&line)?)
}
