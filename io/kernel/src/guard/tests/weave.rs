//! What the programs of networks without bridges decide, and what they make of a frame: held against
//! the walk, packet for packet.

use std::process::Command;

use weft_path::{Arrival, Delivered, Facts, Located, Way, decap, deliver, encap, neighbor};
use weft_wire::{Arp, EtherType, Ethernet, Operation};

use super::*;
use crate::guard::Neighbor;

/// `TC_ACT_REDIRECT`.
const SENT: u32 = 7;
/// `TC_ACT_SHOT`.
const ENDED: u32 = 2;
/// Left to the kernel.
const LEFT: u32 = u32::MAX;
/// A neighbour of the endpoint behind `lo`, on the same host.
const NEAR: [u8; 6] = [2, 0, 0, 0, 0, 9];
const NEAR4: [u8; 4] = [10, 7, 0, 9];
const NOBODY: [u8; 6] = [2, 0, 0, 0, 0, 0x77];
/// The next hop's Ethernet address.
const HOP: [u8; 6] = [2, 0x99, 0, 0, 0, 2];
/// Not in [`world::facts`], where the endpoint behind `lo` is not either.
const OWN_ID: u128 = 1;

/// The facts with the endpoint behind `lo`.
fn facts() -> Facts {
    let mut facts = world::facts();
    let (_, like) = facts.endpoints.first_key_value().unwrap();
    let mut own: Located = like.clone();
    own.owner = world::HERE;
    own.endpoint.id = weft_model::EndpointId::from_random(OWN_ID << 64);
    own.endpoint.mac = MacAddr(OWN);
    own.endpoint.addresses = vec![OWN4.into()];
    facts.endpoints.insert(own.endpoint.id, own);
    facts
}

fn own(facts: &Facts) -> &Located {
    facts.endpoints.values().find(|row| row.endpoint.mac == MacAddr(OWN)).unwrap()
}

/// A bench whose tables are those of the facts, with a way to the other hosts.
fn bench(facts: &Facts) -> Option<Bench> {
    let mut bench = Bench::new(&[OWN4.into()])?;
    let network = facts.networks.values().next().unwrap().id;
    let stations = &mut bench.keeper.standing().unwrap().tables.stations;
    stations.serve(vni(NETWORK), Carrier::Programs).unwrap();
    for (mac, vtep) in weft_path::fdb(facts, world::HERE, network) {
        write(stations.set_homes(vni(NETWORK), [(mac, Home::At(vtep.0))]));
    }
    for (address, mac) in weft_path::neighbors(facts, world::HERE, network) {
        let row = (address, Neighbor { mac, local: false });
        write(stations.set_neighbors(vni(NETWORK), [row]));
    }
    for (interface, row) in (1..).zip([own(facts), near(facts)]) {
        let addresses = row.endpoint.addresses.iter().copied().collect();
        stations.settle((vni(NETWORK), row.endpoint.mac), interface, &addresses).unwrap();
        assert_eq!(
            stations.look().unwrap().home(&(vni(NETWORK), row.endpoint.mac)),
            Some(Home::Here(interface))
        );
    }
    let script = "ip link set lo up && echo 1 > /proc/sys/net/ipv4/conf/lo/forwarding && \
                  ip link add eth0 type veth peer name eth1 && ip link set eth1 up && \
                  ip link set eth0 up && ip addr add 192.0.2.1/24 dev eth0 && \
                  ip neigh add 192.0.2.2 lladdr 02:99:00:00:00:02 dev eth0 && \
                  ip neigh add 192.0.2.3 lladdr 02:99:00:00:00:02 dev eth0";
    let done = bench.netns.run(|| Command::new("sh").args(["-c", script]).status());
    assert!(done.unwrap().unwrap().success());
    Some(bench)
}

fn near(facts: &Facts) -> &Located {
    facts.endpoints.values().find(|row| row.endpoint.mac == MacAddr(NEAR)).unwrap()
}

/// What the walk says of a frame that may be sent.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    /// It goes out changed so, or as it is.
    Sent(Vec<u8>),
    /// It leaves in this envelope.
    Wrapped(weft_path::Envelope),
    /// It ends, for this reason if there is one to count.
    Ended(Option<Reason>),
}

