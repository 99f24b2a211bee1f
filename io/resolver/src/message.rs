//! DNS messages: a question out of bytes, bytes out of an answer (RFC 1035, RFC 6891).

use std::collections::BTreeSet;
use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, rdata};
use weft_names::{Answer, Kind, Question};

/// How long an answer of ours may be kept, in seconds: containers come and go.
pub const TTL: u32 = 5;
/// The largest message over UDP without EDNS (RFC 1035 §2.3.4).
const PLAIN_UDP: u16 = 512;
/// The largest message over UDP that we send or accept, whatever EDNS offers.
pub(crate) const LARGEST_UDP: u16 = 4096;
/// The header's length (RFC 1035 §4.1.1).
const HEADER: usize = 12;
/// The length of an OPT record without options (RFC 6891 §6.1.2).
const OPT: usize = 11;
/// The length of a pointer to the question's name (RFC 1035 §4.1.4).
const POINTER: usize = 2;
/// That many owners' names become pointers for sure: the encoder stops trying after some more.
const POINTERS: usize = 100;

/// How a message travels; it says how large an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// One well-formed question, with what the answer must repeat of it.
#[derive(Debug)]
pub(crate) struct Request {
    message: Message,
    pub(crate) question: Question,
}

/// Bytes that are no question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// An answer, or less than a header: answering it could start a loop.
    Ignore,
    /// Something to be told so.
    Reply(Vec<u8>),
}

impl Request {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(Malformed::Ignore)?;
        if header[2] & 0x80 != 0 {
            return Err(Malformed::Ignore);
        }
        let message = Message::from_vec(bytes)
            .map_err(|_error| Malformed::Reply(bare(header, ResponseCode::FormErr)))?;
        let refuse = |code| Err(Malformed::Reply(failure(&message, code)));
        if message.metadata.op_code != OpCode::Query {
            return refuse(ResponseCode::NotImp);
        }
        if message.edns.as_ref().is_some_and(|edns| edns.version() != 0) {
            return refuse(ResponseCode::BADVERS);
        }
        let [query] = message.queries.as_slice() else {
            return refuse(ResponseCode::FormErr);
        };
        let question = Question { name: query.name().to_ascii(), kind: kind(query) };
        Ok(Self { message, question })
    }

    /// The message that says `answer`; `Forward` is nobody's answer and becomes SERVFAIL.
    pub(crate) fn reply(&self, answer: Answer, transport: Transport) -> Vec<u8> {
        match answer {
            Answer::Addresses(addresses) => self.addresses(addresses, self.limit(transport)),
            Answer::Pointer(name) => self.pointer(&name),
            Answer::Empty => encode(&self.response(ResponseCode::NoError)),
            // Not REFUSED: musl waits for another server's answer until it times out.
            Answer::Nonexistent | Answer::Refuse => encode(&self.response(ResponseCode::NXDomain)),
            Answer::Forward => failure(&self.message, ResponseCode::ServFail),
        }
    }

    fn response(&self, code: ResponseCode) -> Message {
        let mut message = response_to(&self.message, code);
        message.metadata.authoritative = true;
        message
    }

    /// As many as fit: some resolvers take what is there and never come back over TCP.
    fn addresses(&self, addresses: Vec<IpAddr>, limit: usize) -> Vec<u8> {
        let mut message = self.response(ResponseCode::NoError);
        let Some(name) = self.message.queries.first().map(|query| query.name().clone()) else {
            return encode(&message);
        };
        let mut room = limit.saturating_sub(HEADER + name.len() + 5 + OPT);
        for (index, address) in addresses.into_iter().enumerate() {
            let owner = if index < POINTERS { POINTER } else { name.len() + 1 };
            let needed = owner + record_length(address);
            if needed > room {
                message.metadata.truncation = true;
                break;
            }
            room -= needed;
            message.add_answer(Record::from_rdata(name.clone(), TTL, address_data(address)));
        }
        encode(&message)
    }

    fn pointer(&self, target: &weft_model::Name) -> Vec<u8> {
        let mut message = self.response(ResponseCode::NoError);
        let owner = self.message.queries.first().map(|query| query.name().clone());
        let target = Name::from_ascii(format!("{target}."));
        if let (Some(owner), Ok(target)) = (owner, target) {
            message.add_answer(Record::from_rdata(owner, TTL, RData::PTR(rdata::PTR(target))));
        }
        encode(&message)
    }

    fn limit(&self, transport: Transport) -> usize {
        let offered = || self.message.edns.as_ref().map_or(PLAIN_UDP, Edns::max_payload);
        match transport {
            Transport::Udp => offered().clamp(PLAIN_UDP, LARGEST_UDP).into(),
            Transport::Tcp => u16::MAX.into(),
        }
    }
}

/// SERVFAIL for a question that could not be forwarded; absent if it was none.
pub(crate) fn server_failure(request: &[u8]) -> Option<Vec<u8>> {
    let message = Message::from_vec(request).ok()?;
    Some(failure(&message, ResponseCode::ServFail))
}

/// Whether `reply` is an answer to `request`: not a question itself, and to the same question.
///
/// Servers that understand nothing leave the question out of their error (RFC 1035 §4.1.1).
pub(crate) fn belongs(reply: &[u8], request: &[u8]) -> bool {
    let Some(header) = reply.first_chunk::<HEADER>() else { return false };
    let is_reply = header[2] & 0x80 != 0;
    let bare_error = header[3] & 0x0f != 0 && header[4..6] == [0, 0];
    let same = match (question_section(reply), question_section(request)) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    };
    is_reply && (bare_error || same)
}

/// What a server's answer is worth while there is another one to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It is the answer.
    All,
    /// Every Engine asks the next server: SERVFAIL, REFUSED.
    Nothing,
    /// Some Engines ask the next server and some do not: NXDOMAIN of a server that is no authority.
    Doubtful,
}

