//! Messages about interfaces: those that Weft sends, and what it reads out of a dump.

use std::os::fd::{AsRawFd, RawFd};

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoKind,
    InfoPortData, InfoVeth, InfoVxlan, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo,
    LinkLayerType, LinkMessage,
};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec, LinkVeth, LinkVxlan};
use std::net::IpAddr;
use weft_model::{MacAddr, Mtu, Vni};
use weft_plan::{IfName, Tunnel};

use super::{CHANGE, CREATE, Request};
use crate::Netns;

/// The TTL of outer packets: more hops than any underlay has.
const TTL: u8 = 64;
/// Below 64 KiB by more than any outer header takes.
const SHARED_MTU: u32 = 65_000;

/// An interface as a dump shows it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) up: bool,
    pub(crate) mtu: u32,
    pub(crate) mac: Option<MacAddr>,
    pub(crate) master: Option<u32>,
    /// A number that anybody may give it; ports that are at no bridge carry their network's.
    pub(crate) group: u32,
    pub(crate) ethernet: bool,
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
            group: 0,
            ethernet: message.header.link_layer_type == LinkLayerType::Ether,
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
            LinkAttribute::Group(group) => self.group = group,
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
    RouteNetlinkMessage::GetLink(LinkUnspec::new_with_name(name.as_str()).build())
}

/// One interface, by its number.
pub(crate) fn numbered(index: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkUnspec::new_with_index(index).build())
}

pub(crate) fn add_bridge(name: &IfName, mac: MacAddr, mtu: Mtu) -> Request {
    let bridge = LinkMessageBuilder::<LinkBridge>::new(name.as_str())
        .address(mac.0.to_vec())
        .mtu(mtu.into());
    (RouteNetlinkMessage::NewLink(quiet(bridge).build()), CREATE)
}

/// A bridge's settings, its address left as it is.
pub(crate) fn set_bridge(index: u32, mtu: Mtu) -> Request {
    let bridge = existing::<LinkBridge>(index, InfoKind::Bridge).mtu(mtu.into()).up();
    (RouteNetlinkMessage::NewLink(quiet(bridge).build()), CHANGE)
}

/// One setting of a bridge.
pub(crate) fn set_bridge_option(index: u32, option: InfoBridge) -> Request {
    let bridge = existing::<LinkBridge>(index, InfoKind::Bridge).append_info_data(option);
    (RouteNetlinkMessage::NewLink(bridge.build()), CHANGE)
}

/// Everything that a bridge would do beyond passing frames on, ended.
fn quiet(bridge: LinkMessageBuilder<LinkBridge>) -> LinkMessageBuilder<LinkBridge> {
    bridge.forward_delay(0).stp_state(BridgeStpState::Disabled).mcast_snooping(false)
}

/// Makes a VXLAN device inside `into`, its tunnel in the namespace of the socket it is sent on.
pub(crate) fn add_vxlan(name: &IfName, tunnel: &Tunnel, mac: MacAddr, into: &Netns) -> Request {
    let Tunnel { vni, local, udp_port, mtu } = *tunnel;
    let vxlan = LinkMessageBuilder::<LinkVxlan>::new(name.as_str()).id(vni.number());
    let vxlan = match local.0 {
        IpAddr::V4(local) => vxlan.local(local),
        IpAddr::V6(local) => vxlan.local6(local),
    };
    let vxlan = vxlan
        .port(udp_port)
        .learning(false)
        .proxy(true)
        .udp_csum(true)
        .ttl(TTL)
        .setns_by_fd(fd(into))
        .address(mac.0.to_vec())
        .mtu(mtu.into());
    (RouteNetlinkMessage::NewLink(vxlan.build()), CREATE)
}

/// Makes the VXLAN device that all networks share: programs say which network a frame is of.
///
/// What it carries need not fit a particular path: who cannot be told of that is told by programs.
pub(crate) fn add_shared(name: &IfName, udp_port: u16) -> Request {
    let vxlan = LinkMessageBuilder::<LinkVxlan>::new(name.as_str())
        .append_info_data(InfoVxlan::CollectMetadata(true))
        .port(udp_port)
        .learning(false)
        .udp_csum(true)
        .ttl(TTL)
        .mtu(SHARED_MTU);
    (RouteNetlinkMessage::NewLink(vxlan.build()), CREATE)
}

