//! The filter for a tunnel's packets.

use super::Step;

/// UDP to `port`; fragments without a port are left alone.
pub(super) fn to(port: u16) -> Vec<Step> {
    use Step::{Accept, EqualElse, HeaderLength, LoadByte, LoadHalf, LoadHalfAfter, Mask, Reject};
    let port = u32::from(port);
    vec![
        LoadHalf(12),
        EqualElse(0x0800, 9),
        // IPv4: UDP, no later fragment, its port.
        LoadByte(23),
        EqualElse(17, 13),
        LoadHalf(20),
        Mask(0x1fff),
        EqualElse(0, 10),
        HeaderLength(14),
        LoadHalfAfter(16),
        EqualElse(port, 7),
        Accept,
        // IPv6 without extension headers.
        EqualElse(0x86dd, 5),
        LoadByte(20),
        EqualElse(17, 3),
        LoadHalf(56),
        EqualElse(port, 1),
        Accept,
        Reject,
    ]
}