/// How Docker's resolver takes an answer (`libnetwork/resolver.go`, Engine 20.10 to 28).
pub(crate) fn worth(reply: &[u8]) -> Worth {
    let byte = |at: usize| reply.get(at).copied().unwrap_or_default();
    let is_authority = byte(2) & 0x04 != 0;
    match (byte(3) & 0x0f, is_authority) {
        (0, _) | (3, true) => Worth::All,
        (2 | 5, _) => Worth::Nothing,
        _ => Worth::Doubtful,
    }
}

/// The bytes of the one question, name and kind and class.
fn question_section(message: &[u8]) -> Option<&[u8]> {
    let body = message.get(HEADER..)?;
    let mut at = 0;
    loop {
        let length = usize::from(*body.get(at)?);
        match length {
            0 => return body.get(..at + 5),
            1..=63 => at += length + 1,
            _ => return None,
        }
    }
}

/// `reply` without the addresses that `gone` names, and NXDOMAIN if it has no answer left; absent if it
/// has none of them, or cannot be read.
pub(crate) fn without(reply: &[u8], gone: &BTreeSet<IpAddr>) -> Option<Vec<u8>> {
    let mut message = Message::from_vec(reply).ok()?;
    let before = message.answers.len();
    message
        .answers
        .retain(|record| !address_of(&record.data).is_some_and(|address| gone.contains(&address)));
    if message.answers.len() == before {
        return None;
    }
    if message.answers.is_empty() {
        message.metadata.response_code = ResponseCode::NXDomain;
    }
    Some(encode(&message))
}

fn kind(query: &Query) -> Kind {
    match (query.query_class(), query.query_type()) {
        (DNSClass::IN | DNSClass::ANY, RecordType::A) => Kind::A,
        (DNSClass::IN | DNSClass::ANY, RecordType::AAAA) => Kind::Aaaa,
        (DNSClass::IN | DNSClass::ANY, RecordType::PTR) => Kind::Ptr,
        _ => Kind::Other,
    }
}

/// A record without its owner's name: kind, class, TTL, length and address (RFC 1035 §4.1.3).
const fn record_length(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(_) => 14,
        IpAddr::V6(_) => 26,
    }
}

const fn address_data(address: IpAddr) -> RData {
    match address {
        IpAddr::V4(v4) => RData::A(rdata::A(v4)),
        IpAddr::V6(v6) => RData::AAAA(rdata::AAAA(v6)),
    }
}

const fn address_of(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

fn response_to(request: &Message, code: ResponseCode) -> Message {
    let mut message = Message::response(request.metadata.id, request.metadata.op_code);
    message.metadata = Metadata::response_from_request(&request.metadata);
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = true;
    message.metadata.response_code = code;
    message.add_queries(request.queries.iter().cloned());
    message.edns = request.edns.as_ref().map(|asked| {
        let mut edns = Edns::new();
        edns.set_max_payload(LARGEST_UDP);
        edns.set_dnssec_ok(asked.flags().dnssec_ok);
        edns
    });
    message
}

fn failure(request: &Message, code: ResponseCode) -> Vec<u8> {
    encode(&response_to(request, code))
}

/// A reply to something that only its header is known of.
fn bare(header: &[u8; HEADER], code: ResponseCode) -> Vec<u8> {
    let id = u16::from_be_bytes([header[0], header[1]]);
    encode(&Message::error_msg(id, OpCode::Query, code))
}

/// Nothing, in place of what does not encode; an empty message is never sent.
fn encode(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Query;
    use proptest::prelude::{Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::*;

    /// A question, then a few of its bytes replaced.
    fn question() -> Vec<u8> {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(Name::from_ascii("web.app.").unwrap(), RecordType::A));
        let mut edns = Edns::new();
        edns.set_max_payload(700);
        message.set_edns(edns);
        message.to_vec().unwrap()
    }

    fn bend(mut bytes: Vec<u8>, bends: &[(usize, u8)]) -> Vec<u8> {
        for (at, byte) in bends {
            let at = at % bytes.len();
            bytes[at] = *byte;
        }
        bytes
    }

    proptest! {
        #[test]
        fn whatever_is_answered_can_be_read_and_fits(
            bends in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4),
            count in 0..300_u16,
        ) {
            let bytes = bend(question(), &bends);
            let Ok(request) = Request::parse(&bytes) else { return Ok(()) };
            let address = |n: u16| IpAddr::from([10, 7, n.to_be_bytes()[0], n.to_be_bytes()[1]]);
            let answer = Answer::Addresses((0..count).map(address).collect());
            let reply = request.reply(answer, Transport::Udp);
            prop_assert!(reply.len() <= request.limit(Transport::Udp), "{} bytes", reply.len());
            let read = Message::from_vec(&reply).unwrap();
            prop_assert_eq!(&read.queries, &request.message.queries);
            prop_assert_eq!(read.metadata.truncation, read.answers.len() < count.into());
            let room = request.limit(Transport::Udp) - reply.len();
            let thrifty = !read.metadata.truncation || room < 32 || read.answers.len() > POINTERS;
            prop_assert!(thrifty, "{room} bytes left");
            prop_assert!(belongs(&reply, &reply) && belongs(&reply, &bytes));
        }

        #[test]
        fn no_bytes_make_it_panic(
            noise in prop::collection::vec(any::<u8>(), 0..100),
            bends in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8),
            whole in prop_oneof![Just(true), Just(false)],
        ) {
            let bytes = if whole { bend(question(), &bends) } else { noise };
            drop(Request::parse(&bytes));
            drop(server_failure(&bytes));
            belongs(&bytes, &question());
            belongs(&question(), &bytes);
        }
    }
}
