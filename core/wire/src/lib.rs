//! Ethernet, ARP, IPv4, IPv6, UDP, TCP, ICMP and VXLAN as bytes.
//!
//! Each protocol is one owned type with `parse`, which gives the header and the payload, and
//! `emit`, which is its inverse. [`Decoded`] walks a whole frame, also through VXLAN, and says
//! on one line what it is. Nothing here panics on any bytes.

mod arp;
mod checksum;
mod decoded;
mod error;
mod ethernet;
mod flow;
mod icmp;
mod icmpv6;
mod ipv4;
mod ipv6;
mod ndisc;
pub mod pcapng;
mod protocol;
mod question;
mod reader;
mod tcp;
mod told;
mod udp;
mod vxlan;

pub use arp::{Arp, Operation};
pub use checksum::{Checksum, Ends, internet_checksum};
pub use decoded::{Content, Decoded, Ip, Transport};
pub use error::ParseError;
pub use ethernet::{EtherType, Ethernet};
pub use flow::Flow;
pub use icmp::{Icmp, IcmpKind};
pub use icmpv6::{Icmpv6, Icmpv6Kind};
pub use ipv4::{Fragment, Ipv4};
pub use ipv6::Ipv6;
pub use ndisc::Ndisc;
pub use protocol::Protocol;
pub use question::question;
pub use tcp::{Tcp, TcpFlags};
pub use udp::Udp;
pub use vxlan::Vxlan;
