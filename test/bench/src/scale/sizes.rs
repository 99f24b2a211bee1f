//! What a large cluster wants of one host.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use weft_model::{EndpointId, MacAddr, Vni, Vtep};
use weft_plan::{Desired, IfName, Port, Segment};

/// So many networks are added, as a divisor.
pub(crate) const NETWORKS: f64 = 1_000.0;
/// Networks are numbered from here on.
const FIRST: u32 = 100_000;
const COUNT: u32 = 1_000;
/// Endpoints of each, all on other hosts.
const ENDPOINTS: u32 = 100;
/// Hosts that these are on.
const HOSTS: u32 = 250;
/// So many networks get a workload here.
pub(crate) const PORTS: u8 = 100;
/// So many of a network's endpoints move: ten thousand in all.
const MOVED: usize = 10;

/// A hundred thousand endpoints of a thousand networks.
pub(crate) fn full(desired: &Desired) -> Desired {
    grown(desired, ENDPOINTS)
}

/// A thousand networks with one endpoint each.
pub(crate) fn networks(desired: &Desired) -> Desired {
    grown(desired, 1)
}

fn grown(desired: &Desired, endpoints: u32) -> Desired {
    let mut grown = desired.clone();
    grown.guard.peers.extend((0..HOSTS).map(|host| vtep(host).0));
    let first = desired.segments.values().next();
    for number in 0..COUNT {
        let Some((model, vni)) = first.zip(Vni::try_from(FIRST + number).ok()) else { continue };
        let mut segment = Segment { vni, ports: BTreeMap::new(), ..model.clone() };
        (segment.neighbors, segment.fdb) = (BTreeMap::new(), BTreeMap::new());
        (0..endpoints).for_each(|endpoint| add(&mut segment, number, endpoint));
        grown.segments.insert(vni, segment);
    }
    grown
}

fn add(segment: &mut Segment, network: u32, endpoint: u32) {
    let [_, high, low, _] = (network << 8).to_be_bytes();
    let [.., last] = endpoint.to_be_bytes();
    let mac = MacAddr([6, 1, high, low, 0, last]);
    segment.fdb.insert(mac, vtep(network + endpoint));
    segment.neighbors.insert(IpAddr::from([10, 64, last, 1]), mac);
}

fn vtep(number: u32) -> Vtep {
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 1));
    Vtep(Ipv4Addr::from(first + number % HOSTS).into())
}

/// One endpoint more in one network.
pub(crate) fn one_more(desired: &Desired) -> Desired {
    let mut more = desired.clone();
    if let Some(segment) = more.segments.values_mut().last() {
        add(segment, COUNT - 1, ENDPOINTS);
    }
    more
}

/// Some endpoints of each network are on another host.
pub(crate) fn moved(desired: &Desired) -> Desired {
    let mut moved = desired.clone();
    for segment in moved.segments.values_mut() {
        let other = vtep(segment.vni.number());
        segment.fdb.values_mut().take(MOVED).for_each(|home| *home = other);
    }
    moved
}

/// A workload here in some of the networks.
pub(crate) fn with_ports(desired: &Desired) -> Desired {
    let mut with = desired.clone();
    for (number, segment) in (1_u32..).zip(with.segments.values_mut().skip(1).take(PORTS.into())) {
        let endpoint = EndpointId::from_random(u128::from(number) << 80);
        let [_, _, high, low] = number.to_be_bytes();
        let port = Port {
            peer: IfName::peer(endpoint),
            mac: MacAddr([6, 2, 0, 0, high, low]),
            addresses: [IpAddr::from([10, 65, high, low])].into(),
            forwards: false,
        };
        segment.ports.insert(IfName::port(endpoint), port);
    }
    with
}
