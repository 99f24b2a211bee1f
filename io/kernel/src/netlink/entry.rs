//! Messages about entries: forwarding (`AF_BRIDGE`) and neighbour tables.

use std::net::IpAddr;

use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use weft_model::{MacAddr, Vtep};

use super::{CHANGE, REPLACE, Request};

/// `NUD_*` of `linux/neighbour.h`; the kernel combines them for forwarding entries.
pub(crate) const NOARP: u16 = 0x40;
pub(crate) const PERMANENT: u16 = 0x80;
/// States of a neighbor that has not answered: incomplete or failed.
pub(crate) const UNANSWERED: [u16; 2] = [0x01, 0x20];
/// States that the kernel keeps for itself: none, incomplete, failed, or without ARP.
pub(crate) const TRANSIENT: [u16; 4] = [0, 0x01, 0x20, NOARP];

/// Where a VXLAN device sends frames to `mac`.
pub(crate) fn set_home(vxlan: u32, mac: MacAddr, vtep: Vtep) -> Request {
    let mut message = forwarding(vxlan, mac, NOARP | PERMANENT, NeighbourFlags::Own);
    message.attributes.push(NeighbourAttribute::Destination(vtep.0.into()));
    (RouteNetlinkMessage::NewNeighbour(message), REPLACE)
}

/// Forgets all destinations of `mac`.
pub(crate) fn remove_home(vxlan: u32, mac: MacAddr) -> Request {
    let message = forwarding(vxlan, mac, NOARP | PERMANENT, NeighbourFlags::Own);
    (RouteNetlinkMessage::DelNeighbour(message), CHANGE)
}

/// Behind which port the bridge finds `mac`. `NUD_NOARP` is static; `NUD_PERMANENT` would be local.
pub(crate) fn set_station(port: u32, mac: MacAddr) -> Request {
    let message = forwarding(port, mac, NOARP, NeighbourFlags::Controller);
    (RouteNetlinkMessage::NewNeighbour(message), REPLACE)
}

pub(crate) fn remove_station(port: u32, mac: MacAddr) -> Request {
    let message = forwarding(port, mac, NOARP, NeighbourFlags::Controller);
    (RouteNetlinkMessage::DelNeighbour(message), CHANGE)
}

pub(crate) fn set_neighbor(device: u32, address: IpAddr, mac: MacAddr) -> Request {
    let mut message = neighbor(device, address);
    message.header.state = NeighbourState::Permanent;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
    (RouteNetlinkMessage::NewNeighbour(message), REPLACE)
}

pub(crate) fn remove_neighbor(device: u32, address: IpAddr) -> Request {
    (RouteNetlinkMessage::DelNeighbour(neighbor(device, address)), CHANGE)
}

/// All entries of a family: `Bridge` for forwarding tables, `Unspec` for IPv4 and IPv6 neighbours.
pub(crate) fn all(family: AddressFamily) -> RouteNetlinkMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family;
    RouteNetlinkMessage::GetNeighbour(message)
}

/// What the kernel knows of one neighbor (`neigh_get`, net/core/neighbour.c).
pub(crate) fn one(device: u32, address: IpAddr) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetNeighbour(neighbor(device, address))
}

/// An entry as a dump shows it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) device: u32,
    pub(crate) state: u16,
    pub(crate) flags: NeighbourFlags,
    pub(crate) mac: Option<MacAddr>,
    pub(crate) address: Option<IpAddr>,
    /// It has a port, VNI or interface of its own.
    pub(crate) special: bool,
}

impl Entry {
    pub(crate) fn of(message: RouteNetlinkMessage) -> Option<Self> {
        let RouteNetlinkMessage::NewNeighbour(message) = message else { return None };
        let mut entry = Self {
            device: message.header.ifindex,
            state: message.header.state.into(),
            flags: message.header.flags,
            mac: None,
            address: None,
            special: false,
        };
        message.attributes.into_iter().for_each(|attribute| entry.take(attribute));
        Some(entry)
    }

    fn take(&mut self, attribute: NeighbourAttribute) {
        match attribute {
            NeighbourAttribute::LinkLayerAddress(mac) => {
                self.mac = mac.try_into().ok().map(MacAddr);
            }
            NeighbourAttribute::Destination(address) => self.address = ip_of(&address),
            NeighbourAttribute::Port(_)
            | NeighbourAttribute::Vni(_)
            | NeighbourAttribute::IfIndex(_) => self.special = true,
            _ => {}
        }
    }
}

/// In `AF_BRIDGE` messages the destination's family is told by its length only.
fn ip_of(address: &NeighbourAddress) -> Option<IpAddr> {
    match address {
        NeighbourAddress::Inet(address) => Some((*address).into()),
        NeighbourAddress::Inet6(address) => Some((*address).into()),
        NeighbourAddress::Other(bytes) => <[u8; 4]>::try_from(bytes.as_slice())
            .map(IpAddr::from)
            .or_else(|_length| <[u8; 16]>::try_from(bytes.as_slice()).map(IpAddr::from))
            .ok(),
        _ => None,
    }
}

fn forwarding(device: u32, mac: MacAddr, state: u16, flags: NeighbourFlags) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = device;
    message.header.state = NeighbourState::Other(state);
    message.header.flags = flags;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
    message
}

fn neighbor(device: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.ifindex = device;
    message.attributes.push(NeighbourAttribute::Destination(address.into()));
    message
}
