//! What stands on the wire: one envelope, versioned, in Protocol Buffers.
//!
//! An unknown body reads as none and is left alone, so that a cluster is upgraded host by host.
//! Registry values are JSON inside, as in the registry itself.

use prost::{Message, Oneof};

mod rows;
mod rpc;

pub(crate) use rows::{
    Buckets, Delta, Digest, Directory, Head, Heads, Network, Participation, Row, RowChange, Rows,
    RowsRequest,
};
pub(crate) use rpc::{
    Authority, Cede, Chain, Confirmed, Empty, Failed, Ids, Join, Joined, Outcome, Refused,
};

/// The version that this program speaks.
pub(crate) const VERSION: u32 = 1;

/// Every frame is one envelope.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Envelope {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    /// Reserved for relays between zones of a large cluster.
    #[prost(uint32, tag = "2")]
    pub(crate) zone: u32,
    #[prost(
        oneof = "Body",
        tags = "16, 17, 18, 19, 22, 23, 24, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 48, 49, 64, 65, 66, 67, 68"
    )]
    pub(crate) body: Option<Body>,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum Body {
    #[prost(message, tag = "16")]
    Participation(Participation),
    #[prost(message, tag = "17")]
    Rows(Rows),
    #[prost(message, tag = "18")]
    Delta(Delta),
    #[prost(message, tag = "19")]
    RowsRequest(RowsRequest),
    #[prost(message, tag = "22")]
    DirectoryRequest(Network),
    #[prost(message, tag = "23")]
    Directory(Directory),
    #[prost(message, tag = "24")]
    Digest(Digest),
    #[prost(message, tag = "25")]
    Buckets(Buckets),
    #[prost(message, tag = "26")]
    Heads(Heads),
    #[prost(bytes, tag = "27")]
    Membership(Vec<u8>),
    #[prost(bytes, tag = "32")]
    Command(Vec<u8>),
    #[prost(message, tag = "33")]
    Outcome(Outcome),
    #[prost(message, tag = "34")]
    Refused(Refused),
    #[prost(bytes, tag = "35")]
    Renew(Vec<u8>),
    #[prost(message, tag = "36")]
    Certificate(Chain),
    #[prost(message, tag = "37")]
    NotManager(Ids),
    #[prost(message, tag = "38")]
    Cede(Cede),
    #[prost(message, tag = "39")]
    Failed(Failed),
    #[prost(uint64, tag = "40")]
    Watch(u64),
    #[prost(bytes, tag = "41")]
    WatchSnapshot(Vec<u8>),
    #[prost(bytes, tag = "42")]
    WatchChanges(Vec<u8>),
    #[prost(message, tag = "43")]
    WatchConfirmed(Confirmed),
    #[prost(bytes, tag = "44")]
    Inspect(Vec<u8>),
    #[prost(bytes, tag = "45")]
    Inspected(Vec<u8>),
    #[prost(message, tag = "48")]
    Join(Join),
    #[prost(message, tag = "49")]
    Joined(Joined),
    #[prost(bytes, tag = "64")]
    Consensus(Vec<u8>),
    #[prost(bytes, tag = "65")]
    ConsensusAnswer(Vec<u8>),
    #[prost(message, tag = "66")]
    AuthorityRequest(Empty),
    #[prost(message, tag = "67")]
    Authority(Authority),
    #[prost(fixed64, tag = "68")]
    Greeting(u64),
}

impl Envelope {
    /// Puts a body into an envelope of this version.
    pub(crate) fn new(body: Body) -> Self {
        Self { version: VERSION, body: Some(body), ..Self::default() }
    }
}
