//! What is asked of one node, what it answers, and how a new one joins.

use prost::Message;

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Empty {}

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
