//! What the programs decide, in the kernel, on frames that were never sent.

mod weave;

use std::cell::RefCell;
use std::net::IpAddr;

use aya::programs::{TestRun, TestRunOptions};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use weft_model::{MacAddr, Vni, Vtep};
use weft_path::Reason;
use weft_plan::{Door, Engine, Gate, Guard};
use weft_wire::{Content, Decoded, Icmpv6Kind, Ip, Transport};

use super::layout::Entry;
use super::{Answers, Carrier, Duty, Home, Keeper};
use crate::Netns;

const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];
const ALL: [u8; 6] = [0xff; 6];
const OWN4: [u8; 4] = [10, 7, 0, 1];
const OTHER4: [u8; 4] = [10, 7, 0, 2];
const NOBODY4: [u8; 4] = [0; 4];
const PEER: [u8; 4] = [192, 0, 2, 2];
const OTHER_PEER: [u8; 4] = [192, 0, 2, 3];
const STRANGER: [u8; 4] = [203, 0, 113, 9];
const ME: [u8; 4] = [192, 0, 2, 1];
const VXLAN: u16 = 4789;
const NETWORK: u32 = 4242;

fn six(last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    address[..2].copy_from_slice(&[0xfd, 0]);
    address[15] = last;
    address
}

/// `fe80::` and what stands for [`OWN`].
const LINK_LOCAL: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1];

/// A guard of its own, in a namespace where `lo` stands for every interface.
struct Bench {
    netns: Netns,
    keeper: Keeper,
}

impl Bench {
    /// Nothing in a kernel that is too old for programs, and says so.
    #[expect(clippy::print_stdout, reason = "dist/vm/tests counts how often this is said")]
    fn new(own: &[IpAddr]) -> Option<Self> {
        let netns = Netns::unnamed().unwrap();
        let mut keeper = Keeper::new(&netns);
        if keeper.open().is_none() {
            let why = keeper.impossible().unwrap();
            assert!(is_old() && why.contains("they need Linux 5.12 or newer"), "{why}");
            println!("no programs, as is expected: {why}");
            return None;
        }
        let loaded = keeper.standing().unwrap();
        let peers = [IpAddr::from(PEER), OTHER_PEER.into(), six(0x22).into()].into();
        let guard = Guard { udp_port: VXLAN, peers };
        let doors = [Door::Udp(4788), Door::Tcp(9478)].into();
        loaded
            .tables
            .set_gate(&Gate { guard, local: Some(ME.into()), doors, engine: Engine::Bridge })
            .unwrap();
        let tables = &mut loaded.tables;
        tables.stations.serve(vni(NETWORK), Carrier::Bridge).unwrap();
        for (mac, host) in [(OTHER, PEER.into()), (OWN, six(0x22).into())] {
            write(tables.stations.set_homes(vni(NETWORK), [(MacAddr(mac), Home::At(host))]));
        }
        let addresses = own.iter().copied().collect();
        let entry =
            Entry { vni: Some(vni(NETWORK)), mac: MacAddr(OWN), addresses, forwards: false };
        tables.set_port(1, &entry).unwrap();
        Some(Self { netns, keeper })
    }

    /// Why a frame is dropped, if it is; exactly that is counted.
    fn judge(&mut self, duty: Duty, frame: &[u8]) -> Option<Reason> {
        let (verdict, counted, _) = self.run(duty, frame);
        match verdict {
            2 => {
                let [reason] = counted[..] else { panic!("one drop is counted as {counted:?}") };
                Some(reason)
            }
            u32::MAX => {
                assert_eq!(counted, [], "counted, but not dropped");
                None
            }
            other => panic!("no verdict: {other}"),
        }
    }

    /// A program's verdict, what it counted, and what became of the frame.
    fn run(&mut self, duty: Duty, frame: &[u8]) -> (u32, Vec<Reason>, Vec<u8>) {
        let loaded = self.keeper.standing().unwrap();
        let before = loaded.drops().unwrap();
        let program = loaded.programs.get(duty);
        let mut out = vec![0; 4096];
        let data_out = Some(out.as_mut_slice());
        let options = TestRunOptions { data_in: Some(frame), data_out, ..TestRunOptions::new() };
        let run = self.netns.run(|| program.test_run(options)).unwrap().unwrap();
        out.truncate(usize::try_from(run.data_size_out).unwrap());
        let after = loaded.drops().unwrap();
        let counted: Vec<Reason> = after
            .iter()
            .flat_map(|(reason, count)| {
                std::iter::repeat_n(*reason, usize::try_from(count - before[reason]).unwrap())
            })
            .collect();
        (run.return_value, counted, out)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.keeper.remove(&mut []).unwrap();
    }
}

