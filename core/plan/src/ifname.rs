//! Interface names as the kernel takes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use weft_model::EndpointId;

/// The longest name: `IFNAMSIZ` less the closing zero.
const LONGEST: usize = 15;
/// How many digits of an endpoint's id fit behind a two-letter prefix.
const DIGITS: usize = 11;

/// The name of a network interface: 1 to 15 bytes, no slash, no space.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

/// Why a text is not an interface name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an interface name: 1 to 15 visible characters without `/` and `:` are possible"
)]
pub struct IfNameError(pub String);

impl IfName {
    /// The bridge inside a segment's namespace.
    #[must_use]
    pub fn bridge() -> Self {
        Self("br0".to_owned())
    }

    /// The VXLAN device inside a segment's namespace.
    #[must_use]
    pub fn vxlan() -> Self {
        Self("vx0".to_owned())
    }

    /// The bridge, in the host's namespace, through which workloads that are not Docker's leave.
    #[must_use]
    pub fn egress() -> Self {
        Self("weft-egress".to_owned())
    }

    /// The VXLAN device, in the host's namespace, of all networks that programs carry.
    #[must_use]
    pub fn shared() -> Self {
        Self("weft-vxlan".to_owned())
    }

    /// Every namespace's own interface.
    #[must_use]
    pub fn loopback() -> Self {
        Self("lo".to_owned())
    }

    /// The end of an endpoint's veth pair that is a port of the segment's bridge, or at none.
    #[must_use]
    pub fn port(endpoint: EndpointId) -> Self {
        Self::prefixed("wp", endpoint)
    }

    /// The end of an endpoint's veth pair that goes to the workload.
    #[must_use]
    pub fn peer(endpoint: EndpointId) -> Self {
        Self::prefixed("wc", endpoint)
    }

    /// The end of an endpoint's second veth pair that is a port of the egress bridge.
    #[must_use]
    pub fn egress_port(endpoint: EndpointId) -> Self {
        Self::prefixed("we", endpoint)
    }

    /// The end of an endpoint's second veth pair that goes to the workload.
    #[must_use]
    pub fn egress_peer(endpoint: EndpointId) -> Self {
        Self::prefixed("wx", endpoint)
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn prefixed(prefix: &str, endpoint: EndpointId) -> Self {
        Self(prefix.chars().chain(endpoint.to_string().chars().take(DIGITS)).collect())
    }
}

impl FromStr for IfName {
    type Err = IfNameError;

    /// The rules of the kernel's `dev_valid_name`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':');
        let sized = (1..=LONGEST).contains(&text.len());
        let valid = visible && sized && text != "." && text != "..";
        if valid { Ok(Self(text.to_owned())) } else { Err(IfNameError(text.to_owned())) }
    }
}

impl TryFrom<String> for IfName {
    type Error = IfNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> Self {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ends_of_a_pair_have_names_of_full_length() {
        let endpoint = EndpointId::from_random(0x0123_4567_89ab_cdef << 64);
        assert_eq!(IfName::port(endpoint).as_str(), "wp0123456789a");
        assert_eq!(IfName::peer(endpoint).as_str(), "wc0123456789a");
    }

    #[test]
    fn what_the_kernel_refuses_is_refused_here() {
        for text in ["", ".", "..", "a/b", "a b", "a:b", "sixteen-letters-"] {
            assert_eq!(text.parse::<IfName>(), Err(IfNameError(text.to_owned())));
        }
        assert_eq!("fifteen-letters".parse::<IfName>().unwrap().as_str(), "fifteen-letters");
    }
}
