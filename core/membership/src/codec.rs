//! SWIM's packets as bytes.

use bytes::{Buf, BufMut};
use foca::{Codec, Header, Member, Message, State};

use crate::who::Who;

/// A member: node, life, incarnation, state.
const MEMBER: usize = WHO + 2 + 1;
const WHO: usize = 8 + 4;
/// Source, its incarnation, destination, kind, and for some kinds a third member and a number.
const HEADER: usize = WHO + 2 + WHO + 1 + WHO + 1;

/// The form of the first version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compact;

/// What is no packet, or does not fit into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a packet of the membership is cut short or not understood")]
pub struct Malformed;

impl Codec<Who> for Compact {
    type Error = Malformed;

    fn encode_header(
        &mut self,
        header: &Header<Who>,
        mut buf: impl BufMut,
    ) -> Result<(), Malformed> {
        if buf.remaining_mut() < HEADER {
            return Err(Malformed);
        }
        put_who(&header.src, &mut buf);
        buf.put_u16(header.src_incarnation);
        put_who(&header.dst, &mut buf);
        let (kind, third, number) = match &header.message {
            Message::Ping(number) => (0, None, Some(*number)),
            Message::Ack(number) => (1, None, Some(*number)),
            Message::PingReq { target, probe_number } => (2, Some(target), Some(*probe_number)),
            Message::IndirectPing { origin, probe_number } => {
                (3, Some(origin), Some(*probe_number))
            }
            Message::IndirectAck { target, probe_number } => (4, Some(target), Some(*probe_number)),
            Message::ForwardedAck { origin, probe_number } => {
                (5, Some(origin), Some(*probe_number))
            }
            Message::Announce => (6, None, None),
            Message::Feed => (7, None, None),
            Message::Gossip => (8, None, None),
            Message::TurnUndead => (9, None, None),
            Message::Broadcast => return Err(Malformed),
        };
        buf.put_u8(kind);
        third.into_iter().for_each(|who| put_who(who, &mut buf));
        number.into_iter().for_each(|number| buf.put_u8(number));
        Ok(())
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Who>, Malformed> {
        let src = who(&mut buf)?;
        let src_incarnation = buf.try_get_u16().map_err(|_short| Malformed)?;
        let dst = who(&mut buf)?;
        let kind = byte(&mut buf)?;
        let third = if (2..=5).contains(&kind) { Some(who(&mut buf)?) } else { None };
        let probe_number = if kind <= 5 { byte(&mut buf)? } else { 0 };
        let message = match (kind, third) {
            (0, _) => Message::Ping(probe_number),
            (1, _) => Message::Ack(probe_number),
            (2, Some(target)) => Message::PingReq { target, probe_number },
            (3, Some(origin)) => Message::IndirectPing { origin, probe_number },
            (4, Some(target)) => Message::IndirectAck { target, probe_number },
            (5, Some(origin)) => Message::ForwardedAck { origin, probe_number },
            (6, _) => Message::Announce,
            (7, _) => Message::Feed,
            (8, _) => Message::Gossip,
            (9, _) => Message::TurnUndead,
            _ => return Err(Malformed),
        };
        Ok(Header { src, src_incarnation, dst, message })
    }

    fn encode_member(
        &mut self,
        member: &Member<Who>,
        mut buf: impl BufMut,
    ) -> Result<(), Malformed> {
        if buf.remaining_mut() < MEMBER {
            return Err(Malformed);
        }
        put_who(member.id(), &mut buf);
        buf.put_u16(member.incarnation());
        buf.put_u8(match member.state() {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
        });
        Ok(())
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<Member<Who>, Malformed> {
        let who = who(&mut buf)?;
        let incarnation = buf.try_get_u16().map_err(|_short| Malformed)?;
        let state = match byte(&mut buf)? {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            _ => return Err(Malformed),
        };
        Ok(Member::new(who, incarnation, state))
    }
}

fn put_who(who: &Who, buf: &mut impl BufMut) {
    buf.put_slice(&who.node);
    buf.put_u32(who.life);
}

fn who(buf: &mut impl Buf) -> Result<Who, Malformed> {
    let mut node = [0; 8];
    buf.try_copy_to_slice(&mut node).map_err(|_short| Malformed)?;
    Ok(Who { node, life: buf.try_get_u32().map_err(|_short| Malformed)? })
}

fn byte(buf: &mut impl Buf) -> Result<u8, Malformed> {
    buf.try_get_u8().map_err(|_short| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Who = Who { node: *b"one node", life: 7 };
    const B: Who = Who { node: *b"another.", life: u32::MAX };

    #[test]
    fn every_packet_reads_back_as_it_was_written() {
        let (target, origin, probe_number) = (B, A, 9);
        let all = [
            Message::Ping(3),
            Message::Ack(255),
            Message::PingReq { target, probe_number },
            Message::IndirectPing { origin, probe_number },
            Message::IndirectAck { target, probe_number },
            Message::ForwardedAck { origin, probe_number },
            Message::Announce,
            Message::Feed,
            Message::Gossip,
            Message::TurnUndead,
        ];
        for message in all {
            let header = Header { src: A, src_incarnation: 300, dst: B, message };
            let mut bytes = Vec::new();
            Compact.encode_header(&header, &mut bytes).unwrap();
            assert!(bytes.len() <= HEADER);
            assert_eq!(Compact.decode_header(bytes.as_slice()), Ok(header));
            bytes.pop();
            assert_eq!(Compact.decode_header(bytes.as_slice()), Err(Malformed));
        }
        for state in [State::Alive, State::Suspect, State::Down] {
            let member = Member::new(B, 513, state);
            let mut bytes = Vec::new();
            Compact.encode_member(&member, &mut bytes).unwrap();
            assert_eq!(bytes.len(), MEMBER);
            assert_eq!(Compact.decode_member(bytes.as_slice()), Ok(member));
        }
    }
}
