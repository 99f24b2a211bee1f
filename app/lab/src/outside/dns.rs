//! The name servers of "the internet": each knows `outside.test` and nothing else (RFC 1035).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::thread;

use super::echo::each;
use crate::spec::{INTERNET, NAME_SERVERS};

const NAME: &[u8] = b"\x07outside\x04test\x00";
const TYPE_A: [u8; 2] = [0, 1];
const NO_SUCH_NAME: u8 = 3;

/// Listens on UDP and TCP.
pub(super) fn serve() -> io::Result<()> {
    NAME_SERVERS.into_iter().try_for_each(listen)
}

fn listen(address: Ipv4Addr) -> io::Result<()> {
    let (udp, tcp) = (UdpSocket::bind((address, 53))?, TcpListener::bind((address, 53))?);
    thread::spawn(move || datagrams(&udp));
    thread::spawn(move || each(&tcp, stream));
    Ok(())
}

fn datagrams(socket: &UdpSocket) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        if let Some(reply) = buffer.get(..length).and_then(answer) {
            // A client that cannot be reached hears nothing.
            drop(socket.send_to(&reply, from));
        }
    }
}

fn stream(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut query)?;
        let reply = answer(&query).ok_or(io::ErrorKind::InvalidData)?;
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), reply.as_slice()].concat())?;
    }
}

/// The reply to a query with one question, or nothing to what is no query.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let (id, flags) = (query.get(..2)?, query.get(2)?);
    let is_query = flags & 0x80 == 0;
    if !is_query || query.get(4..6)? != [0, 1] {
        return None;
    }
    let rest = query.get(12..)?;
    let name = rest.get(..name_length(rest)?)?;
    let kind = rest.get(name.len()..name.len() + 2)?;
    let question = rest.get(..name.len() + 4)?;
    let is_known = name.eq_ignore_ascii_case(NAME);
    let has_answer = is_known && kind == TYPE_A;
    let code = if is_known { 0 } else { NO_SUCH_NAME };
    let mut reply = id.to_vec();
    // Authoritative; recursion is as desired and "available", as stub resolvers expect.
    reply.extend([0x84 | (flags & 1), 0x80 | code, 0, 1, 0, u8::from(has_answer), 0, 0, 0, 0]);
    reply.extend(question);
    if has_answer {
        // The name again by pointer, type A, class IN, 60 s, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend(INTERNET.octets());
    }
    Some(reply)
}

fn name_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += usize::from(length) + 1,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &[u8], kind: u8) -> Vec<u8> {
        let header = [7, 8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        [&header[..], name, &[0, kind, 0, 1]].concat()
    }

    #[test]
    fn the_one_name_has_an_address_in_any_case() {
        let reply = answer(&query(b"\x07OutSide\x04test\x00", 1)).unwrap();
        assert_eq!(reply[3] & 15, 0);
        assert!(reply.ends_with(&[198, 51, 100, 1]));
    }

    #[test]
    fn the_one_name_has_nothing_but_an_ipv4_address() {
        let reply = answer(&query(NAME, 28)).unwrap();
        assert_eq!((reply[3] & 15, reply[7]), (0, 0));
    }

    #[test]
    fn no_other_name_exists() {
        let reply = answer(&query(b"\x03web\x00", 1)).unwrap();
        assert_eq!(reply[3] & 15, NO_SUCH_NAME);
    }

    #[test]
    fn what_is_cut_short_gets_no_answer() {
        let whole = query(NAME, 1);
        for length in 0..whole.len() {
            assert_eq!(answer(&whole[..length]), None, "{length}");
        }
    }
}
