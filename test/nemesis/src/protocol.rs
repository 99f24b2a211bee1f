//! What clients and managers say to a manager: JSON, each with its length before it.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use weft_registry::{Change, Committed, Revision, Snapshot, Txn};

/// Nothing that is said is longer.
const LONGEST: u32 = 64 << 20;

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Everything that begins with this.
    Range(String),
    /// A transaction.
    Commit(Txn),
    /// All changes after a revision, for as long as the connection holds.
    Watch(Revision),
    /// From another manager, whose number it is.
    Peer(u128, Vec<u8>),
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// To a range.
    Range(Snapshot),
    /// To a commit.
    Committed(Committed),
    /// To a watch, again and again.
    Change(Change),
    /// To another manager.
    Peer(Vec<u8>),
    /// It was surely not done.
    Refused(String),
    /// It was done or not.
    Unknown(String),
}

pub(crate) fn write(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(what)?;
    to.write_all(&[&length(&body)?.to_be_bytes(), body.as_slice()].concat())
}

pub(crate) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut body = vec![0; sane(u32::from_be_bytes(length))?];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

pub(crate) async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    what: &impl Serialize,
) -> io::Result<()> {
    let body = serde_json::to_vec(what)?;
    to.write_all(&[&length(&body)?.to_be_bytes(), body.as_slice()].concat()).await
}

pub(crate) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let mut body = vec![0; sane(from.read_u32().await?)?];
    from.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}

fn length(body: &[u8]) -> io::Result<u32> {
    u32::try_from(body.len()).map_err(io::Error::other)
}

fn sane(length: u32) -> io::Result<usize> {
    if length > LONGEST {
        return Err(io::Error::other("longer than anything that is said"));
    }
    usize::try_from(length).map_err(io::Error::other)
}
