//! Whereabouts.

use std::sync::Arc;

use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, NodeId};
use weft_whereabouts::{Head, Message, Presence, RowChange, Seal, StreamId};

use super::{Malformed, address, array, octets};
use crate::wire::{self, Body};

impl From<Message> for Body {
    fn from(message: Message) -> Self {
        match message {
            Message::Participation { head: Head { epoch, version }, networks } => {
                let networks = networks.iter().map(|id| id.to_bytes().to_vec()).collect();
                Self::Participation(wire::Participation { epoch, version, networks })
            }
            Message::DirectoryRequest { network } => {
                Self::DirectoryRequest(wire::Network { network: bytes(network) })
            }
            Message::Directory { network, nodes } => Self::Directory(wire::Directory {
                network: bytes(network),
                nodes: nodes.iter().map(|node| node.to_bytes().to_vec()).collect(),
            }),
            Message::Snapshot { stream, head, presence, rows, seal, fresh } => {
                Self::Rows(wire::Rows {
                    network: bytes(stream.network),
                    owner: stream.owner.to_bytes().to_vec(),
                    epoch: head.epoch,
                    version: head.version,
                    presence: number(presence),
                    rows: rows.iter().map(|row| wire::Row::from(&**row)).collect(),
                    seal: seal.0.to_vec(),
                    fresh,
                })
            }
            Message::Delta { stream, epoch, from, to, presence, changes, seal, fresh } => {
                Self::Delta(wire::Delta {
                    network: bytes(stream.network),
                    owner: stream.owner.to_bytes().to_vec(),
                    epoch,
                    from,
                    to,
                    presence: number(presence),
                    changes: changes.into_iter().map(wire::RowChange::from).collect(),
                    seal: seal.0.to_vec(),
                    fresh,
                })
            }
            Message::Request { stream, have } => Self::RowsRequest(wire::RowsRequest {
                network: bytes(stream.network),
                owner: stream.owner.to_bytes().to_vec(),
                epoch: have.epoch,
                have: have.version,
            }),
            Message::Digest { network, sum } => {
                Self::Digest(wire::Digest { network: bytes(network), sum })
            }
            Message::Buckets { network, sums } => {
                Self::Buckets(wire::Buckets { network: bytes(network), sums })
            }
            Message::Heads { network, buckets, heads } => Self::Heads(wire::Heads {
                network: bytes(network),
                buckets,
                heads: heads.into_iter().map(wire::Head::from).collect(),
            }),
        }
    }
}

/// A message about rows; `None` if the body is about something else.
pub(crate) fn message(body: Body) -> Result<Option<Message>, Malformed> {
    Ok(Some(match body {
        Body::Participation(wire::Participation { epoch, version, networks }) => {
            let networks = networks.iter().map(|id| network(id)).collect::<Result<_, _>>()?;
            Message::Participation { head: Head { epoch, version }, networks }
        }
        Body::DirectoryRequest(wire::Network { network: id }) => {
            Message::DirectoryRequest { network: network(&id)? }
        }
        Body::Directory(wire::Directory { network: id, nodes }) => Message::Directory {
            network: network(&id)?,
            nodes: nodes.iter().map(|id| node(id)).collect::<Result<_, _>>()?,
        },
        Body::Rows(rows) => snapshot(rows)?,
        Body::Delta(changes) => delta(changes)?,
        Body::RowsRequest(wire::RowsRequest { network, owner, epoch, have }) => Message::Request {
            stream: stream(&network, &owner)?,
            have: Head { epoch, version: have },
        },
        Body::Digest(wire::Digest { network: id, sum }) => {
            Message::Digest { network: network(&id)?, sum }
        }
        Body::Buckets(wire::Buckets { network: id, sums }) => {
            Message::Buckets { network: network(&id)?, sums }
        }
        Body::Heads(wire::Heads { network: id, buckets, heads }) => Message::Heads {
            network: network(&id)?,
            buckets,
            heads: heads.iter().map(head).collect::<Result<_, _>>()?,
        },
        _other => return Ok(None),
    }))
}

