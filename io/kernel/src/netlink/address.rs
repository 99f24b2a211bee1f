//! Messages about addresses and routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::RouteMessageBuilder;

use super::{CHANGE, REPLACE, Request};

pub(crate) fn add(device: u32, address: IpNet) -> Request {
    (RouteNetlinkMessage::NewAddress(message(device, address)), REPLACE)
}

pub(crate) fn remove(device: u32, address: IpNet) -> Request {
    (RouteNetlinkMessage::DelAddress(message(device, address)), CHANGE)
}

/// All addresses of a namespace.
pub(crate) fn all() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetAddress(AddressMessage::default())
}

/// A default route through a gateway.
pub(crate) fn add_default(device: u32, gateway: IpAddr) -> Request {
    let route = match gateway {
        IpAddr::V4(gateway) => {
            RouteMessageBuilder::<Ipv4Addr>::new().output_interface(device).gateway(gateway).build()
        }
        IpAddr::V6(gateway) => {
            RouteMessageBuilder::<Ipv6Addr>::new().output_interface(device).gateway(gateway).build()
        }
    };
    (RouteNetlinkMessage::NewRoute(route), REPLACE)
}

/// All routes of a family.
pub(crate) fn all_routes(family: AddressFamily) -> RouteNetlinkMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    RouteNetlinkMessage::GetRoute(message)
}

/// The route that a packet to `address` takes.
pub(crate) fn route_to(address: IpAddr) -> RouteNetlinkMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(address);
    message.header.destination_prefix_length = if address.is_ipv4() { 32 } else { 128 };
    message.attributes.push(RouteAttribute::Destination(route_address(address)));
    RouteNetlinkMessage::GetRoute(message)
}

/// An interface's address as a dump shows it.
pub(crate) fn of(message: RouteNetlinkMessage) -> Option<(u32, IpNet)> {
    let RouteNetlinkMessage::NewAddress(message) = message else { return None };
    let length = message.header.prefix_len;
    let find = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| {
        message.attributes.iter().find_map(wanted)
    };
    // On point-to-point links IFA_ADDRESS is the other end; IFA_LOCAL is ours where it is there.
    let address = find(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    })
    .or_else(|| {
        find(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })?;
    Some((message.header.index, IpNet::new(address, length).ok()?))
}

/// A route's parts that Weft looks at.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) destination: Option<IpNet>,
    pub(crate) device: Option<u32>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) mtu: Option<u32>,
    pub(crate) kind: RouteType,
    pub(crate) table: u32,
}

impl Route {
    pub(crate) fn of(message: RouteNetlinkMessage) -> Option<Self> {
        let RouteNetlinkMessage::NewRoute(message) = message else { return None };
        let mut route = Self {
            destination: None,
            device: None,
            source: None,
            gateway: None,
            mtu: None,
            kind: message.header.kind,
            table: message.header.table.into(),
        };
        let length = message.header.destination_prefix_length;
        message.attributes.into_iter().for_each(|attribute| route.take(attribute, length));
        Some(route)
    }

    fn take(&mut self, attribute: RouteAttribute, length: u8) {
        match attribute {
            RouteAttribute::Destination(address) => {
                self.destination =
                    ip_of(&address).and_then(|address| IpNet::new(address, length).ok());
            }
            RouteAttribute::Oif(device) => self.device = Some(device),
            RouteAttribute::PrefSource(address) => self.source = ip_of(&address),
            RouteAttribute::Gateway(address) => self.gateway = ip_of(&address),
            RouteAttribute::Table(table) => self.table = table,
            RouteAttribute::Metrics(metrics) => {
                self.mtu = metrics.iter().find_map(|metric| match metric {
                    netlink_packet_route::route::RouteMetric::Mtu(mtu) => Some(*mtu),
                    _ => None,
                });
            }
            _ => {}
        }
    }
}

fn message(device: u32, address: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.addr());
    message.header.prefix_len = address.prefix_len();
    message.header.index = device;
    if address.addr().is_ipv6() {
        // It was leased to one only: no second of silence to find out whether others have it.
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message.attributes.push(AddressAttribute::Address(address.addr()));
    message.attributes.push(AddressAttribute::Local(address.addr()));
    message
}

const fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

const fn route_address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

const fn ip_of(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}
