//! The largest packet that an interface carries.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// An MTU in bytes, the Ethernet header not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Mtu(u16);

/// Why a number is not an MTU for an overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an MTU of {0} is out of range: {min} to {max} bytes are possible", min = Mtu::MIN, max = u16::MAX)]
pub struct MtuError(pub u32);

impl Mtu {
    /// The least that IPv4 hosts must accept (RFC 791 §3.1).
    pub const MIN: u16 = 576;
    /// Ethernet's own (IEEE 802.3).
    pub const ETHERNET: Self = Self(1500);

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        self.0
    }

    /// What is left inside VXLAN on a path of this MTU to `underlay`'s family.
    ///
    /// RFC 7348 §5: outer IP (20 or 40), UDP (8), VXLAN (8) and the inner Ethernet header (14).
    #[must_use]
    pub const fn inner(self, underlay: IpAddr) -> Self {
        let overhead = match underlay {
            IpAddr::V4(_) => 50,
            IpAddr::V6(_) => 70,
        };
        Self(self.0.saturating_sub(overhead))
    }
}

impl TryFrom<u32> for Mtu {
    type Error = MtuError;

    fn try_from(bytes: u32) -> Result<Self, Self::Error> {
        let fits = u16::try_from(bytes).map_err(|_too_large| MtuError(bytes))?;
        if fits < Self::MIN { Err(MtuError(bytes)) } else { Ok(Self(fits)) }
    }
}

impl From<Mtu> for u32 {
    fn from(mtu: Mtu) -> Self {
        mtu.0.into()
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vxlan_takes_fifty_bytes_over_ipv4_and_seventy_over_ipv6() {
        let inner = |address: &str| Mtu::ETHERNET.inner(address.parse().unwrap()).bytes();
        assert_eq!(inner("192.0.2.1"), 1450);
        assert_eq!(inner("2001:db8::1"), 1430);
    }

    #[test]
    fn what_no_interface_carries_is_refused() {
        assert_eq!(Mtu::try_from(575), Err(MtuError(575)));
        assert_eq!(Mtu::try_from(65_536), Err(MtuError(65_536)));
        assert_eq!(Mtu::try_from(576).map(u32::from), Ok(576));
    }
}
