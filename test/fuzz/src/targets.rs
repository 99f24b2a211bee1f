//! What is fuzzed: one function a reader of foreign bytes.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use weft_model::{EndpointId, MacAddr, Name, NetworkId};
use weft_names::{Answer, Asker, Kind, Question, Zone, Zones, answer};
use weft_registry::{Change, Entry, Key, Snapshot, View};
use weft_wire::{Arp, Decoded, Ends, Ethernet, Icmp, Icmpv6, Ipv4, Ipv6, Ndisc, Tcp, Udp, Vxlan};

use crate::seeds;

/// A reader and what it likes to read. The reader panics if something is not as it must be.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// One word.
    pub name: &'static str,
    /// Inputs that are right.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Reads any bytes.
    pub read: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 5] = [
    Target { name: "frames", seeds: seeds::frames, read: read_frame },
    Target { name: "headers", seeds: seeds::frames, read: read_headers },
    Target { name: "names", seeds: seeds::names, read: read_name },
    Target { name: "tokens", seeds: seeds::tokens, read: read_token },
    Target { name: "registry", seeds: seeds::entries, read: read_entry },
];

/// A frame is told on one line, whatever it is.
fn read_frame(bytes: &[u8]) {
    for decoded in [Decoded::parse(bytes), Decoded::with_vxlan_port(bytes, 0)].iter().flatten() {
        let told = decoded.to_string();
        assert!(!told.is_empty() && !told.contains('\n'), "{told}");
        let inner = decoded.innermost();
        assert!(inner.vxlan().is_none() || std::ptr::eq(inner, decoded), "nested too deep");
    }
}

/// Whatever a header's parser accepts, it writes as it was.
fn read_headers(bytes: &[u8]) {
    let v4 = Ends::V4 { source: Ipv4Addr::LOCALHOST, destination: Ipv4Addr::BROADCAST };
    let v6 = Ends::V6 { source: Ipv6Addr::LOCALHOST, destination: Ipv6Addr::UNSPECIFIED };
    // Headers lie behind Ethernet's 14 bytes and IPv4's 24 in the seeds.
    for bytes in [0, 14, 34, 38].iter().filter_map(|at| bytes.get(*at..)) {
        begins(bytes, Ethernet::parse(bytes).ok().map(|(header, rest)| header.emit(rest)));
        begins(bytes, Arp::parse(bytes).ok().map(|packet| packet.emit()));
        begins(bytes, Ipv4::parse(bytes).ok().map(|(header, rest)| header.emit(rest)));
        begins(bytes, Ipv6::parse(bytes).ok().map(|(header, rest)| header.emit(rest)));
        begins(bytes, Icmp::parse(bytes).ok().map(|(header, rest)| header.emit(rest)));
        begins(bytes, Ndisc::parse(bytes).ok().map(|body| body.emit()));
        let _ignores_reserved_bits = Vxlan::parse(bytes);
        for ends in [v4, v6] {
            begins(
                bytes,
                Udp::parse(bytes, ends).ok().map(|(header, rest)| header.emit(rest, ends)),
            );
            begins(
                bytes,
                Tcp::parse(bytes, ends).ok().map(|(header, rest)| header.emit(rest, ends)),
            );
            begins(bytes, Icmpv6::parse(bytes, ends).ok().map(|(h, rest)| h.emit(rest, ends)));
        }
    }
}

#[track_caller]
fn begins(bytes: &[u8], written: Option<Vec<u8>>) {
    if let Some(written) = written {
        assert!(bytes.starts_with(&written), "read {bytes:02x?}, wrote {written:02x?}");
    }
}

/// Texts from questions, labels and flags.
fn read_name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.as_str().parse::<Name>().as_ref(), Ok(&name));
    }
    let _read = (text.parse::<EndpointId>().is_ok(), text.parse::<MacAddr>().is_ok());
    let network = NetworkId::from_random(1);
    let zone = Zone {
        network,
        name: "app".parse().ok(),
        internal: true,
        subnets: Vec::new(),
        records: std::collections::BTreeMap::new(),
        pointers: std::collections::BTreeMap::new(),
        ended: BTreeSet::new(),
    };
    let asker = Asker { networks: BTreeSet::from([network]), ..Asker::default() };
    for kind in [Kind::A, Kind::Aaaa, Kind::Ptr, Kind::Other] {
        let question = Question { name: text.clone(), kind };
        // Nothing is there, and nothing may leak.
        assert_eq!(answer(&Zones::build([zone.clone()]), &asker, &question), Answer::Refuse);
    }
}

/// Tokens come from shells and chat windows.
fn read_token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(token) = text.parse::<weft_identity::Token>() {
        assert_eq!(token.to_string().parse(), Ok(token));
    }
    let _not_a_node = weft_identity::node_of(bytes, "cluster");
}

/// A newer or broken manager may send any key and value.
fn read_entry(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (key, value) = text.split_once('\n').unwrap_or((&text, ""));
    let _read = Key::parse(key);
    let (key, value) = (key.to_owned(), value.as_bytes().to_vec());
    let entry = Entry { key: key.clone(), value: value.clone(), modified: 1 };
    let viewed = View::from_snapshot(&Snapshot { revision: 1, entries: vec![entry] });
    if let Ok(mut view) = viewed {
        assert_eq!(View::from_snapshot(&view.to_snapshot()).as_ref(), Ok(&view));
        let deleted = view.apply(&Change { revision: 2, key, value: None });
        assert!(deleted.is_ok(), "what was put can be deleted");
    }
    let _journey = serde_json::from_slice::<weft_path::Journey>(&value);
}
