//! rtnetlink, as much of it as Weft speaks.

pub(crate) mod address;
pub(crate) mod entry;
pub(crate) mod link;
mod socket;
pub(crate) mod tc;

pub(crate) use socket::{Request, Rtnl, messages};

/// Flags of a request that makes something.
pub(crate) const CREATE: u16 = netlink_packet_core::NLM_F_CREATE | netlink_packet_core::NLM_F_EXCL;
/// Flags of a request that makes something or takes the place of what is there.
pub(crate) const REPLACE: u16 =
    netlink_packet_core::NLM_F_CREATE | netlink_packet_core::NLM_F_REPLACE;
/// Flags of a request that changes or removes something.
pub(crate) const CHANGE: u16 = 0;
