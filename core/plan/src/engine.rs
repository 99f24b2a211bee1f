//! Who carries frames between workloads.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The data plane of a host. Both put the same packets on the wire, so hosts need not agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A namespace with a bridge and a VXLAN device for each network.
    #[default]
    Bridge,
    /// Programs at the interfaces themselves: no object for a network, no bridge.
    Bpf,
}

/// Why a text names no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no data plane: there are `bridge` and `bpf`")]
pub struct EngineError(pub String);

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bridge => "bridge",
            Self::Bpf => "bpf",
        })
    }
}

impl FromStr for Engine {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = [Self::Bridge, Self::Bpf].into_iter().find(|engine| engine.to_string() == text);
        named.ok_or_else(|| EngineError(text.to_owned()))
    }
}