/// Makes an interface of the host's namespace a port at no bridge.
pub(crate) fn set_alone(index: u32, vni: Vni, mtu: Mtu) -> Request {
    let port = LinkUnspec::new_with_index(index)
        .append_extra_attribute(LinkAttribute::Group(vni.number()))
        .nocontroller()
        .mtu(mtu.into());
    (RouteNetlinkMessage::SetLink(port.build()), CHANGE)
}

/// One end of a veth pair to be made.
pub(crate) struct End<'a> {
    pub(crate) name: &'a IfName,
    pub(crate) mac: Option<MacAddr>,
}

/// Makes a veth pair: `here` in the socket's namespace, `there` in another.
pub(crate) fn add_veth(here: &End<'_>, there: &End<'_>, mtu: Mtu, into: &Netns) -> Request {
    let peer = end(LinkMessageBuilder::<LinkUnspec>::new().name(there.name.as_str()), there, mtu)
        .setns_by_fd(fd(into))
        .build();
    // `LinkVeth::new` describes the other end by its name only, without namespace and address.
    let pair = LinkMessageBuilder::<LinkVeth>::new(here.name.as_str(), there.name.as_str())
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)));
    (RouteNetlinkMessage::NewLink(end(pair, here, mtu).build()), CREATE)
}

fn end<T>(link: LinkMessageBuilder<T>, end: &End<'_>, mtu: Mtu) -> LinkMessageBuilder<T> {
    let link = link.mtu(mtu.into());
    match end.mac {
        Some(mac) => link.address(mac.0.to_vec()),
        None => link,
    }
}

/// Ends a VXLAN device's learning; nothing else of it can be changed in place.
pub(crate) fn stop_learning(index: u32) -> Request {
    let vxlan = existing::<LinkVxlan>(index, InfoKind::Vxlan).learning(false);
    (RouteNetlinkMessage::NewLink(vxlan.build()), CHANGE)
}

/// Gives an interface another MTU.
pub(crate) fn set_mtu(index: u32, mtu: Mtu) -> Request {
    let link = LinkUnspec::new_with_index(index).mtu(mtu.into());
    (RouteNetlinkMessage::SetLink(link.build()), CHANGE)
}

/// Makes an interface a port of a bridge.
pub(crate) fn set_master(index: u32, master: u32, mtu: Mtu) -> Request {
    let port = LinkUnspec::new_with_index(index).controller(master).mtu(mtu.into());
    (RouteNetlinkMessage::SetLink(port.build()), CHANGE)
}

/// Sets what a bridge does with one port.
pub(crate) fn set_port(index: u32, settings: Vec<InfoBridgePort>) -> Request {
    let port = settings
        .into_iter()
        .fold(LinkBridgePort::new(index), LinkMessageBuilder::<LinkBridgePort>::append_info_data);
    (RouteNetlinkMessage::NewLink(port.build()), CHANGE)
}

pub(crate) fn set_up(index: u32) -> Request {
    (RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(index).up().build()), CHANGE)
}

pub(crate) fn delete(index: u32) -> Request {
    (RouteNetlinkMessage::DelLink(LinkUnspec::new_with_index(index).build()), CHANGE)
}

/// Moves an interface into another namespace, under another name, with other properties.
pub(crate) fn move_to(index: u32, into: &Netns, attributes: Vec<LinkAttribute>) -> Request {
    let link = attributes.into_iter().fold(
        LinkUnspec::new_with_index(index),
        LinkMessageBuilder::<LinkUnspec>::append_extra_attribute,
    );
    (RouteNetlinkMessage::SetLink(link.setns_by_fd(fd(into)).build()), CHANGE)
}

/// A change of a device of a known kind.
fn existing<T: Default>(index: u32, kind: InfoKind) -> LinkMessageBuilder<T> {
    LinkMessageBuilder::<T>::new_with_info_kind(kind).index(index)
}

fn fd(netns: &Netns) -> RawFd {
    netns.file().as_raw_fd()
}