fn is_old() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|number| number.parse::<u32>().unwrap());
    (numbers.next(), numbers.next()) < (Some(5), Some(12))
}

fn write(answers: Answers) {
    answers.into_iter().for_each(Result::unwrap);
}

fn vni(number: u32) -> Vni {
    number.try_into().unwrap()
}

fn frame(source: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&ALL[..], &source, &kind.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// An IPv4 packet with so many words of options.
fn v4(source: [u8; 4], fragment: u16, options: usize, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + options * 4 + payload.len()).unwrap().to_be_bytes();
    let words = 0x45 + u8::try_from(options).unwrap();
    let head = [words, 0, length[0], length[1], 0, 7];
    let [high, low] = fragment.to_be_bytes();
    [&head[..], &[high, low, 64, protocol, 0, 0], &source, &ME, &vec![1; options * 4], payload]
        .concat()
}

/// An IPv6 packet; extensions come as (number, bytes), each with room for the next number.
fn v6(source: [u8; 16], extensions: &[(u8, Vec<u8>)], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (place, (_, bytes)) in extensions.iter().enumerate() {
        let next = extensions.get(place + 1).map_or(protocol, |(number, _)| *number);
        let mut bytes = bytes.clone();
        bytes[0] = next;
        body.extend(bytes);
    }
    body.extend(payload);
    let first = extensions.first().map_or(protocol, |(number, _)| *number);
    let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x60, 0, 0, 0, high, low, first, 64][..], &source, &six(0x11), &body].concat()
}

fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let words = [source, destination, length, 0].map(u16::to_be_bytes).concat();
    [&words[..], payload].concat()
}

fn vxlan(flags: u8, vni: u32, reserved: u8, source: [u8; 6]) -> Vec<u8> {
    let inner = frame(source, 0x0800, &v4(OTHER4, 0, 0, 17, &udp(7, 7, b"hello")));
    let [_, a, b, c] = vni.to_be_bytes();
    [&[flags, 0, 0, 0, a, b, c, reserved][..], &inner].concat()
}

