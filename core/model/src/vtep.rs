//! VXLAN tunnel end points.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The UDP port that IANA assigned to VXLAN (RFC 7348 §5).
pub const DEFAULT_VXLAN_PORT: u16 = 4789;

/// The underlay address at which a host sends and accepts VXLAN (RFC 7348 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vtep(pub IpAddr);

impl fmt::Display for Vtep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