fn snapshot(rows: wire::Rows) -> Result<Message, Malformed> {
    let wire::Rows { network, epoch, version, rows, owner, presence: number, fresh, seal } = rows;
    Ok(Message::Snapshot {
        stream: stream(&network, &owner)?,
        head: Head { epoch, version },
        presence: presence(number)?,
        rows: rows.into_iter().map(|row| endpoint(row).map(Arc::new)).collect::<Result<_, _>>()?,
        seal: signature(&seal)?,
        fresh,
    })
}

fn delta(delta: wire::Delta) -> Result<Message, Malformed> {
    let wire::Delta { network, epoch, from, to, changes, owner, presence: number, fresh, seal } =
        delta;
    Ok(Message::Delta {
        stream: stream(&network, &owner)?,
        epoch,
        from,
        to,
        presence: presence(number)?,
        changes: changes.into_iter().map(change).collect::<Result<_, _>>()?,
        seal: signature(&seal)?,
        fresh,
    })
}

/// None at all is one that is good for nothing: who sends that is told of as who signs wrongly.
fn signature(bytes: &[u8]) -> Result<Seal, Malformed> {
    match bytes {
        [] => Ok(Seal([0; 64])),
        bytes => array(bytes, "a signature").map(Seal),
    }
}

fn bytes(network: NetworkId) -> Vec<u8> {
    network.to_bytes().to_vec()
}

fn network(bytes: &[u8]) -> Result<NetworkId, Malformed> {
    array(bytes, "a network id").map(NetworkId::from_bytes)
}

fn node(bytes: &[u8]) -> Result<NodeId, Malformed> {
    array(bytes, "a node id").map(NodeId::from_bytes)
}

fn stream(id: &[u8], owner: &[u8]) -> Result<StreamId, Malformed> {
    Ok(StreamId { network: network(id)?, owner: node(owner)? })
}

impl From<(NodeId, Head)> for wire::Head {
    fn from((owner, head): (NodeId, Head)) -> Self {
        let Head { epoch, version } = head;
        Self { owner: owner.to_bytes().to_vec(), epoch, version }
    }
}

fn head(head: &wire::Head) -> Result<(NodeId, Head), Malformed> {
    Ok((node(&head.owner)?, Head { epoch: head.epoch, version: head.version }))
}

const fn number(presence: Presence) -> u32 {
    match presence {
        Presence::Here => 0,
        Presence::Lingering => 1,
        Presence::Left => 2,
    }
}

const fn presence(number: u32) -> Result<Presence, Malformed> {
    match number {
        0 => Ok(Presence::Here),
        1 => Ok(Presence::Lingering),
        2 => Ok(Presence::Left),
        _ => Err(Malformed("how a node takes part")),
    }
}

impl From<&Endpoint> for wire::Row {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id.to_bytes().to_vec(),
            mac: endpoint.mac.0.to_vec(),
            addresses: endpoint.addresses.iter().copied().map(octets).collect(),
            name: endpoint.name.clone().map(String::from),
            aliases: endpoint.aliases.iter().cloned().map(String::from).collect(),
        }
    }
}

fn endpoint(row: wire::Row) -> Result<Endpoint, Malformed> {
    let name = |text: String| text.parse().map_err(|_not_a_name| Malformed("a name"));
    Ok(Endpoint {
        id: array(&row.id, "an endpoint id").map(EndpointId::from_bytes)?,
        mac: array(&row.mac, "a MAC address").map(MacAddr)?,
        addresses: row.addresses.iter().map(|a| address(a)).collect::<Result<_, _>>()?,
        name: row.name.map(name).transpose()?,
        aliases: row.aliases.into_iter().map(name).collect::<Result<_, _>>()?,
    })
}

impl From<RowChange> for wire::RowChange {
    fn from(change: RowChange) -> Self {
        match change {
            RowChange::Put(row) => Self { put: Some((&*row).into()), remove: Vec::new() },
            RowChange::Remove(id) => Self { put: None, remove: id.to_bytes().to_vec() },
        }
    }
}