fn datagram(source: [u8; 4], payload: &[u8]) -> Vec<u8> {
    frame(OTHER, 0x0800, &v4(source, 0, 0, 17, &udp(50_000, VXLAN, payload)))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, a case a row")]
fn the_underlay_lets_in_members_that_speak_for_their_own() {
    let Some(mut bench) = Bench::new(&[]) else { return };
    let good = vxlan(8, NETWORK, 0, OTHER);
    let six_good = vxlan(8, NETWORK, 0, OWN);
    let outer6 = |extensions: &[(u8, Vec<u8>)], payload: &[u8]| {
        frame(OTHER, 0x86dd, &v6(six(0x22), extensions, 17, &udp(50_000, VXLAN, payload)))
    };
    let fragment4 =
        |bits: u16| frame(OTHER, 0x0800, &v4(PEER, bits, 0, 17, &udp(50_000, VXLAN, &good)));
    let many = vec![(60, vec![0; 8]); 9];
    let fragment6 = vec![(44, vec![0, 0, 0, 1, 0, 0, 0, 7])];
    for (told, packet, expected) in [
        ("a member", datagram(PEER, &good), None),
        ("a stranger", datagram(STRANGER, &good), Some(Reason::UnknownPeer)),
        ("this host itself", datagram(ME, &good), Some(Reason::UnknownPeer)),
        ("another member", datagram(OTHER_PEER, &good), Some(Reason::NotOwner)),
        (
            "a station that nobody has",
            datagram(PEER, &vxlan(8, NETWORK, 0, ALL)),
            Some(Reason::NotOwner),
        ),
        ("another network", datagram(PEER, &vxlan(8, 4243, 0, OTHER)), Some(Reason::UnknownVni)),
        ("no flag", datagram(PEER, &vxlan(0, NETWORK, 0, OTHER)), Some(Reason::BadHeader)),
        (
            "a policy group",
            datagram(PEER, &vxlan(0x88, NETWORK, 0, OTHER)),
            Some(Reason::BadHeader),
        ),
        ("reserved bits", datagram(PEER, &vxlan(8, NETWORK, 1, OTHER)), Some(Reason::BadHeader)),
        (
            "nothing inside",
            datagram(PEER, &good)[..14 + 20 + 8 + 8].to_vec(),
            Some(Reason::BadHeader),
        ),
        ("a first fragment", fragment4(0x2000), Some(Reason::Fragment)),
        ("a later fragment", fragment4(0x2001), None),
        (
            "options",
            frame(OTHER, 0x0800, &v4(STRANGER, 0, 3, 17, &udp(1, VXLAN, &good))),
            Some(Reason::UnknownPeer),
        ),
        (
            "options of a member",
            frame(OTHER, 0x0800, &v4(PEER, 0, 10, 17, &udp(1, VXLAN, &good))),
            None,
        ),
        ("another port", frame(OTHER, 0x0800, &v4(STRANGER, 0, 0, 17, &udp(1, 53, &good))), None),
        ("TCP", frame(OTHER, 0x0800, &v4(STRANGER, 0, 0, 6, &udp(1, VXLAN, &good))), None),
        ("IPv6", outer6(&[], &six_good), None),
        ("IPv6 of another's station", outer6(&[], &good), Some(Reason::NotOwner)),
        ("one extension", outer6(&many[..1], &good), Some(Reason::NotOwner)),
        ("seven extensions", outer6(&many[..7], &good), Some(Reason::NotOwner)),
        ("too many extensions", outer6(&many, &six_good), Some(Reason::BadHeader)),
        ("an IPv6 fragment", outer6(&fragment6, &six_good), Some(Reason::Fragment)),
        (
            "a fragment that hides its port",
            frame(OTHER, 0x86dd, &v6(six(0x22), &fragment6, 60, &[17, 1])[..14 + 36]),
            Some(Reason::Fragment),
        ),
        ("no IP", frame(OTHER, 0x0806, &[0; 28]), None),
    ] {
        assert_eq!(bench.judge(Duty::Underlay, &packet), expected, "{told}");
    }
}

#[test]
fn workloads_reach_neither_tunnels_nor_the_agent() {
    let Some(mut bench) = Bench::new(&[]) else { return };
    let good = vxlan(8, NETWORK, 0, OTHER);
    // In this namespace nothing is forwarded: every packet is for the host.
    for (told, packet, expected) in [
        ("VXLAN of a member", datagram(PEER, &good), Some(Reason::NotUnderlay)),
        ("VXLAN of anybody", datagram(OWN4, &good), Some(Reason::NotUnderlay)),
        (
            "the control port",
            frame(OWN, 0x0800, &v4(OWN4, 0, 0, 17, &udp(1, 4788, b"hello"))),
            Some(Reason::ControlPort),
        ),
        (
            "the metrics",
            frame(OWN, 0x0800, &v4(OWN4, 0, 0, 6, &udp(1, 9478, b"hello"))),
            Some(Reason::ControlPort),
        ),
        (
            "the same number of UDP",
            frame(OWN, 0x0800, &v4(OWN4, 0, 0, 17, &udp(1, 9478, b""))),
            None,
        ),
        ("a name server", frame(OWN, 0x0800, &v4(OWN4, 0, 0, 17, &udp(1, 53, b""))), None),
    ] {
        assert_eq!(bench.judge(Duty::Workloads, &packet), expected, "{told}");
    }
}

fn arp(sender: [u8; 6], address: [u8; 4], operation: u8) -> Vec<u8> {
    [&[0, 1, 8, 0, 6, 4, 0, operation][..], &sender, &address, &ALL, &OTHER4].concat()
}

fn nd(kind: u8, target: Option<[u8; 16]>, option: Option<(u8, [u8; 6])>) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.into_iter().flatten());
    message.extend(option.into_iter().flat_map(|(kind, mac)| [&[kind, 1][..], &mac].concat()));
    message
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, a case a row")]
fn a_port_lets_out_what_is_its_workloads_own() {
    let Some(mut bench) = Bench::new(&[OWN4.into(), six(1).into()]) else { return };
    let four = |source, payload: &[u8]| frame(OWN, 0x0800, &v4(source, 0, 0, 17, payload));
    let icmp6 = |source, payload: &[u8]| {
        let mut frame = frame(OWN, 0x86dd, &v6(source, &[], 58, payload));
        frame.truncate(14 + 40 + payload.len());
        frame
    };
    let (own, other, nobody) = (six(1), six(2), [0; 16]);
    let fragment = vec![(44, vec![0, 0, 0, 1, 0, 0, 0, 7])];
    for (told, packet, expected) in [
        ("its own packet", four(OWN4, &udp(1, 2, b"")), None),
        ("another's address", four(OTHER4, &udp(1, 2, b"")), Some(Reason::SpoofedAddress)),
        ("nobody's address", four(NOBODY4, &udp(1, 2, b"")), Some(Reason::SpoofedAddress)),
        ("a DHCP client", four(NOBODY4, &udp(68, 67, b"")), None),
        ("a DHCP server", four(OWN4, &udp(67, 68, b"")), Some(Reason::DhcpServer)),
        ("no IPv4", frame(OWN, 0x0800, &[0x60; 40]), Some(Reason::SpoofedAddress)),
        (
            "another's MAC address",
            frame(OTHER, 0x0800, &v4(OWN4, 0, 0, 17, &udp(1, 2, b""))),
            Some(Reason::SpoofedMac),
        ),
        ("a tag inside", frame(OWN, 0x9100, &[0; 50]), Some(Reason::SpoofedMac)),
        ("a tag", frame(OWN, 0x8100, &[0, 5, 8, 0]), Some(Reason::SpoofedMac)),
        ("its own ARP", frame(OWN, 0x0806, &arp(OWN, OWN4, 1)), None),
        ("an answer", frame(OWN, 0x0806, &arp(OWN, OWN4, 2)), None),
        ("a probe", frame(OWN, 0x0806, &arp(OWN, NOBODY4, 1)), None),
        ("nobody's answer", frame(OWN, 0x0806, &arp(OWN, NOBODY4, 2)), Some(Reason::SpoofedArp)),
        ("another's ARP", frame(OWN, 0x0806, &arp(OWN, OTHER4, 2)), Some(Reason::SpoofedArp)),
        ("ARP for another", frame(OWN, 0x0806, &arp(OTHER, OWN4, 2)), Some(Reason::SpoofedArp)),
        ("its own IPv6", icmp6(own, &[128, 0, 0, 0]), None),
        ("its link-local address", icmp6(LINK_LOCAL, &[128, 0, 0, 0]), None),
        ("another's IPv6", icmp6(other, &[128, 0, 0, 0]), Some(Reason::SpoofedAddress)),
        ("an echo of nobody's", icmp6(nobody, &[128, 0, 0, 0]), Some(Reason::SpoofedAddress)),
        ("what it listens to", icmp6(nobody, &[143, 0, 0, 0]), None),
        ("a question", icmp6(own, &nd(135, Some(other), Some((1, OWN)))), None),
        ("is its own address free?", icmp6(nobody, &nd(135, Some(own), None)), None),
        (
            "is another's address free?",
            icmp6(nobody, &nd(135, Some(other), None)),
            Some(Reason::SpoofedNd),
        ),
        (
            "a question with another's MAC address",
            icmp6(own, &nd(135, Some(other), Some((1, OTHER)))),
            Some(Reason::SpoofedNd),
        ),
        ("its own answer", icmp6(own, &nd(136, Some(own), Some((2, OWN)))), None),
        (
            "an answer for another",
            icmp6(own, &nd(136, Some(other), Some((2, OWN)))),
            Some(Reason::SpoofedNd),
        ),
        (
            "an answer with another's MAC address",
            icmp6(own, &nd(136, Some(own), Some((2, OTHER)))),
            Some(Reason::SpoofedNd),
        ),
        (
            "an option without a length",
            icmp6(own, &[&nd(136, Some(own), None)[..], &[2, 0, 0, 0, 0, 0, 0, 0]].concat()),
            Some(Reason::SpoofedNd),
        ),
        ("a router", icmp6(LINK_LOCAL, &nd(134, None, None)), Some(Reason::RouterAdvertisement)),
        ("a redirect", icmp6(LINK_LOCAL, &nd(137, None, None)), Some(Reason::SpoofedNd)),
        (
            "an answer in pieces",
            frame(OWN, 0x86dd, &v6(own, &fragment, 58, &nd(136, Some(own), None))),
            Some(Reason::SpoofedNd),
        ),
        (
            "a router behind an extension",
            frame(OWN, 0x86dd, &v6(own, &[(0, vec![0; 8])], 58, &nd(134, None, None))),
            Some(Reason::RouterAdvertisement),
        ),
        (
            "a DHCPv6 server",
            frame(OWN, 0x86dd, &v6(own, &[], 17, &udp(547, 546, b""))),
            Some(Reason::DhcpServer),
        ),
    ] {
        assert_eq!(bench.judge(Duty::Port, &packet), expected, "{told}");
    }
}

