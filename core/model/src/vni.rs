//! VXLAN network identifiers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The 24 bits that tell one overlay network's frames from another's (RFC 7348 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Vni(u32);

/// Why a number is not a VNI that a Weft network may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("VNI {0} is out of range: {min} to {max} are possible", min = Vni::MIN, max = Vni::MAX)]
pub struct VniError(pub u32);

impl Vni {
    /// The first one: those below are left to VLAN-like uses of other systems.
    pub const MIN: u32 = 4096;
    /// The last one that fits 24 bits.
    pub const MAX: u32 = 0x00ff_ffff;

    /// Folds random bits into the range.
    #[must_use]
    pub const fn from_random(bits: u32) -> Self {
        Self(Self::MIN + bits % (Self::MAX - Self::MIN + 1))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Vni {
    type Error = VniError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        let possible = (Self::MIN..=Self::MAX).contains(&number);
        if possible { Ok(Self(number)) } else { Err(VniError(number)) }
    }
}

impl From<Vni> for u32 {
    fn from(vni: Vni) -> Self {
        vni.0
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bits_fold_into_the_range() {
        for bits in [0, 1, u32::MAX, 0x00ff_efff, 0x00ff_f000] {
            let vni = Vni::from_random(bits);
            assert_eq!(Vni::try_from(vni.number()), Ok(vni));
        }
    }

    #[test]
    fn reserved_and_oversized_numbers_are_refused() {
        assert_eq!(Vni::try_from(4095), Err(VniError(4095)));
        assert_eq!(Vni::try_from(1 << 24), Err(VniError(1 << 24)));
    }
}
