//! What passed the interfaces of a namespace, as the kernel counts it anyway.

use std::collections::BTreeMap;
use std::io;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage, Stats64};

use crate::Netns;
use crate::netlink::Rtnl;

/// Of one interface, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The interface's number.
    pub number: u32,
    /// Packets that came in.
    pub in_packets: u64,
    /// Bytes that came in.
    pub in_bytes: u64,
    /// Packets that left.
    pub out_packets: u64,
    /// Bytes that left.
    pub out_bytes: u64,
    /// Packets that were dropped at it, coming in or leaving.
    pub dropped: u64,
}

/// The counters of all interfaces of a namespace, by name.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn counters(netns: &Netns) -> io::Result<BTreeMap<String, Counters>> {
    let netns = netns.clone();
    let read = tokio::task::spawn_blocking(move || {
        let dump = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let links = Rtnl::open(&netns)?.dump(&dump)?;
        Ok(links.into_iter().filter_map(of).collect())
    });
    read.await.map_err(io::Error::other)?
}

fn of(message: RouteNetlinkMessage) -> Option<(String, Counters)> {
    let RouteNetlinkMessage::NewLink(message) = message else { return None };
    let number = message.header.index;
    let (mut name, mut counters) = (None, Counters::default());
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(is) => name = Some(is),
            LinkAttribute::Stats64(stats) => counters = Counters::from(&stats),
            _ => {}
        }
    }
    Some((name?, Counters { number, ..counters }))
}

impl Counters {
    /// What the other end of the wire would count: in is out.
    #[must_use]
    pub const fn from_the_other_end(&self) -> Self {
        let Self { in_packets, in_bytes, out_packets, out_bytes, .. } = *self;
        let (from, to) = ((in_packets, in_bytes), (out_packets, out_bytes));
        let ((out_packets, out_bytes), (in_packets, in_bytes)) = (from, to);
        Self { in_packets, in_bytes, out_packets, out_bytes, ..*self }
    }
}

impl From<&Stats64> for Counters {
    fn from(stats: &Stats64) -> Self {
        Self {
            number: 0,
            in_packets: stats.rx_packets,
            in_bytes: stats.rx_bytes,
            out_packets: stats.tx_packets,
            out_bytes: stats.tx_bytes,
            dropped: stats.rx_dropped + stats.tx_dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_passes_an_interface_is_counted() {
        let netns = Netns::unnamed().unwrap();
        let up = ["link", "set", "lo", "up"];
        let raise = || std::process::Command::new("ip").args(up).status().unwrap().success();
        assert!(netns.run(raise).unwrap());
        let before = counters(&netns).await.unwrap()["lo"];
        let send = || {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.send_to(&[0; 100], "127.0.0.1:9").unwrap();
        };
        netns.run(send).unwrap();
        let after = counters(&netns).await.unwrap()["lo"];
        assert!(after.out_packets > before.out_packets, "{before:?} {after:?}");
        assert!(after.out_bytes >= before.out_bytes + 128, "{before:?} {after:?}");
    }
}
