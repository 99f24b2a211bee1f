//! The filters for a tunnel's packets.

use super::Step::{
    HeaderLength, LoadByte, LoadByteAfter, LoadHalf, LoadHalfAfter, LoadWord, LoadWordAfter, Mask,
};
use super::{Is, Step, any_of};

/// UDP's number.
const UDP: u32 = 17;
/// The inner packet's protocol in an IPv4 header, from the VXLAN header's beginning on: behind that
/// header and Ethernet's.
const INNER_PROTOCOL: u32 = 8 + 14 + 9;

/// UDP to `port`; fragments without a port are left alone.
pub(super) fn to(port: u16) -> Vec<Step> {
    any_of(&[over_ipv4(port), over_ipv6(port)])
}

/// VXLAN of the network with this number to `port`; if `inner` is given, with a packet of that
/// protocol over IPv4 inside.
pub(crate) fn of_network(port: u16, number: u32, inner: Option<u32>) -> Vec<Step> {
    let network = |load| Is(vec![load, Mask(0xffff_ff00)], number << 8);
    let mut v4 = over_ipv4(port);
    v4.push(network(LoadWordAfter(14 + 8 + 4)));
    v4.extend(inner.map(|of| Is(vec![LoadByteAfter(14 + 8 + INNER_PROTOCOL)], of)));
    let mut v6 = over_ipv6(port);
    v6.push(network(LoadWord(54 + 8 + 4)));
    v6.extend(inner.map(|of| Is(vec![LoadByte(54 + 8 + INNER_PROTOCOL)], of)));
    any_of(&[v4, v6])
}

/// UDP, no later fragment, the port. The IP header's length is at hand afterwards.
fn over_ipv4(port: u16) -> Vec<Is> {
    vec![
        Is(vec![LoadHalf(12)], 0x0800),
        Is(vec![LoadByte(23)], UDP),
        Is(vec![LoadHalf(20), Mask(0x1fff)], 0),
        Is(vec![HeaderLength(14), LoadHalfAfter(16)], u32::from(port)),
    ]
}

/// The same without extension headers.
fn over_ipv6(port: u16) -> Vec<Is> {
    vec![
        Is(vec![LoadHalf(12)], 0x86dd),
        Is(vec![LoadByte(20)], UDP),
        Is(vec![LoadHalf(56)], u32::from(port)),
    ]
}
