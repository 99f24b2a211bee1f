//! What stands on the wire: one envelope, versioned, in Protocol Buffers.
//!
//! An unknown body reads as none and is left alone, so that a cluster is upgraded host by host.
//! Registry values are JSON inside, as in the registry itself.

use prost::{Message, Oneof};

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

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Participation {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) version: u64,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) networks: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Network {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Directory {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(crate) nodes: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Rows {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) epoch: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) version: u64,
    #[prost(message, repeated, tag = "4")]
    pub(crate) rows: Vec<Row>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) owner: Vec<u8>,
    #[prost(uint32, tag = "6")]
    pub(crate) presence: u32,
    #[prost(bool, tag = "7")]
    pub(crate) fresh: bool,
    /// The owner's signature, 64 bytes.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) seal: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Delta {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) epoch: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) from: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) to: u64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) changes: Vec<RowChange>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) owner: Vec<u8>,
    #[prost(uint32, tag = "7")]
    pub(crate) presence: u32,
    #[prost(bool, tag = "8")]
    pub(crate) fresh: bool,
    /// The owner's signature, 64 bytes, under all that it has after the changes.
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) seal: Vec<u8>,
}

/// One change: a row that is there, or the id of one that is gone.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RowChange {
    #[prost(message, optional, tag = "1")]
    pub(crate) put: Option<Row>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) remove: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Row {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) mac: Vec<u8>,
    /// 4 or 16 bytes each.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) addresses: Vec<Vec<u8>>,
    #[prost(string, optional, tag = "4")]
    pub(crate) name: Option<String>,
    #[prost(string, repeated, tag = "5")]
    pub(crate) aliases: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RowsRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) epoch: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) have: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) owner: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Digest {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    #[prost(fixed64, tag = "2")]
    pub(crate) sum: u64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Buckets {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    #[prost(fixed64, repeated, tag = "2")]
    pub(crate) sums: Vec<u64>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Heads {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    #[prost(fixed64, tag = "2")]
    pub(crate) buckets: u64,
    #[prost(message, repeated, tag = "3")]
    pub(crate) heads: Vec<Head>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Head {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) owner: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) epoch: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) version: u64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Outcome {
    /// JSON.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) outcome: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) revision: u64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Refused {
    #[prost(string, tag = "1")]
    pub(crate) error: String,
    #[prost(string, tag = "2")]
    pub(crate) hint: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Failed {
    #[prost(string, tag = "1")]
    pub(crate) error: String,
    #[prost(string, tag = "2")]
    pub(crate) hint: String,
    #[prost(bool, tag = "3")]
    pub(crate) perhaps: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Chain {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) certificates: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Ids {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) ids: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Cede {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) network: Vec<u8>,
    /// 4 or 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) address: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Join {
    #[prost(string, tag = "1")]
    pub(crate) secret: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) csr: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) vtep: Vec<u8>,
    #[prost(uint32, tag = "5")]
    pub(crate) control_port: u32,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) node: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Joined {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) chain: Vec<Vec<u8>>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) ca: Vec<u8>,
    /// JSON.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) node: Vec<u8>,
    /// JSON.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) snapshot: Vec<u8>,
}

/// The leader's id; empty: there is none.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Confirmed {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) leader: Vec<u8>,
}

/// A key: it is not to be told in a log.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Authority {
    #[prost(string, tag = "1")]
    pub(crate) pem: String,
    #[prost(string, optional, tag = "2")]
    pub(crate) etcd: Option<String>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(…)")
    }
}

impl Envelope {
    /// Puts a body into an envelope of this version.
    pub(crate) fn new(body: Body) -> Self {
        Self { version: VERSION, body: Some(body), ..Self::default() }
    }
}
