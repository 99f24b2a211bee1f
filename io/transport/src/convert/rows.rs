//! Whereabouts.

use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId};
use weft_whereabouts::{Message, RowChange};

use super::{Malformed, address, array, octets};
use crate::wire::{self, Body};

impl From<Message> for Body {
    fn from(message: Message) -> Self {
        match message {
            Message::Participation { epoch, version, networks } => {
                let networks = networks.iter().map(|id| id.to_bytes().to_vec()).collect();
                Self::Participation(wire::Participation { epoch, version, networks })
            }
            Message::Snapshot { network, epoch, version, rows } => Self::Rows(wire::Rows {
                network: network.to_bytes().to_vec(),
                epoch,
                version,
                rows: rows.into_iter().map(wire::Row::from).collect(),
            }),
            Message::Delta { network, epoch, from, to, changes } => Self::Delta(wire::Delta {
                network: network.to_bytes().to_vec(),
                epoch,
                from,
                to,
                changes: changes.into_iter().map(wire::RowChange::from).collect(),
            }),
            Message::Request { network, epoch, have } => {
                let network = network.to_bytes().to_vec();
                Self::RowsRequest(wire::RowsRequest { network, epoch, have })
            }
            Message::ParticipationRequest => Self::ParticipationRequest(wire::Empty {}),
            Message::Digest { epoch, participation, streams } => {
                let stream = |(network, version): (NetworkId, u64)| wire::Stream {
                    network: network.to_bytes().to_vec(),
                    version,
                };
                let streams = streams.into_iter().map(stream).collect();
                Self::Digest(wire::Digest { epoch, participation, streams })
            }
        }
    }
}

/// A message about rows; `None` if the body is about something else.
pub(crate) fn message(body: Body) -> Result<Option<Message>, Malformed> {
    Ok(Some(match body {
        Body::Participation(wire::Participation { epoch, version, networks }) => {
            let networks = networks.iter().map(|id| network(id)).collect::<Result<_, _>>()?;
            Message::Participation { epoch, version, networks }
        }
        Body::Rows(wire::Rows { network: id, epoch, version, rows }) => Message::Snapshot {
            network: network(&id)?,
            epoch,
            version,
            rows: rows.into_iter().map(endpoint).collect::<Result<_, _>>()?,
        },
        Body::Delta(wire::Delta { network: id, epoch, from, to, changes }) => Message::Delta {
            network: network(&id)?,
            epoch,
            from,
            to,
            changes: changes.into_iter().map(change).collect::<Result<_, _>>()?,
        },
        Body::RowsRequest(wire::RowsRequest { network: id, epoch, have }) => {
            Message::Request { network: network(&id)?, epoch, have }
        }
        Body::ParticipationRequest(wire::Empty {}) => Message::ParticipationRequest,
        Body::Digest(wire::Digest { epoch, participation, streams }) => {
            let stream = |s: wire::Stream| Ok((network(&s.network)?, s.version));
            let streams = streams.into_iter().map(stream).collect::<Result<_, _>>()?;
            Message::Digest { epoch, participation, streams }
        }
        _other => return Ok(None),
    }))
}

fn network(bytes: &[u8]) -> Result<NetworkId, Malformed> {
    array(bytes, "a network id").map(NetworkId::from_bytes)
}

impl From<Endpoint> for wire::Row {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.to_bytes().to_vec(),
            mac: endpoint.mac.0.to_vec(),
            addresses: endpoint.addresses.into_iter().map(octets).collect(),
            name: endpoint.name.map(String::from),
            aliases: endpoint.aliases.into_iter().map(String::from).collect(),
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
            RowChange::Put(endpoint) => Self { put: Some(endpoint.into()), remove: Vec::new() },
            RowChange::Remove(id) => Self { put: None, remove: id.to_bytes().to_vec() },
        }
    }
}

fn change(change: wire::RowChange) -> Result<RowChange, Malformed> {
    match change.put {
        Some(row) => endpoint(row).map(RowChange::Put),
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
        let network = NetworkId::from_random(7);
        let changes = vec![RowChange::Put(row()), RowChange::Remove(EndpointId::from_random(3))];
        vec![
            Message::Participation { epoch: 1, version: 2, networks: BTreeSet::from([network]) },
            Message::Snapshot { network, epoch: 1, version: 2, rows: vec![row()] },
            Message::Delta { network, epoch: 1, from: 2, to: 4, changes },
            Message::Request { network, epoch: 1, have: 0 },
            Message::ParticipationRequest,
            Message::Digest { epoch: 1, participation: 2, streams: vec![(network, 4)] },
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
        fn no_damage_makes_decoding_panic(which in 0..6_usize, at in any::<prop::sample::Index>(), to: u8) {
            let mut bytes = Envelope::new(all()[which].clone().into()).encode_to_vec();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(Envelope { body: Some(body), .. }) = Envelope::decode(bytes.as_slice()) {
                let _understood = message(body);
            }
        }
    }
}
