//! The packet filter's rules: one nft table that is replaced as a whole.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Guard, IfName};

/// The content of the table `inet weft`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// Who may send VXLAN to this host.
    pub guard: Guard,
    /// Whose addresses are rewritten on their way out.
    pub masquerade: Option<Masquerade>,
}

/// Traffic that leaves through this host's own address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masquerade {
    /// The bridge it comes from.
    pub bridge: IfName,
    /// The source addresses.
    pub range: IpNet,
}

/// The table as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirewallSeen {
    /// There is none.
    #[default]
    Missing,
    /// It holds something that Weft would not write.
    Altered,
    /// It holds exactly what Weft writes for this.
    Holds(Firewall),
}
