//! What can fail at the kernel's edge, and what a person can do about it.

use std::io;

use weft_model::Vni;
use weft_plan::IfName;

use crate::GuardError;

/// Why a dump could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The directory of namespaces cannot be read.
    #[error("read the directory of network namespaces {directory}")]
    Directory {
        /// Usually `/run/netns`.
        directory: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A netlink dump failed.
    #[error("ask the kernel for {what}")]
    Netlink {
        /// What was asked for.
        what: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The packet filter cannot be read.
    #[error("read the packet filter")]
    Nft(#[source] NftError),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A namespace cannot be made, entered or removed.
    #[error("cannot {what} network namespace {name}")]
    Namespace {
        /// What was tried.
        what: &'static str,
        /// Its name.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The kernel refused a netlink request.
    #[error("the kernel does not {what}")]
    Netlink {
        /// What was tried.
        what: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// An interface that the change needs is not there.
    #[error("there is no interface {name}")]
    NoInterface {
        /// Its name.
        name: IfName,
    },
    /// Somebody else listens on the VXLAN port.
    #[error("UDP port {port} is in use by another VXLAN device or program")]
    PortTaken {
        /// The port.
        port: u16,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Somebody else's VXLAN device has this number on this port.
    #[error("VNI {vni} on UDP port {port} is in use by another VXLAN device of this host")]
    VniTaken {
        /// The number.
        vni: Vni,
        /// The port.
        port: u16,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It belongs to something that failed as a whole.
    #[error("not tried: what it belongs to cannot be reached")]
    NotTried,
    /// A kernel setting cannot be written.
    #[error("write kernel setting {path}")]
    Setting {
        /// Its place under `/proc/sys`.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The packet filter refused the table.
    #[error("write the packet filter")]
    Nft(#[source] NftError),
    /// The guard's programs do not stand as they should.
    #[error("guard what comes in")]
    Guard(#[source] GuardError),
    /// Programs are to carry a network, and there are none.
    #[error("programs cannot carry it: {why}")]
    NoPrograms {
        /// Why there are none.
        why: String,
    },
    /// Docker's chain cannot be written.
    #[error("write Docker's chain DOCKER-USER")]
    Iptables(#[source] IptablesError),
}

/// Why `iptables` did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum IptablesError {
    /// The program cannot be started.
    #[error("start `{program}`")]
    Start {
        /// Which program.
        program: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The program failed.
    #[error("`{program}` fails: {why}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// What it said.
        why: String,
    },
}

/// Why `nft` did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum NftError {
    /// The program cannot be started.
    #[error("start `nft`")]
    Start(#[source] io::Error),
    /// The program failed.
    #[error("`nft` fails: {0}")]
    Failed(String),
    /// The kernel refused what was sent to it without the program.
    #[error("the packet filter refuses")]
    Refused(#[source] io::Error),
    /// The program answered something that is not its JSON.
    #[error("`nft` answers something unexpected")]
    Answer(#[source] serde_json::Error),
}

/// Why a workload's end of a pair is not wired.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The pair's end is not in the host's namespace.
    #[error("there is no interface {0} in the host's namespace")]
    NoPeer(IfName),
    /// The kernel refused a step.
    #[error("the kernel does not {what} for interface {name}")]
    Refused {
        /// The step.
        what: &'static str,
        /// The interface.
        name: IfName,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl ObserveError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Directory { source, .. } | Self::Netlink { source, .. } => hint_of(source),
            Self::Nft(error) => error.hint(),
        }
    }
}

impl ApplyError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::PortTaken { port, .. } => format!(
                "see who has it with `ss -ulnp sport = :{port}` and `ip -d link show type vxlan`, \
                 or choose another port for the cluster with `weft init --vxlan-port`"
            ),
            Self::VniTaken { vni, port, .. } => format!(
                "find the device with `ip -d link show type vxlan` (VNI {vni}) and remove it, \
                 or choose another port than {port} for the cluster with `weft init --vxlan-port`"
            ),
            Self::NoInterface { .. } | Self::NotTried => {
                "nothing is to be done: it is made anew within a second".to_owned()
            }
            Self::NoPrograms { .. } => {
                "take Linux 6.1 or later, or let bridges carry it: weft agent --datapath bridge"
                    .to_owned()
            }
            Self::Namespace { source, .. }
            | Self::Netlink { source, .. }
            | Self::Setting { source, .. } => hint_of(source),
            Self::Nft(error) => error.hint(),
            Self::Iptables(error) => error.hint(),
            Self::Guard(error) => error.hint().to_owned(),
        }
    }
}

impl IptablesError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Start { .. } => {
                "install iptables (`apt install iptables`): Docker filters with it".to_owned()
            }
            Self::Failed { .. } => {
                "look at Docker's rules with `iptables -S DOCKER-USER`; until then plain workloads \
                 do not reach the outside"
                    .to_owned()
            }
        }
    }
}

impl NftError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Start(_) => "install nftables: `apt install nftables`".to_owned(),
            Self::Refused(source) if source.kind() == io::ErrorKind::NotFound => {
                "the table is gone: it must be installed again".to_owned()
            }
            Self::Refused(source) => hint_of(source),
            Self::Failed(_) => {
                "look at the kernel's nf_tables support (`modprobe nf_tables`), and at \
                                the rules with `nft list table inet weft`"
                    .to_owned()
            }
            Self::Answer(_) => "nftables 1.0 or later is needed: see `nft --version`".to_owned(),
        }
    }
}

impl WireError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoPeer(_) => "attach the workload again".to_owned(),
            Self::Refused { source, .. } => hint_of(source),
        }
    }
}

/// What to try after an error of the kernel's own.
fn hint_of(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "the agent must run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN".to_owned()
        }
        io::ErrorKind::Unsupported => {
            "this kernel lacks a feature: `modprobe vxlan veth bridge nf_tables`, or take one that \
             has them"
                .to_owned()
        }
        io::ErrorKind::OutOfMemory => "the host has no memory left for interfaces".to_owned(),
        _ => "it is tried again; `weft status` tells whether it lasts".to_owned(),
    }
}
