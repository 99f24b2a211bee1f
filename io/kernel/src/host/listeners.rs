//! At which addresses somebody listens.

use std::fs;
use std::io;
use std::net::IpAddr;

use crate::Netns;

/// `TCP_LISTEN` and, of a UDP socket that is connected to nobody, `TCP_CLOSE` (`net/tcp_states.h`).
const LISTENING: [&str; 2] = ["0A", "07"];

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ported {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The addresses at which somebody in a namespace listens at a port (proc(5)); blocks for a moment.
///
/// # Errors
///
/// If the namespace cannot be entered.
pub fn listeners(netns: &Netns, protocol: Ported, port: u16) -> io::Result<Vec<IpAddr>> {
    let tables = match protocol {
        Ported::Tcp => ["tcp", "tcp6"],
        Ported::Udp => ["udp", "udp6"],
    };
    netns.run(|| {
        let read = |table| fs::read_to_string(format!("/proc/thread-self/net/{table}")).ok();
        let tables: Vec<String> = tables.into_iter().filter_map(read).collect();
        let lines = tables.iter().flat_map(|table| table.lines());
        lines.filter_map(|line| listener(line, port)).collect()
    })
}

/// `sl local_address rem_address st …`: addresses are in hexadecimal, each word in host order.
fn listener(line: &str, port: u16) -> Option<IpAddr> {
    let mut columns = line.split_whitespace().skip(1);
    let (address, bound) = columns.next()?.split_once(':')?;
    let state = columns.nth(1)?;
    let here = u16::from_str_radix(bound, 16).ok()? == port && LISTENING.contains(&state);
    here.then(|| address_of(address)).flatten()
}

fn address_of(digits: &str) -> Option<IpAddr> {
    let mut bytes = Vec::with_capacity(16);
    for word in digits.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let v4 = <[u8; 4]>::try_from(bytes.as_slice()).map(IpAddr::from).ok();
    v4.or_else(|| <[u8; 16]>::try_from(bytes.as_slice()).map(IpAddr::from).ok())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn who_listens_is_told_by_address() {
        let here = Netns::current().unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(listeners(&here, Ported::Tcp, port).unwrap(), [loopback]);
        drop(tcp);
        assert_eq!(listeners(&here, Ported::Tcp, port).unwrap(), [] as [IpAddr; 0]);
        let udp = UdpSocket::bind("[::]:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        let any: IpAddr = "::".parse().unwrap();
        assert_eq!(listeners(&here, Ported::Udp, port).unwrap(), [any]);
    }
}