#[test]
fn a_port_without_an_ipv6_address_speaks_none() {
    let Some(mut bench) = Bench::new(&[OWN4.into()]) else { return };
    for source in [six(1), LINK_LOCAL, [0; 16]] {
        let packet = frame(OWN, 0x86dd, &v6(source, &[], 58, &[135, 0, 0, 0]));
        assert_eq!(bench.judge(Duty::Port, &packet), Some(Reason::Ipv6Off));
    }
}

/// What `core/path` says of a datagram with this header and this sender.
fn oracle(source: [u8; 4], vni_number: u32, mac: [u8; 6]) -> Option<Reason> {
    use weft_path::{Arrival, decap};
    let facts = world::facts();
    let arrival =
        Arrival { outer_source: source.into(), vni: vni(vni_number), inner_source: MacAddr(mac) };
    decap(&facts, world::HERE, &arrival).err()
}

/// The cluster that [`Bench`] is told of, as facts.
mod world {
    use std::collections::{BTreeMap, BTreeSet};

    use weft_model::{Endpoint, EndpointId, Network, NetworkId, Node, NodeId, PublicKey, Role};
    use weft_path::{Facts, Located};

    use super::*;

    pub(super) const HERE: NodeId = NodeId::from_random(1);

    fn node(number: u8, vtep: [u8; 4]) -> Node {
        Node {
            id: NodeId::from_random(u128::from(number)),
            key: PublicKey::from_point([[number; 32]; 2]),
            name: format!("h{number}").parse().unwrap(),
            vtep: Vtep(vtep.into()),
            control: (vtep, 4788).into(),
            role: Role::Worker,
        }
    }

