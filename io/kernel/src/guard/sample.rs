//! A packet that the guard dropped, for people to look at.

use std::net::IpAddr;
use std::time::SystemTime;

use weft_model::{MacAddr, Vni};
use weft_path::Reason;

/// One of the packets that were dropped. Not all are told: the kernel's programs tell at most some
/// per second and reason, and count all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropSample {
    /// When.
    pub at: SystemTime,
    /// Why.
    pub reason: Reason,
    /// The interface that it came in by: of the host's, or a segment's port.
    pub interface: String,
    /// The network it said it is of, or that its port is of.
    pub vni: Option<Vni>,
    /// Of a VXLAN packet, who sent it over the underlay.
    pub outer_source: Option<IpAddr>,
    /// The frame's sender; of a VXLAN packet that of the inner frame, if it was looked at.
    pub source_mac: MacAddr,
    /// The frame's destination, likewise.
    pub destination_mac: MacAddr,
    /// The packet's sender, likewise; nothing if it is not IP or ARP.
    pub source: Option<IpAddr>,
    /// The packet's destination, likewise.
    pub destination: Option<IpAddr>,
    /// The frame's length in bytes, as it came in.
    pub length: u32,
}
