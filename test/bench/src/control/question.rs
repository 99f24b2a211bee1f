//! Questions for addresses and their answers, as bytes (RFC 1035 §4).

use std::net::Ipv4Addr;

/// A question for the addresses of `name`.
pub(super) fn question(id: u16, name: &str) -> Vec<u8> {
    // Recursion desired, one question.
    let mut bytes = [id.to_be_bytes().as_slice(), &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        bytes.extend(u8::try_from(label.len()));
        bytes.extend(label.as_bytes());
    }
    // The root, type A, class IN.
    bytes.extend([0, 0, 1, 0, 1]);
    bytes
}

/// The id of an answer and the addresses in it, in order. A failure of the server is no answer.
pub(super) fn answer(bytes: &[u8]) -> Option<(u16, Vec<Ipv4Addr>)> {
    let id = u16::from_be_bytes(*bytes.first_chunk()?);
    let code = bytes.get(3)? & 15;
    if code != 0 && code != 3 {
        return None;
    }
    let answers = u16::from_be_bytes(*bytes.get(6..)?.first_chunk()?);
    let mut rest = bytes.get(12..)?;
    rest = skip_name(rest)?.get(4..)?;
    let mut addresses = Vec::new();
    for _answer in 0..answers {
        rest = skip_name(rest)?;
        let kind = u16::from_be_bytes(*rest.first_chunk()?);
        let length = u16::from_be_bytes(*rest.get(8..)?.first_chunk()?);
        let (value, next) = rest.get(10..)?.split_at_checked(usize::from(length))?;
        if let (1, Some(octets)) = (kind, value.first_chunk::<4>()) {
            addresses.push(Ipv4Addr::from(*octets));
        }
        rest = next;
    }
    addresses.sort_unstable();
    Some((id, addresses))
}

fn skip_name(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, rest) = bytes.split_first()?;
        match length {
            0 => return Some(rest),
            // A pointer ends the name.
            0xc0.. => return rest.get(1..),
            _ => bytes = rest.get(usize::from(length)..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_and_without_addresses() {
        let asked = question(7, "web.app");
        let mut none = asked.clone();
        none[3] = 3;
        assert_eq!(answer(&none), Some((7, vec![])));
        let mut two = asked;
        two[7] = 2;
        for last in [9, 8] {
            two.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, last]);
        }
        let addresses = [8, 9].map(|last| Ipv4Addr::new(10, 0, 0, last));
        assert_eq!(answer(&two), Some((7, addresses.to_vec())));
        two[3] = 2;
        assert_eq!(answer(&two), None, "a failure says nothing about the name");
        assert_eq!(answer(&two[..20]), None);
    }
}