    fn endpoint(number: u8, mac: [u8; 6], owner: u8) -> Located {
        let endpoint = Endpoint {
            id: EndpointId::from_random(u128::from(number)),
            mac: MacAddr(mac),
            addresses: vec![[10, 7, 0, number].into()],
            name: None,
            aliases: BTreeSet::new(),
        };
        let owner = NodeId::from_random(u128::from(owner));
        Located { network: NetworkId::from_random(1), owner, endpoint, visible: true }
    }

    pub(super) fn facts() -> Facts {
        let network = network();
        let rows = [endpoint(2, OTHER, 2), endpoint(9, [2, 0, 0, 0, 0, 9], 1)];
        Facts {
            networks: [(network.id, network)].into(),
            nodes: [node(1, ME), node(2, PEER), node(3, OTHER_PEER)]
                .into_iter()
                .map(|node| (node.id, node))
                .collect(),
            endpoints: rows.into_iter().map(|row| (row.endpoint.id, row)).collect(),
            ..Facts::default()
        }
    }

    fn network() -> Network {
        Network {
            id: NetworkId::from_random(1),
            name: None,
            vni: vni(NETWORK),
            subnets: Vec::new(),
            mtu: None,
            internal: false,
            options: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }
}

/// Runs a property on one guard, if there can be one: to load it takes longer than to ask it.
fn check<S: Strategy>(bench: Option<Bench>, strategy: &S, holds: impl Fn(&mut Bench, S::Value)) {
    let Some(bench) = bench else { return };
    let bench = RefCell::new(bench);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(2000));
    let done = runner.run(strategy, |value| {
        holds(&mut bench.borrow_mut(), value);
        Ok(())
    });
    done.unwrap();
}

