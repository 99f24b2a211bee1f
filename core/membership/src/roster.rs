//! Rosters: two nodes tell each other over a stream all that they know of members.
//!
//! Gossip alone never makes up for what it missed. It starts with a sum; only if that differs the
//! list follows, and the other's list in return.

use bytes::{Buf as _, BufMut as _};
use foca::{Codec as _, Member, State};

use crate::codec::{Compact, Malformed};
use crate::who::Who;

/// What stands in front; the upper half is the version.
pub(crate) mod kind {
    pub(crate) const SWIM: u8 = 0x10;
    pub(crate) const SUM: u8 = 0x11;
    pub(crate) const ROSTER: u8 = 0x12;
    /// A roster that wants to be answered with one.
    pub(crate) const ROSTER_PLEASE: u8 = 0x13;
}

/// Equal where the same lives are up and down; suspicions come and go and do not count.
pub(crate) fn sum(me: Who, members: &[Member<Who>]) -> u64 {
    let of = |who: &Who, down: bool| {
        mix(mix(u64::from_be_bytes(who.node)) ^ u64::from(who.life) << 1 ^ u64::from(down))
    };
    let others = members.iter().map(|member| of(member.id(), member.state() == State::Down));
    others.fold(of(&me, false), u64::wrapping_add)
}

/// The finalizer of `SplitMix64`.
const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

pub(crate) fn encode_sum(sum: u64) -> Vec<u8> {
    let mut bytes = vec![kind::SUM];
    bytes.put_u64(sum);
    bytes
}

pub(crate) fn decode_sum(mut bytes: &[u8]) -> Result<u64, Malformed> {
    bytes.try_get_u64().map_err(|_short| Malformed)
}

pub(crate) fn encode(kind: u8, members: impl Iterator<Item = Member<Who>>) -> Vec<u8> {
    let mut bytes = vec![kind];
    for member in members {
        let whole = Compact.encode_member(&member, &mut bytes);
        debug_assert_eq!(whole, Ok(()), "a vector has room for everything");
    }
    bytes
}

pub(crate) fn decode(mut bytes: &[u8]) -> Result<Vec<Member<Who>>, Malformed> {
    let mut members = Vec::new();
    while !bytes.is_empty() {
        members.push(Compact.decode_member(&mut bytes)?);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(id: u8, life: u32) -> Who {
        Who { node: [id; 8], life }
    }

    #[test]
    fn a_roster_reads_back_as_it_was_written() {
        let members =
            vec![Member::new(who(1, 5), 2, State::Alive), Member::new(who(2, 9), 0, State::Down)];
        let bytes = encode(kind::ROSTER, members.clone().into_iter());
        assert_eq!(decode(&bytes[1..]), Ok(members));
        assert_eq!(decode(&bytes[2..]), Err(Malformed));
        assert_eq!(decode_sum(&encode_sum(77)[1..]), Ok(77));
    }

    #[test]
    fn two_nodes_that_know_the_same_have_the_same_sum() {
        let alive = |id| Member::new(who(id, 1), 0, State::Alive);
        let at_1 = [alive(2), Member::new(who(3, 1), 7, State::Suspect)];
        let at_2 = [alive(3), alive(1)];
        assert_eq!(sum(who(1, 1), &at_1), sum(who(2, 1), &at_2));
        let down = [alive(2), Member::new(who(3, 1), 0, State::Down)];
        assert_ne!(sum(who(1, 1), &at_1), sum(who(1, 1), &down));
        assert_ne!(sum(who(1, 1), &at_1), sum(who(1, 2), &at_1));
    }
}
