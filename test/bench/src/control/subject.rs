//! The program inside the containers that come and go.
//!
//! It stamps the time with its first instruction, then answers every datagram with its name and that
//! stamp. A datagram that says so ends it; the answer to that is stamped with the end.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use super::clock::{Moment, now};

/// Where it answers.
pub(crate) const PORT: u16 = 7;
/// What ends it.
pub(crate) const END: &[u8] = b"end";

/// Answers until it is told to end.
pub(crate) fn run(name: &str) -> io::Result<()> {
    let began = now()?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
    let mut buffer = [0; 64];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        let ends = buffer.get(..length) == Some(END);
        let stamp = if ends { now()? } else { began };
        let sent = socket.send_to(&Letter { stamp, name: name.to_owned() }.to_bytes(), from);
        if ends {
            return sent.map(drop);
        }
    }
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// When it began, or ends.
    pub(crate) stamp: Moment,
    /// Who it is.
    pub(crate) name: String,
}

impl Letter {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{} {}", self.stamp.as_nanos(), self.name).into_bytes()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (stamp, name) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        let stamp = Moment::from_nanos(stamp.parse().ok()?);
        Some(Self { stamp, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_what_was_written() {
        let letter = Letter { stamp: Moment::from_nanos(1_234_567), name: "s-1".into() };
        assert_eq!(Letter::parse(&letter.to_bytes()), Some(letter));
        assert_eq!(Letter::parse(b"nothing"), None);
    }
}
