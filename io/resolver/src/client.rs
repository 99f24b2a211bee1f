//! A question to a name server, as a container's own resolver asks it: for those who want to know
//! what a container is told.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use weft_names::Kind;

use crate::message::LARGEST_UDP;

/// The addresses of a name, asked through a socket that is connected to the server; blocks. None:
/// there is no such name, or it has no address of this kind.
///
/// # Errors
///
/// If no answer comes in time, or one that says that the server failed.
pub fn ask(
    socket: &UdpSocket,
    name: &str,
    kind: Kind,
    within: Duration,
) -> io::Result<BTreeSet<IpAddr>> {
    let deadline = Instant::now() + within;
    let question = question(name, kind)?;
    socket.send(&question.to_vec().map_err(io::Error::other)?)?;
    let mut buffer = vec![0; usize::from(LARGEST_UDP)];
    loop {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer came in time");
        let left = deadline.checked_duration_since(Instant::now()).ok_or_else(late)?;
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let length = socket.recv(&mut buffer).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => late(),
            _ => error,
        })?;
        let answer = Message::from_vec(buffer.get(..length).unwrap_or_default());
        match answer {
            Ok(answer) if answer.metadata.id == question.metadata.id => return read(&answer),
            _another => {}
        }
    }
}

fn question(name: &str, kind: Kind) -> io::Result<Message> {
    let absolute = format!("{}.", name.trim_end_matches('.'));
    let name = Name::from_ascii(absolute).map_err(io::Error::other)?;
    let kind = match kind {
        Kind::Aaaa => RecordType::AAAA,
        _ => RecordType::A,
    };
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name, kind));
    Ok(message)
}

fn read(answer: &Message) -> io::Result<BTreeSet<IpAddr>> {
    let addresses = answer.answers.iter().filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::from(address.0)),
        RData::AAAA(address) => Some(IpAddr::from(address.0)),
        _ => None,
    });
    match answer.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(addresses.collect()),
        code => Err(io::Error::other(format!("the name server says {code}"))),
    }
}