fn change(change: wire::RowChange) -> Result<RowChange, Malformed> {
    match change.put {
        Some(row) => endpoint(row).map(|row| RowChange::Put(Arc::new(row))),
        None => array(&change.remove, "an endpoint id")
            .map(|b| RowChange::Remove(EndpointId::from_bytes(b))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::wire::Envelope;

    fn row() -> Endpoint {
        Endpoint {
            id: EndpointId::from_random(9),
            mac: MacAddr([2, 0, 0, 0, 0, 9]),
            addresses: vec![[10, 7, 0, 9].into(), "fd00::9".parse().unwrap()],
            name: Some("web".parse().unwrap()),
            aliases: BTreeSet::from(["www".parse().unwrap()]),
        }
    }

    fn all() -> Vec<Message> {
        let (network, owner) = (NetworkId::from_random(7), NodeId::from_random(4));
        let (stream, head) = (StreamId { network, owner }, Head { epoch: 1, version: 2 });
        let (row, seal, fresh) = (Arc::new(row()), Seal([5; 64]), true);
        let changes =
            vec![RowChange::Put(Arc::clone(&row)), RowChange::Remove(EndpointId::from_random(3))];
        let presence = Presence::Lingering;
        vec![
            Message::Participation { head, networks: BTreeSet::from([network]) },
            Message::DirectoryRequest { network },
            Message::Directory { network, nodes: BTreeSet::from([owner]) },
            Message::Snapshot { stream, head, presence, rows: vec![row], seal, fresh },
            Message::Delta { stream, epoch: 1, from: 2, to: 4, presence, changes, seal, fresh },
            Message::Request { stream, have: head },
            Message::Digest { network, sum: u64::MAX },
            Message::Buckets { network, sums: vec![0, 5, u64::MAX] },
            Message::Heads { network, buckets: 1 << 63, heads: vec![(owner, head)] },
        ]
    }

    #[test]
    fn every_message_reads_back_as_it_was_written() {
        for sent in all() {
            let bytes = Envelope::new(sent.clone().into()).encode_to_vec();
            let body = Envelope::decode(bytes.as_slice()).unwrap().body.unwrap();
            assert_eq!(message(body), Ok(Some(sent)));
        }
    }

    #[test]
    fn rows_with_a_signature_of_another_length_are_not_understood() {
        for (sent, length) in
            all().into_iter().flat_map(|sent| [1, 63, 65, 1 << 20].map(|n| (sent.clone(), n)))
        {
            let mut body = sent.into();
            match &mut body {
                Body::Rows(wire::Rows { seal, .. }) | Body::Delta(wire::Delta { seal, .. }) => {
                    *seal = vec![5; length];
                    assert_eq!(message(body), Err(Malformed("a signature")));
                }
                _without => {}
            }
        }
    }

    #[test]
    fn rows_of_who_has_not_signed_them_are_signed_by_nobody() {
        let body = Body::from(all().remove(3));
        let Body::Rows(rows) = body else { panic!("{body:?}") };
        let read = message(Body::Rows(wire::Rows { seal: Vec::new(), ..rows }));
        let Ok(Some(Message::Snapshot { seal, .. })) = read else { panic!("{read:?}") };
        assert_eq!(seal, Seal([0; 64]));
    }

    #[test]
    fn a_body_of_a_later_version_is_left_alone() {
        // Field 99, length-delimited, of one byte.
        let unknown = [0x08, 0x02, 0x9a, 0x06, 0x01, 0x00];
        let envelope = Envelope::decode(unknown.as_slice()).unwrap();
        assert_eq!((envelope.version, envelope.body), (2, None));
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(Envelope { body: Some(body), .. }) = Envelope::decode(bytes.as_slice()) {
                let understood = message(body);
                prop_assert!(understood.is_ok() || understood.is_err());
            }
        }

        #[test]
        fn no_damage_makes_decoding_panic(which in 0..9_usize, at in any::<prop::sample::Index>(), to: u8) {
            let mut bytes = Envelope::new(all()[which].clone().into()).encode_to_vec();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(Envelope { body: Some(body), .. }) = Envelope::decode(bytes.as_slice()) {
                let _understood = message(body);
            }
        }
    }
}
