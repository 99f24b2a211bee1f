//! Messages about interfaces: those that Weft sends, and what it reads out of a dump.

use std::os::fd::{AsRawFd, RawFd};

use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoKind,
    InfoPortData, InfoPortKind, InfoVeth, InfoVxlan, LinkAttribute, LinkExtentMask, LinkFlags,
    LinkInfo, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;
use weft_model::{MacAddr, Mtu};
use weft_plan::{IfName, Tunnel};

use super::{CHANGE, CREATE, Request};
use crate::Netns;

/// The TTL of outer packets: more hops than any underlay has.
const TTL: u8 = 64;

/// An interface as a dump shows it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) up: bool,
    pub(crate) mtu: u32,
    pub(crate) mac: Option<MacAddr>,
    pub(crate) master: Option<u32>,
    /// Present if the device's lower half is in another namespace.
    pub(crate) elsewhere: bool,
    pub(crate) kind: Option<InfoKind>,
    pub(crate) data: Option<InfoData>,
    pub(crate) port: Vec<InfoBridgePort>,
    /// Whether IPv6 is on; nothing if the kernel has none.
    pub(crate) ipv6: Option<bool>,
}

impl Link {
    pub(crate) fn of(message: RouteNetlinkMessage) -> Option<Self> {
        let RouteNetlinkMessage::NewLink(message) = message else { return None };
        let up = message.header.flags.contains(LinkFlags::Up);
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            up,
            mtu: 0,
            mac: None,
            master: None,
            elsewhere: false,
            kind: None,
            data: None,
            port: Vec::new(),
            ipv6: None,
        };
        message.attributes.into_iter().for_each(|attribute| link.take(attribute));
        Some(link)
    }

    fn take(&mut self, attribute: LinkAttribute) {
        match attribute {
            LinkAttribute::IfName(name) => self.name = name,
            LinkAttribute::Mtu(mtu) => self.mtu = mtu,
            LinkAttribute::Address(mac) => self.mac = mac.try_into().ok().map(MacAddr),
            LinkAttribute::Controller(master) => self.master = Some(master),
            LinkAttribute::LinkNetNsId(_) => self.elsewhere = true,
            LinkAttribute::LinkInfo(infos) => {
                infos.into_iter().for_each(|info| self.take_info(info));
            }
            LinkAttribute::AfSpecUnspec(families) => {
                self.ipv6 = families.iter().find_map(is_ipv6_on);
            }
            _ => {}
        }
    }

    fn take_info(&mut self, info: LinkInfo) {
        match info {
            LinkInfo::Kind(kind) => self.kind = Some(kind),
            LinkInfo::Data(data) => self.data = Some(data),
            LinkInfo::PortData(InfoPortData::BridgePort(port)) => self.port = port,
            _ => {}
        }
    }
}

fn is_ipv6_on(family: &AfSpecUnspec) -> Option<bool> {
    let AfSpecUnspec::Inet6(settings) = family else { return None };
    settings.iter().find_map(|setting| match setting {
        AfSpecInet6::DevConf(settings) => Some(settings.disable_ipv6 == 0),
        _ => None,
    })
}

/// All interfaces of a namespace.
pub(crate) fn all() -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    RouteNetlinkMessage::GetLink(message)
}

/// The ports of one bridge.
pub(crate) fn ports_of(bridge: u32) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    message.attributes.push(LinkAttribute::Controller(bridge));
    RouteNetlinkMessage::GetLink(message)
}

/// One interface.
pub(crate) fn named(name: &IfName) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(message(0, vec![LinkAttribute::IfName(name.to_string())]))
}

/// One interface, by its number.
pub(crate) fn numbered(index: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(message(index, Vec::new()))
}

pub(crate) fn add_bridge(name: &IfName, mac: MacAddr, mtu: Mtu) -> Request {
    let attributes = vec![
        LinkAttribute::IfName(name.to_string()),
        LinkAttribute::Address(mac.0.to_vec()),
        LinkAttribute::Mtu(mtu.into()),
        bridge_info(),
    ];
    (RouteNetlinkMessage::NewLink(message(0, attributes)), CREATE)
}

/// A bridge's settings, its address left as it is.
pub(crate) fn set_bridge(index: u32, mtu: Mtu) -> Request {
    let attributes = vec![LinkAttribute::Mtu(mtu.into()), bridge_info()];
    (RouteNetlinkMessage::NewLink(up(message(index, attributes))), CHANGE)
}

/// One setting of a bridge.
pub(crate) fn set_bridge_option(index: u32, option: InfoBridge) -> Request {
    let attributes = vec![LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Bridge),
        LinkInfo::Data(InfoData::Bridge(vec![option])),
    ])];
    (RouteNetlinkMessage::NewLink(message(index, attributes)), CHANGE)
}

