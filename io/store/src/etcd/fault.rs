//! What can go wrong with an etcd, and what its errors tell about a request.

use etcd_client::Error;

use crate::StoreError;

/// Why etcd did not do what it was asked. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EtcdFault {
    /// No member answers, or they have no leader.
    #[error("etcd does not answer: {0}")]
    Away(String),
    /// This host may not do that.
    #[error("etcd lets this host not do that: {0}")]
    Denied(String),
    /// Its quota is used up.
    #[error("etcd has no space left")]
    Full,
    /// The request is none that it takes.
    #[error("etcd does not take the request: {0}")]
    Refused(String),
    /// It was told where etcd is in a way that cannot work.
    #[error("etcd cannot be asked: {0}")]
    Settings(String),
    /// A cluster is there already.
    #[error("etcd holds the registry of a cluster under the prefix {0} already")]
    Taken(String),
    /// Nothing was founded there.
    #[error("etcd holds no registry under the prefix {0}")]
    Missing(String),
    /// A newer version wrote it.
    #[error(
        "the registry under the prefix {prefix} has format {found}, this version of Weft knows {known} only"
    )]
    Format {
        /// Where it is.
        prefix: String,
        /// Its format.
        found: u64,
        /// This version's format.
        known: u64,
    },
    /// What was acknowledged once is not there any more.
    #[error(
        "etcd does not hold any more what it held before: it was restored or founded anew, or taken out of use"
    )]
    Replaced,
}

impl EtcdFault {
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Away(_) => "running workloads go on, and new ones start while this host's address blocks \
                 last; look at etcd with `etcdctl endpoint health`, and at the certificates if it says \
                 so"
            .into(),
            Self::Denied(_) => "look at the certificate that was given, and at what etcd's roles allow \
                 its name: it reads, writes and watches all keys that begin with the prefix"
                .into(),
            Self::Full => "compact and defragment it, then `etcdctl alarm disarm`".into(),
            Self::Refused(_) => "etcd 3.4 or newer is needed, with --max-txn-ops 128 or more".into(),
            Self::Settings(_) => "correct it, and try again".into(),
            Self::Taken(_) => "choose another prefix; or join that cluster".into(),
            Self::Missing(_) => "look at the prefix and the endpoints".into(),
            Self::Format { .. } => {
                "install the version of Weft that wrote it, or a newer one".into()
            }
            Self::Replaced => "restart weft on this host: it reads everything anew".into(),
        }
    }
}

impl From<EtcdFault> for StoreError {
    fn from(fault: EtcdFault) -> Self {
        Self::Etcd(fault)
    }
}

/// What an error tells about the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was not carried out; another member may do it.
    NotDone(String),
    /// It was carried out or not.
    Unknown(String),
    /// There is no such lease; nothing was done.
    NoLease,
    /// The revision asked for is compacted.
    Compacted,
    /// Nobody will do it.
    Never(EtcdFault),
}

/// The codes of gRPC, as far as they differ here.
/// <https://grpc.io/docs/guides/status-codes/>
mod code {
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const OUT_OF_RANGE: i32 = 11;
    pub(super) const UNIMPLEMENTED: i32 = 12;
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

impl Verdict {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::GRpcStatus(status) => {
                let (message, source) = (status.message(), std::error::Error::source(status));
                Self::of_status(status.code().into(), message, &chain(message, source))
            }
            Error::LeaseKeepAliveError(_) => Self::NoLease,
            Error::TransportError(error) => {
                Self::NotDone(chain(&error.to_string(), std::error::Error::source(error)))
            }
            Error::InvalidArgs(_) | Error::InvalidUri(_) => {
                Self::Never(EtcdFault::Settings(error.to_string()))
            }
            _ => Self::Unknown(error.to_string()),
        }
    }

    /// The messages are etcd's own, `api/v3rpc/rpctypes/error.go`.
    fn of_status(code: i32, message: &str, chain: &str) -> Self {
        let says = |words: &str| message.contains(words);
        let cause = || chain.to_owned();
        match code {
            code::NOT_FOUND if says("lease not found") => Self::NoLease,
            code::OUT_OF_RANGE if says("compacted") => Self::Compacted,
            code::RESOURCE_EXHAUSTED if says("space exceeded") => Self::Never(EtcdFault::Full),
            code::RESOURCE_EXHAUSTED if says("too many requests") => Self::NotDone(cause()),
            code::PERMISSION_DENIED | code::UNAUTHENTICATED => {
                Self::Never(EtcdFault::Denied(cause()))
            }
            code::NOT_FOUND
            | code::RESOURCE_EXHAUSTED
            | code::FAILED_PRECONDITION
            | code::OUT_OF_RANGE
            | code::UNIMPLEMENTED
            | code::INVALID_ARGUMENT => Self::Never(EtcdFault::Refused(cause())),
            // What was never sent, and what a member without a leader does not even propose.
            _ if says("no leader") || chain.contains("connect error") => Self::NotDone(cause()),
            _ => Self::Unknown(cause()),
        }
    }
}

/// A message and its causes, each once.
fn chain(message: &str, mut next: Option<&(dyn std::error::Error + 'static)>) -> String {
    let mut told = vec![message.to_owned()];
    while let Some(error) = next {
        let text = error.to_string();
        if !told.iter().any(|said| said.contains(&text)) {
            told.push(text);
        }
        next = error.source();
    }
    told.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_surely_was_not_done_may_be_asked_again() {
        let cases = [
            (14, "etcdserver: no leader", true),
            (14, "tcp connect error", true),
            (8, "etcdserver: too many requests", true),
            (14, "etcdserver: request timed out", false),
            (14, "etcdserver: leader changed", false),
            (14, "connection reset", false),
            (2, "transport error", false),
            (1, "operation was canceled", false),
            (4, "deadline exceeded", false),
        ];
        for (code, message, surely) in cases {
            let verdict = Verdict::of_status(code, message, message);
            let expected = if surely {
                Verdict::NotDone(message.into())
            } else {
                Verdict::Unknown(message.into())
            };
            assert_eq!(verdict, expected, "{message}");
        }
    }
}
