//! Who takes part in which network, and what is there: `weft_whereabouts::Message`.

use prost::Message;

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
