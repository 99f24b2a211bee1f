//! What an owner signs: all that it has on one network as of a change, as bytes in one form.

use std::net::IpAddr;
use std::sync::Arc;

use weft_model::{Endpoint, Name};

use crate::{Head, Presence, StreamId};

/// What is signed here can be taken for nothing else, and nothing else for this.
const DOMAIN: &[u8] = b"weft rows 1";

/// All that the owner of a stream has there as of `head`; `rows` are in the order of their ids.
///
/// Two statements are equal only if they say the same: what has no fixed length has it in front.
#[must_use]
pub fn statement(
    stream: StreamId,
    head: Head,
    presence: Presence,
    rows: &[Arc<Endpoint>],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128 + rows.len() * 96);
    bytes.extend(DOMAIN);
    bytes.extend(stream.network.to_bytes());
    bytes.extend(stream.owner.to_bytes());
    bytes.extend(head.epoch.to_be_bytes());
    bytes.extend(head.version.to_be_bytes());
    bytes.push(match presence {
        Presence::Here => 0,
        Presence::Lingering => 1,
        Presence::Left => 2,
    });
    count(&mut bytes, rows.len());
    rows.iter().for_each(|row| put_row(&mut bytes, row));
    bytes
}

fn put_row(bytes: &mut Vec<u8>, row: &Endpoint) {
    let Endpoint { id, mac, addresses, name, aliases } = row;
    bytes.extend(id.to_bytes());
    bytes.extend(mac.0);
    count(bytes, addresses.len());
    for address in addresses {
        match address {
            IpAddr::V4(v4) => put(bytes, &v4.octets()),
            IpAddr::V6(v6) => put(bytes, &v6.octets()),
        }
    }
    // No name and an empty one would look alike; there is no empty one.
    put(bytes, name.as_ref().map(Name::as_str).unwrap_or_default().as_bytes());
    count(bytes, aliases.len());
    aliases.iter().for_each(|alias| put(bytes, alias.as_str().as_bytes()));
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    count(bytes, part.len());
    bytes.extend(part);
}

/// Nothing that fits into a message has 2³² parts.
fn count(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use weft_model::{NetworkId, NodeId};

    use super::*;
    use crate::tests::endpoint;

    fn of(head: (u64, u64), presence: Presence, rows: &[Endpoint]) -> Vec<u8> {
        let stream = StreamId { network: NetworkId::from_random(1), owner: NodeId::from_random(2) };
        let rows: Vec<_> = rows.iter().cloned().map(Arc::new).collect();
        statement(stream, Head { epoch: head.0, version: head.1 }, presence, &rows)
    }

    fn aliased(aliases: &[&str]) -> Endpoint {
        let aliases = aliases.iter().map(|alias| alias.parse().unwrap()).collect();
        Endpoint { aliases, ..endpoint(1) }
    }

    #[test]
    fn statements_that_say_different_things_are_different() {
        let named = |text: &str| Endpoint { name: Some(text.parse().unwrap()), ..endpoint(1) };
        let v6 = Endpoint { addresses: vec!["::ffff:10.0.0.1".parse().unwrap()], ..endpoint(1) };
        let moved = Endpoint { addresses: vec![[10, 0, 0, 2].into()], ..endpoint(1) };
        let mac = Endpoint { mac: weft_model::MacAddr([2; 6]), ..endpoint(1) };
        let rows = [
            vec![],
            vec![endpoint(1)],
            vec![endpoint(2)],
            vec![endpoint(1), endpoint(2)],
            vec![named("web")],
            vec![aliased(&["web"])],
            vec![aliased(&["we", "b"])],
            vec![v6],
            vec![moved],
            vec![mac],
        ];
        let mut all: Vec<_> = rows.iter().map(|rows| of((1, 2), Presence::Here, rows)).collect();
        all.push(of((1, 2), Presence::Lingering, &[]));
        all.push(of((1, 2), Presence::Left, &[]));
        all.push(of((1, 3), Presence::Here, &[]));
        all.push(of((2, 2), Presence::Here, &[]));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    /// Hosts of different versions of this program have to agree on it to the last byte.
    #[test]
    fn the_form_stays_as_it_is() {
        let row = Endpoint { name: Some("web".parse().unwrap()), ..aliased(&["w"]) };
        let bytes = of((3, 4), Presence::Lingering, &[row]);
        let mut wanted = b"weft rows 1".to_vec();
        wanted.extend([[0; 15].as_slice(), &[1], &[0; 15], &[2]].concat());
        wanted.extend([0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 1]);
        wanted.extend([[0; 7].as_slice(), &[1], &[0; 7], &[0xa], &[2, 0, 0, 0, 0, 1]].concat());
        wanted.extend([0, 0, 0, 1, 0, 0, 0, 4, 10, 0, 0, 1]);
        wanted.extend([0, 0, 0, 3, b'w', b'e', b'b', 0, 0, 0, 1, 0, 0, 0, 1, b'w']);
        assert_eq!(bytes, wanted);
    }
}