/// As `core/path` has it, and nothing of the programs.
fn walk(facts: &Facts, frame: &[u8]) -> Expected {
    let (header, payload) = Ethernet::parse(frame).unwrap();
    let from = own(facts);
    if header.ethertype == EtherType::Arp
        && let Ok(asked) = Arp::parse(payload)
        && asked.operation == Operation::Request
    {
        return answer(facts, frame, &asked);
    }
    if header.destination.0[0] & 1 == 1 {
        return Expected::Ended(None);
    }
    let length = u16::try_from(payload.len()).unwrap();
    match encap(facts, from, header.destination, length) {
        Ok(Way::StaysOnHost) => Expected::Sent(frame.to_vec()),
        Ok(Way::Leaves(envelope)) => Expected::Wrapped(envelope),
        Err(reason) => Expected::Ended(Some(reason)),
    }
}

fn answer(facts: &Facts, frame: &[u8], asked: &Arp) -> Expected {
    let found = match neighbor(facts, own(facts), asked.target_ip.into()) {
        Ok(found) if found.mac != MacAddr(OWN) => found.mac,
        Ok(_itself) => return Expected::Ended(None),
        Err(reason) => return Expected::Ended(Some(reason)),
    };
    let answer = Arp {
        operation: Operation::Reply,
        sender_mac: found,
        sender_ip: asked.target_ip,
        target_mac: asked.sender_mac,
        target_ip: asked.sender_ip,
    };
    let header = Ethernet { destination: MacAddr(OWN), source: found, ethertype: EtherType::Arp };
    let mut expected = header.emit(&answer.emit());
    expected.extend(frame.get(expected.len()..).unwrap_or_default());
    Expected::Sent(expected)
}

/// Whether the programs did that.
fn check_done(expected: &Expected, frame: &[u8], done: (u32, Vec<Reason>, Vec<u8>)) {
    let (verdict, counted, out) = done;
    match expected {
        Expected::Sent(bytes) => assert_eq!((verdict, &counted[..], &out), (SENT, &[][..], bytes)),
        Expected::Ended(reason) => {
            assert_eq!((verdict, counted.first().copied()), (ENDED, *reason), "{frame:02x?}");
        }
        Expected::Wrapped(envelope) => {
            assert_eq!((verdict, &counted[..]), (SENT, &[][..]));
            check_wrapped(envelope, frame, &out);
        }
    }
}

fn check_wrapped(envelope: &weft_path::Envelope, frame: &[u8], out: &[u8]) {
    let decoded = Decoded::parse(out).unwrap();
    let Content::Ip(Ip::V4(ip), Transport::Vxlan(udp, vxlan, _)) = decoded.content else {
        panic!("no VXLAN: {out:02x?}")
    };
    let IpAddr::V4(source) = envelope.source.0 else { panic!() };
    let IpAddr::V4(destination) = envelope.destination.0 else { panic!() };
    assert_eq!((ip.source, ip.destination), (source, destination));
    assert_eq!((udp.destination_port, vxlan.vni), (envelope.port, envelope.vni.number()));
    assert!(udp.source_port >= 49_152, "RFC 7348 §5");
    assert_eq!(&out[50..], frame, "the frame is carried as it is");
    assert_eq!(weft_wire::internet_checksum(&out[14..34]), 0, "the header's sum is right");
    let length = u16::from_be_bytes([out[16], out[17]]);
    assert_eq!(usize::from(length), out.len() - 14);
}

fn to(destination: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame(OWN, kind, payload);
    frame[..6].copy_from_slice(&destination);
    frame
}

#[test]
fn what_a_workload_sends_goes_where_the_walk_says() {
    let facts = facts();
    let destinations = select(vec![OTHER, NEAR, NOBODY, ALL, OWN]);
    let targets = select(vec![OTHER4, NEAR4, OWN4, [10, 7, 0, 77]]);
    let frames = (destinations, targets, 0..1_300_usize, 0..3_u8);
    check(bench(&facts), &frames, |bench, (destination, target, size, kind)| {
        let frame = match kind {
            0 => {
                let asked = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &OWN, &OWN4, &[0; 6], &target].concat();
                to(ALL, 0x0806, &asked)
            }
            1 => to(destination, 0x0800, &v4(OWN4, 0, 0, 17, &udp(7, 7, &vec![7; size]))),
            _ => to(destination, 0x0800, &v4(OWN4, 0x2000, 0, 6, &vec![7; size.max(20)])),
        };
        let done = bench.run(Duty::Weave, &frame);
        check_done(&walk(&facts, &frame), &frame, done);
    });
}