#[test]
fn the_underlay_decides_as_the_walk_does() {
    let arrivals = (
        select(vec![PEER, OTHER_PEER, STRANGER, ME]),
        select(vec![NETWORK, 4243, 0x00ff_ffff]),
        select(vec![OTHER, ALL, [2, 0, 0, 0, 0, 9]]),
        0..11_usize,
    );
    check(Bench::new(&[]), &arrivals, |bench, (source, number, mac, options)| {
        let payload = udp(50_000, VXLAN, &vxlan(8, number, 0, mac));
        let packet = frame(OTHER, 0x0800, &v4(source, 0, options, 17, &payload));
        assert_eq!(bench.judge(Duty::Underlay, &packet), oracle(source, number, mac));
    });
}

/// Shorter IP is not taken for a test.
const SHORTEST: usize = 14 + 40;

/// Where and into what single bytes of a frame are bent, and where it is cut.
fn bent() -> impl Strategy<Value = (Vec<(usize, u8)>, usize)> {
    (proptest::collection::vec((0..90_usize, any::<u8>()), 0..6), SHORTEST..120_usize)
}

fn bend(mut frame: Vec<u8>, (bytes, cut): &(Vec<(usize, u8)>, usize)) -> Vec<u8> {
    frame.truncate(*cut);
    for &(at, byte) in bytes {
        if let Some(place) = frame.get_mut(at) {
            *place = byte;
        }
    }
    frame
}

#[test]
fn no_bent_tunnel_is_let_in_that_would_be_one_of_a_stranger() {
    check(Bench::new(&[]), &bent(), |bench, bent| {
        let frame = bend(datagram(PEER, &vxlan(8, NETWORK, 0, OTHER)), &bent);
        let passed = bench.judge(Duty::Underlay, &frame).is_none();
        let Ok(decoded) = Decoded::parse(&frame) else { return };
        let Content::Ip(ip, Transport::Vxlan(_, vxlan, inner)) = decoded.content else { return };
        let IpAddr::V4(source) = ip.source() else { return };
        let number = vxlan.vni;
        if passed && number != 0 {
            assert_eq!(oracle(source.octets(), number, inner.ethernet.source.0), None);
        }
    });
}

/// Whether a frame that can be read claims nothing that is not its sender's.
fn is_honest(frame: &[u8]) -> bool {
    let Ok(decoded) = Decoded::parse(frame) else { return true };
    let own6 = [six(1).into(), LINK_LOCAL.into()];
    decoded.ethernet.source.0 == OWN
        && match decoded.content {
            Content::Arp(arp) => {
                let own = arp.sender_ip == std::net::Ipv4Addr::from(OWN4);
                arp.sender_mac.0 == OWN && (own || arp.sender_ip.is_unspecified())
            }
            Content::Ip(Ip::V4(ip), _) => {
                ip.source == std::net::Ipv4Addr::from(OWN4) || ip.source.is_unspecified()
            }
            Content::Ip(Ip::V6(ip), Transport::Ndisc(message, nd)) => {
                let about = matches!(message.kind, Icmpv6Kind::NeighborAdvertisement { .. });
                let own = own6.contains(&nd.target) || !about;
                let link = nd.link_address().is_none_or(|mac| mac.0 == OWN);
                own && link && (own6.contains(&ip.source) || ip.source.is_unspecified())
            }
            Content::Ip(Ip::V6(ip), _) => own6.contains(&ip.source) || ip.source.is_unspecified(),
            Content::Other { .. } | Content::Broken(_) => true,
        }
}

#[test]
fn no_bent_frame_leaves_a_port_that_claims_what_is_anothers() {
    let own = [OWN4.into(), six(1).into()];
    let honest = vec![
        frame(OWN, 0x0800, &v4(OWN4, 0, 0, 17, &udp(1, 2, b"hello"))),
        frame(OWN, 0x0806, &arp(OWN, OWN4, 2)),
        frame(OWN, 0x86dd, &v6(six(1), &[], 58, &nd(136, Some(six(1)), Some((2, OWN))))),
        frame(OWN, 0x86dd, &v6(six(1), &[], 58, &nd(135, Some(six(2)), Some((1, OWN))))),
    ];
    let frames = (select(honest), bent());
    check(Bench::new(&own), &frames, |bench, (frame, bent)| {
        let frame = bend(frame, &bent);
        let passed = bench.judge(Duty::Port, &frame).is_none();
        assert!(!passed || is_honest(&frame), "{frame:02x?}");
    });
}
