//! Messages about traffic control: what stands at the ingress of an interface, for programs on
//! kernels without TCX.
//!
//! A program is the first filter of a `clsact` queue discipline. It is known by its priority, its
//! handle and its name; whatever else is at the interface is somebody else's.

use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{
    TcAttribute, TcBpfFlags, TcFilterBpf, TcFilterBpfOption, TcHandle, TcMessage, TcOption,
    TcU32OptionFlags,
};

use super::{CHANGE, CREATE, Request};

/// Nobody's filter comes before this one's.
const PRIORITY: u16 = 1;
/// `ETH_P_ALL` (`linux/if_ether.h`).
const EVERY_PROTOCOL: u16 = 3;
/// "weft": among filters of the same priority it tells whose one is.
const HANDLE: u32 = 0x7765_6674;
/// What the filters are called, before the program's name.
const NAME: &str = "weft-";
/// What is behind it if the queue discipline was made for the filter.
const WITH_QDISC: &str = "+clsact";
const CLSACT: &str = "clsact";

/// One of Weft's filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The program's id.
    pub(crate) program: u32,
    /// Whether the queue discipline was made for it.
    pub(crate) made_qdisc: bool,
}

impl Filter {
    /// Nothing for a filter that is not Weft's.
    pub(crate) fn of(message: RouteNetlinkMessage) -> Option<Self> {
        let RouteNetlinkMessage::NewTrafficFilter(message) = message else { return None };
        let (mut name, mut program) = (None, None);
        for option in options(&message) {
            match option {
                TcFilterBpfOption::ProgName(told) => name = Some(told.as_str()),
                TcFilterBpfOption::ProgId(id) => program = Some(*id),
                _ => {}
            }
        }
        let name = name.filter(|name| is_ours(&message) && name.starts_with(NAME))?;
        Some(Self { program: program?, made_qdisc: name.ends_with(WITH_QDISC) })
    }
}

fn options(message: &TcMessage) -> impl Iterator<Item = &TcFilterBpfOption> {
    let options = message.attributes.iter().filter_map(|attribute| match attribute {
        TcAttribute::Options(options) => Some(options),
        _ => None,
    });
    options.flatten().filter_map(|option| match option {
        TcOption::Bpf(option) => Some(option),
        _ => None,
    })
}

/// Whether a message is about a filter in Weft's place.
pub(crate) fn is_ours(message: &TcMessage) -> bool {
    u32::from(message.header.handle) == HANDLE && has_first_place(message)
}

/// Whether a filter has the first place, whosesoever it is.
pub(crate) fn has_first_place(message: &TcMessage) -> bool {
    message.header.info >> 16 == u32::from(PRIORITY)
}

/// Whether a message is about the queue discipline that filters of incoming packets stand at.
pub(crate) fn is_ingress(message: &TcMessage) -> bool {
    message.header.parent == TcHandle::INGRESS
}

/// The interface that a message is about.
pub(crate) const fn interface(message: &TcMessage) -> u32 {
    message.header.index.cast_unsigned()
}

/// All queue disciplines of a namespace.
pub(crate) fn qdiscs() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default())
}

pub(crate) fn add_qdisc(interface: u32) -> Request {
    (RouteNetlinkMessage::NewQueueDiscipline(clsact(interface)), CREATE)
}

/// Removes it with all filters that are left at it.
pub(crate) fn remove_qdisc(interface: u32) -> Request {
    (RouteNetlinkMessage::DelQueueDiscipline(clsact(interface)), CHANGE)
}

/// All filters of packets that come in.
pub(crate) fn filters_in(interface: u32) -> RouteNetlinkMessage {
    filters(interface, TcHandle::MIN_INGRESS)
}

/// All filters of packets that go out.
pub(crate) fn filters_out(interface: u32) -> RouteNetlinkMessage {
    filters(interface, TcHandle::MIN_EGRESS)
}

/// Weft's own filter.
pub(crate) fn filter(interface: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetTrafficFilter(own(interface))
}

/// Puts a program at an interface, in one step in place of Weft's that stands there.
pub(crate) fn set_filter(
    interface: u32,
    program: BorrowedFd<'_>,
    (name, made_qdisc): (&str, bool),
) -> Request {
    let with = if made_qdisc { WITH_QDISC } else { "" };
    let options = vec![
        TcFilterBpfOption::ProgFd(program.as_raw_fd().cast_unsigned()),
        TcFilterBpfOption::ProgName(format!("{NAME}{name}{with}")),
        TcFilterBpfOption::Flags(TcBpfFlags::DirectAction),
        // No network card is asked to run it.
        TcFilterBpfOption::FlagsGeneric(TcU32OptionFlags::SkipHw),
    ];
    let options = options.into_iter().map(TcOption::Bpf).collect();
    let mut message = own(interface);
    message.attributes.push(TcAttribute::Options(options));
    (RouteNetlinkMessage::NewTrafficFilter(message), netlink_packet_core::NLM_F_CREATE)
}

pub(crate) fn remove_filter(interface: u32) -> Request {
    (RouteNetlinkMessage::DelTrafficFilter(own(interface)), CHANGE)
}

fn clsact(interface: u32) -> TcMessage {
    let mut message = TcMessage::with_index(interface.cast_signed());
    message.header.handle = TcHandle { minor: 0, ..TcHandle::CLSACT };
    message.header.parent = TcHandle::CLSACT;
    message.attributes.push(TcAttribute::Kind(CLSACT.to_owned()));
    message
}

fn filters(interface: u32, minor: u16) -> RouteNetlinkMessage {
    let mut message = TcMessage::with_index(interface.cast_signed());
    message.header.parent = TcHandle { minor, ..TcHandle::CLSACT };
    RouteNetlinkMessage::GetTrafficFilter(message)
}

fn own(interface: u32) -> TcMessage {
    let mut message = TcMessage::with_index(interface.cast_signed());
    message.header.parent = TcHandle { minor: TcHandle::MIN_INGRESS, ..TcHandle::CLSACT };
    message.header.handle = HANDLE.into();
    message.header.info = u32::from(PRIORITY) << 16 | u32::from(EVERY_PROTOCOL.to_be());
    message.attributes.push(TcAttribute::Kind(TcFilterBpf::KIND.to_owned()));
    message
}
