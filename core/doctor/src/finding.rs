//! What the doctor says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that is wrong, or soon will be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at.
    pub check: Check,
    /// The host that it is about.
    pub host: String,
    /// The other host, if it is about the way to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// What was found.
    pub what: String,
    /// What follows from it.
    pub why: String,
    /// What to type or to do.
    #[serde(rename = "try")]
    pub remedy: String,
}

/// How bad a finding is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Packets are lost, or something does not work.
    Error,
    /// It works, but not as it should, or not for long.
    Warning,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Whether another host answers.
    Reach,
    /// Whether VXLAN arrives at another host.
    Vxlan,
    /// Whether large packets do.
    Mtu,
    /// Whether what arrives is what was sent.
    Checksum,
    /// Whether the hosts' clocks agree.
    Clock,
    /// How long the node's certificate is good for.
    Certificate,
    /// What the kernel lacks, or refuses.
    Kernel,
    /// Others' rules that drop what Weft needs.
    Firewall,
    /// Others that use the VXLAN port.
    Port,
    /// The Docker Engine and its settings.
    Engine,
    /// Networks that hide routes of the host.
    Subnet,
    /// What is about to be full.
    Capacity,
}

impl Finding {
    /// A finding about `host` itself.
    #[must_use]
    pub fn new(severity: Severity, check: Check, host: &str, told: [String; 3]) -> Self {
        let [what, why, remedy] = told;
        Self { severity, check, host: host.to_owned(), peer: None, what, why, remedy }
    }

    /// The same, about the way to `peer`.
    #[must_use]
    pub fn towards(self, peer: &str) -> Self {
        Self { peer: Some(peer.to_owned()), ..self }
    }
}

impl Check {
    /// The word that stands for it in JSON and in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Vxlan => "vxlan",
            Self::Mtu => "mtu",
            Self::Checksum => "checksum",
            Self::Clock => "clock",
            Self::Certificate => "certificate",
            Self::Kernel => "kernel",
            Self::Firewall => "firewall",
            Self::Port => "port",
            Self::Engine => "engine",
            Self::Subnet => "subnet",
            Self::Capacity => "capacity",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
