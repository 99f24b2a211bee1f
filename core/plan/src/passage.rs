//! The way through Docker's packet filter: rules of Weft's in a chain of Docker's.
//!
//! Where Docker filters, it drops what is forwarded and is not its own. The chain `DOCKER-USER` is
//! where it lets others speak first. Weft's rules stand there only while the chain does and while
//! there is an egress bridge; Docker makes the chain, and Weft never does.

use serde::{Deserialize, Serialize};

use crate::{Desired, IfName};

/// What stands of Weft's in the chain `DOCKER-USER`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PassageSeen {
    /// There is no such chain: nothing has to be let through.
    #[default]
    NoChain,
    /// The chain holds nothing of Weft's.
    Shut,
    /// It holds something of Weft's that Weft would not write, or where it has no effect.
    Altered,
    /// It holds exactly what Weft writes for this bridge.
    Open(IfName),
}

impl PassageSeen {
    /// What is right for `desired` in a kernel that has the chain, or has it not, as this one.
    #[must_use]
    pub fn right_for(&self, desired: &Desired) -> Self {
        match (self, &desired.egress) {
            (Self::NoChain, _) => Self::NoChain,
            (_, Some(egress)) => Self::Open(egress.bridge.clone()),
            (_, None) => Self::Shut,
        }
    }
}
