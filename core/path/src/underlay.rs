//! Fourth hop: the host's own routing carries the datagram to the other host.
//!
//! Weft programs nothing here. It knows whether the other host is up, and how much fits.

use serde::{Deserialize, Serialize};
use weft_model::{Mtu, Vtep};

use crate::{Envelope, Facts, Located, Reason};

/// A datagram's way between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// Where it leaves.
    pub source: Vtep,
    /// Where it arrives.
    pub destination: Vtep,
    /// The largest packet that fits inside.
    pub inner_mtu: Mtu,
}

/// Carries `envelope` to the host of `home`, the endpoint it is for.
///
/// # Errors
///
/// [`Reason::HostUnreachable`] if that host is down, as far as the sender's host knows.
pub const fn underlay(
    facts: &Facts,
    envelope: &Envelope,
    home: &Located,
) -> Result<Crossing, Reason> {
    let Envelope { source, destination, .. } = *envelope;
    match home.visible {
        true => Ok(Crossing { source, destination, inner_mtu: facts.inner_mtu }),
        false => Err(Reason::HostUnreachable),
    }
}