fn bridge_info() -> LinkAttribute {
    LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Bridge),
        LinkInfo::Data(InfoData::Bridge(vec![
            InfoBridge::ForwardDelay(0),
            InfoBridge::StpState(BridgeStpState::Disabled),
            InfoBridge::MulticastSnooping(false),
        ])),
    ])
}

/// Makes a VXLAN device inside `into`, its tunnel in the namespace of the socket it is sent on.
pub(crate) fn add_vxlan(name: &IfName, tunnel: &Tunnel, mac: MacAddr, into: &Netns) -> Request {
    let Tunnel { vni, local, udp_port, mtu } = *tunnel;
    let local = match local.0 {
        IpAddr::V4(local) => InfoVxlan::Local(local),
        IpAddr::V6(local) => InfoVxlan::Local6(local),
    };
    let vxlan = vec![
        InfoVxlan::Id(vni.number()),
        local,
        InfoVxlan::Port(udp_port),
        InfoVxlan::Learning(false),
        InfoVxlan::Proxy(true),
        InfoVxlan::UDPCsum(true),
        InfoVxlan::Ttl(TTL),
    ];
    let attributes = vec![
        LinkAttribute::IfName(name.to_string()),
        LinkAttribute::NetNsFd(fd(into)),
        LinkAttribute::Address(mac.0.to_vec()),
        LinkAttribute::Mtu(mtu.into()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Vxlan),
            LinkInfo::Data(InfoData::Vxlan(vxlan)),
        ]),
    ];
    (RouteNetlinkMessage::NewLink(message(0, attributes)), CREATE)
}

/// One end of a veth pair to be made.
pub(crate) struct End<'a> {
    pub(crate) name: &'a IfName,
    pub(crate) mac: Option<MacAddr>,
}

/// Makes a veth pair: `here` in the socket's namespace, `there` in another.
pub(crate) fn add_veth(here: &End<'_>, there: &End<'_>, mtu: Mtu, into: &Netns) -> Request {
    let end = |end: &End<'_>| {
        let mut attributes =
            vec![LinkAttribute::IfName(end.name.to_string()), LinkAttribute::Mtu(mtu.into())];
        attributes.extend(end.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        attributes
    };
    let mut other = end(there);
    other.push(LinkAttribute::NetNsFd(fd(into)));
    let peer = InfoVeth::Peer(message(0, other));
    let mut attributes = end(here);
    attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(peer)),
    ]));
    (RouteNetlinkMessage::NewLink(message(0, attributes)), CREATE)
}

/// Ends a VXLAN device's learning; nothing else of it can be changed in place.
pub(crate) fn stop_learning(index: u32) -> Request {
    let attributes = vec![LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Vxlan),
        LinkInfo::Data(InfoData::Vxlan(vec![InfoVxlan::Learning(false)])),
    ])];
    (RouteNetlinkMessage::NewLink(message(index, attributes)), CHANGE)
}

/// Makes an interface a port of a bridge.
pub(crate) fn set_master(index: u32, master: u32, mtu: Mtu) -> Request {
    let attributes = vec![LinkAttribute::Controller(master), LinkAttribute::Mtu(mtu.into())];
    (RouteNetlinkMessage::SetLink(message(index, attributes)), CHANGE)
}

/// Sets what a bridge does with one port, and brings it up.
pub(crate) fn set_port(index: u32, settings: Vec<InfoBridgePort>) -> Request {
    let attributes = vec![LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(settings)),
    ])];
    (RouteNetlinkMessage::NewLink(message(index, attributes)), CHANGE)
}

pub(crate) fn set_up(index: u32) -> Request {
    (RouteNetlinkMessage::SetLink(up(message(index, Vec::new()))), CHANGE)
}

pub(crate) fn delete(index: u32) -> Request {
    (RouteNetlinkMessage::DelLink(message(index, Vec::new())), CHANGE)
}

/// Moves an interface into another namespace, under another name, with other properties.
pub(crate) fn move_to(index: u32, into: &Netns, mut attributes: Vec<LinkAttribute>) -> Request {
    attributes.push(LinkAttribute::NetNsFd(fd(into)));
    (RouteNetlinkMessage::SetLink(message(index, attributes)), CHANGE)
}

fn message(index: u32, attributes: Vec<LinkAttribute>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Unspec;
    message.header.index = index;
    message.attributes = attributes;
    message
}

fn up(mut message: LinkMessage) -> LinkMessage {
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message
}

fn fd(netns: &Netns) -> RawFd {
    netns.file().as_raw_fd()
}