#[test]
fn bent_frames_are_refused_by_the_guard_or_go_where_the_walk_says() {
    let facts = facts();
    let honest = vec![
        to(OTHER, 0x0800, &v4(OWN4, 0, 0, 17, &udp(1, 2, b"hello"))),
        to(NEAR, 0x0800, &v4(OWN4, 0, 0, 6, &udp(1, 2, b"hello"))),
        to(ALL, 0x0806, &arp(OWN, OWN4, 1)),
    ];
    let frames = (select(honest), bent());
    check(bench(&facts), &frames, |bench, (frame, bent)| {
        let frame = bend(frame, &bent);
        if let Some(reason) = bench.judge(Duty::Port, &frame) {
            let (verdict, counted, _) = bench.run(Duty::Weave, &frame);
            assert_eq!((verdict, &counted[..]), (ENDED, &[reason][..]));
            return;
        }
        // Where there is no IP, or a claim of it only, the VXLAN device carries.
        let carried = frame[12..14] == [8, 6] || (frame[12..14] == [8, 0] && frame[14] >> 4 == 4);
        if !carried {
            return;
        }
        let done = bench.run(Duty::Weave, &frame);
        check_done(&walk(&facts, &frame), &frame, done);
    });
}

#[test]
fn what_arrives_is_delivered_as_the_walk_says_byte_for_byte() {
    let facts = facts();
    let network = facts.networks.values().next().unwrap().id;
    let arrivals = (
        select(vec![PEER, OTHER_PEER, STRANGER]),
        select(vec![NETWORK, 4243]),
        select(vec![OTHER, NEAR, NOBODY]),
        select(vec![OWN, NEAR, NOBODY, OTHER, ALL]),
        0..1_300_usize,
    );
    check(bench(&facts), &arrivals, |bench, (source, number, from, destination, size)| {
        let mut inner = frame(from, 0x0800, &v4(OTHER4, 0, 0, 17, &udp(7, 7, &vec![7; size])));
        inner[..6].copy_from_slice(&destination);
        let header = [&[8, 0, 0, 0][..], &(number << 8).to_be_bytes()].concat();
        let payload = udp(50_000, VXLAN, &[header, inner.clone()].concat());
        let mut outer = frame(HOP, 0x0800, &v4(source, 0, 0, 17, &payload));
        // For `lo`, which has this address.
        outer[..6].copy_from_slice(&[0; 6]);
        let (verdict, counted, out) = bench.run(Duty::Arrival, &outer);
        let arrival =
            Arrival { outer_source: source.into(), vni: vni(number), inner_source: MacAddr(from) };
        let accepted = decap(&facts, world::HERE, &arrival);
        let delivered =
            accepted.and_then(|_| deliver(&facts, world::HERE, network, MacAddr(destination)));
        match (accepted, delivered) {
            (Err(reason), _) => assert_eq!((verdict, &counted[..]), (ENDED, &[reason][..])),
            (Ok(_), Ok(Delivered { .. })) => {
                assert_eq!((verdict, &counted[..], &out), (SENT, &[][..], &inner));
            }
            (Ok(_), Err(_)) => assert_eq!((verdict, &counted[..]), (LEFT, &[][..])),
        }
    });
}

#[test]
fn a_question_about_an_ipv6_address_is_answered() {
    let facts = facts();
    let Some(mut bench) = bench(&facts) else { return };
    let tables = &mut bench.keeper.standing().unwrap().tables;
    let addresses = [IpAddr::from(OWN4), six(1).into()].into();
    let entry = Entry { vni: Some(vni(NETWORK)), mac: MacAddr(OWN), addresses, forwards: false };
    tables.set_port(1, &entry).unwrap();
    let six_of_other = Neighbor { mac: MacAddr(OTHER), local: false };
    write(tables.stations.set_neighbors(vni(NETWORK), [(six(2).into(), six_of_other)]));
    let question = v6(six(1), &[], 58, &nd(135, Some(six(2)), Some((1, OWN))));
    let frame = to([0x33, 0x33, 0xff, 0, 0, 2], 0x86dd, &question);
    let (verdict, counted, out) = bench.run(Duty::Weave, &frame);
    assert_eq!((verdict, &counted[..]), (SENT, &[][..]));
    let decoded = Decoded::parse(&out).unwrap();
    assert_eq!((decoded.ethernet.source.0, decoded.ethernet.destination.0), (OTHER, OWN));
    let Content::Ip(Ip::V6(ip), Transport::Ndisc(message, nd)) = decoded.content else {
        panic!("no answer: {out:02x?}")
    };
    assert_eq!((ip.source, ip.destination), (six(2).into(), six(1).into()));
    assert!(matches!(message.kind, Icmpv6Kind::NeighborAdvertisement { .. }));
    assert_eq!((nd.target, nd.link_address()), (six(2).into(), Some(MacAddr(OTHER))));
}
