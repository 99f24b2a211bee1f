//! The filter for what programs carry.

use nix::libc;

use super::{Step, tunnel};
use crate::guard::FIRST_PORT;

/// What the kernel says beside the frame itself (`SKF_AD_OFF`, `linux/filter.h`).
const BESIDE: u32 = libc::SKF_AD_OFF.cast_unsigned();
const KIND: u32 = BESIDE + libc::SKF_AD_PKTTYPE.cast_unsigned();
const INTERFACE: u32 = BESIDE + libc::SKF_AD_IFINDEX.cast_unsigned();

/// What comes in by a workload's port, all of which have large numbers, or in the tunnel.
pub(super) fn arriving(port: u16) -> Vec<Step> {
    use Step::{Accept, EqualElse, LoadWord, Mask, Reject};
    let outgoing = u32::from(libc::PACKET_OUTGOING);
    let incoming = vec![LoadWord(KIND), EqualElse(outgoing, 1), Reject];
    let by_port = vec![LoadWord(INTERFACE), Mask(FIRST_PORT), EqualElse(FIRST_PORT, 1), Accept];
    [incoming, by_port, tunnel::to(port)].concat()
}
