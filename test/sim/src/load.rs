//! What a packet carries, and how many bytes that takes on the wire.

use weft_model::{Endpoint, EndpointId, Name};
use weft_whereabouts::{Message, RowChange, StreamId};

/// QUIC, UDP and IP headers and the authentication tag.
const PACKET: usize = 20 + 8 + 25 + 16;
/// What a packet holds beside that, on a path of 1,500 bytes.
const ROOM: usize = 1_400;
/// Tags and lengths of a protobuf message's fields, about.
const FRAME: usize = 12;
const ID: usize = 18;
const NUMBER: usize = 3;
const SEAL: usize = 66;

/// What is sent to one host at one time.
#[derive(Clone, Debug)]
pub(crate) enum Load {
    /// Messages about rows, over the stream.
    Rows(Vec<Message>),
    /// A roster, over the stream.
    Roster(Vec<u8>),
    /// A datagram.
    Swim(Vec<u8>),
}

impl Load {
    /// Whether it is sent again if it gets lost.
    pub(crate) const fn is_lasting(&self) -> bool {
        !matches!(self, Self::Swim(_))
    }

    /// All bytes, headers included.
    pub(crate) fn size(&self) -> usize {
        let content = match self {
            Self::Rows(messages) => messages.iter().map(size).sum(),
            Self::Roster(bytes) | Self::Swim(bytes) => FRAME + bytes.len(),
        };
        content + PACKET * content.div_ceil(ROOM).max(1)
    }

    /// The rows that it says are there.
    pub(crate) fn rows(&self) -> Vec<(StreamId, EndpointId)> {
        match self {
            Self::Rows(messages) => messages.iter().flat_map(rows).collect(),
            Self::Roster(_) | Self::Swim(_) => Vec::new(),
        }
    }
}

/// An estimate after `io/transport`'s protobuf: ids as 16 bytes, numbers as short ones.
fn size(message: &Message) -> usize {
    let content = match message {
        Message::Participation { networks, .. } => 2 * NUMBER + networks.len() * ID,
        Message::DirectoryRequest { .. } => ID,
        Message::Directory { nodes, .. } => ID + nodes.len() * ID,
        Message::Snapshot { rows, .. } => {
            2 * ID + 4 * NUMBER + SEAL + rows.iter().map(|endpoint| row(endpoint)).sum::<usize>()
        }
        Message::Delta { changes, .. } => {
            2 * ID + 5 * NUMBER + SEAL + changes.iter().map(change).sum::<usize>()
        }
        Message::Request { .. } => 2 * ID + 2 * NUMBER,
        Message::Digest { .. } => ID + 9,
        Message::Buckets { sums, .. } => ID + 3 + 8 * sums.len(),
        Message::Heads { heads, .. } => ID + 9 + heads.len() * (2 + ID + 2 * NUMBER),
    };
    FRAME + content
}

fn change(change: &RowChange) -> usize {
    match change {
        RowChange::Put(endpoint) => 2 + row(endpoint),
        RowChange::Remove(_) => 2 + ID,
    }
}

fn row(endpoint: &Endpoint) -> usize {
    let names: usize = endpoint.names().map(|name: &Name| name.as_str().len() + 2).sum();
    2 + ID + 8 + endpoint.addresses.len() * 6 + names
}

fn rows(message: &Message) -> Vec<(StreamId, EndpointId)> {
    match message {
        Message::Snapshot { stream, rows, .. } => {
            rows.iter().map(|row| (*stream, row.id)).collect()
        }
        Message::Delta { stream, changes, .. } => {
            let put = |change: &RowChange| matches!(change, RowChange::Put(_));
            let put = changes.iter().filter(|change| put(change));
            put.map(|change| (*stream, change.id())).collect()
        }
        Message::Participation { .. }
        | Message::DirectoryRequest { .. }
        | Message::Directory { .. }
        | Message::Request { .. }
        | Message::Digest { .. }
        | Message::Buckets { .. }
        | Message::Heads { .. } => Vec::new(),
    }
}
