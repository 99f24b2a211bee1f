//! The programs' tables as bytes: the structures of `bpf/maps.h`, in this machine's byte order.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use weft_model::{MacAddr, Vni};
use weft_plan::{Engine, Gate, Guard, Port};

use super::rows::{Home, Neighbor};

/// `struct address`.
pub(super) type Address = [u8; 16];
/// `struct station`.
pub(super) type Station = [u8; 12];
/// `struct home`.
pub(super) type HomeBytes = [u8; 24];
/// `struct spot`.
pub(super) type Spot = [u8; 24];
/// `struct neighbor`.
pub(super) type NeighborBytes = [u8; 8];
/// `struct seat`.
pub(super) type Seat = [u8; 8];
/// `struct port`.
pub(super) type PortBytes = [u8; 144];
/// `struct config`.
pub(super) type Config = [u8; 24];

/// `OWN_ADDRESSES`.
const OWN_ADDRESSES: usize = 8;
/// `NO_VNI`.
const NO_VNI: u32 = u32::MAX;
const NOBODY: Address = [0; 16];

pub(super) fn address(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Nothing for all zeros.
pub(super) fn address_of(bytes: Address) -> Option<IpAddr> {
    (bytes != NOBODY).then(|| Ipv6Addr::from(bytes).to_canonical())
}

pub(super) fn station(vni: Vni, mac: MacAddr) -> Station {
    join([&vni.number().to_ne_bytes(), &mac.0, &[0; 2]])
}

pub(super) fn station_of(bytes: &Station) -> Option<(Vni, MacAddr)> {
    let vni = u32::from_ne_bytes(*bytes.first_chunk()?).try_into().ok()?;
    Some((vni, MacAddr(*bytes.get(4..)?.first_chunk()?)))
}

pub(super) fn home(home: Home) -> HomeBytes {
    match home {
        Home::Here(interface) => join([&NOBODY, &interface.to_ne_bytes(), &[0; 4]]),
        Home::At(host) => join([&address(host), &[0; 8]]),
    }
}

pub(super) fn home_of(bytes: &HomeBytes) -> Option<Home> {
    match address_of(*bytes.first_chunk()?) {
        Some(host) => Some(Home::At(host)),
        None => Some(Home::Here(u32::from_ne_bytes(*bytes.get(16..)?.first_chunk()?))),
    }
}

pub(super) fn spot(vni: Vni, at: IpAddr) -> Spot {
    join([&vni.number().to_ne_bytes(), &[0; 4], &address(at)])
}

pub(super) fn spot_of(bytes: &Spot) -> Option<(Vni, IpAddr)> {
    let vni = u32::from_ne_bytes(*bytes.first_chunk()?).try_into().ok()?;
    Some((vni, address_of(*bytes.last_chunk()?)?))
}

pub(super) fn neighbor(Neighbor { mac, local }: Neighbor) -> NeighborBytes {
    join([&mac.0, &[u8::from(local), 0]])
}

pub(super) const fn neighbor_of(bytes: &NeighborBytes) -> Neighbor {
    let [a, b, c, d, e, f, local, _] = *bytes;
    Neighbor { mac: MacAddr([a, b, c, d, e, f]), local: local != 0 }
}

pub(super) fn seat(vni: Vni, number: u32) -> Seat {
    join([&vni.number().to_ne_bytes(), &number.to_ne_bytes()])
}

pub(super) fn seat_of(bytes: &Seat) -> Option<(Vni, u32)> {
    let vni = u32::from_ne_bytes(*bytes.first_chunk()?).try_into().ok()?;
    Some((vni, u32::from_ne_bytes(*bytes.last_chunk()?)))
}

/// `shared`: the number of the VXLAN device of all networks, or 0.
pub(super) fn config(gate: &Gate, shared: u32) -> Config {
    let local = gate.local.map_or(NOBODY, address);
    let engine: u16 = match gate.engine {
        Engine::Bridge => 0,
        Engine::Bpf => 1,
    };
    let port = gate.guard.udp_port;
    join([&port.to_ne_bytes(), &engine.to_ne_bytes(), &shared.to_ne_bytes(), &local])
}

pub(super) fn shared_of(bytes: &Config) -> u32 {
    let number = bytes.get(4..).and_then(<[u8]>::first_chunk);
    number.copied().map_or(0, u32::from_ne_bytes)
}

/// All of a gate that is in its configuration.
pub(super) fn config_of(bytes: &Config) -> Option<Gate> {
    let udp_port = u16::from_ne_bytes(*bytes.first_chunk()?);
    let local = address_of(*bytes.last_chunk()?);
    let guard = Guard { udp_port, ..Guard::default() };
    let engine = match bytes.get(2..4)? {
        [0, 0] => Engine::Bridge,
        _ => Engine::Bpf,
    };
    Some(Gate { guard, local, doors: BTreeSet::new(), engine })
}

/// What a port's program knows of its workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The network; nothing at the egress bridge.
    pub(crate) vni: Option<Vni>,
    /// Its MAC address.
    pub(crate) mac: MacAddr,
    /// Its addresses.
    pub(crate) addresses: BTreeSet<IpAddr>,
    /// Whether it may send under others too.
    pub(crate) forwards: bool,
}

impl Entry {
    pub(crate) fn of(vni: Option<Vni>, port: &Port) -> Self {
        let (addresses, forwards) = (port.addresses.clone(), port.forwards);
        Self { vni, mac: port.mac, addresses, forwards }
    }

    /// Nothing if it has more addresses than there is room for.
    pub(super) fn bytes(&self) -> Option<PortBytes> {
        let ipv6 = self.addresses.iter().any(IpAddr::is_ipv6);
        let mut own: Vec<Address> = self.addresses.iter().copied().map(address).collect();
        own.extend(ipv6.then(|| link_local(self.mac).octets()));
        let room = own.len() <= OWN_ADDRESSES;
        own.resize(OWN_ADDRESSES, NOBODY);
        let vni = self.vni.map_or(NO_VNI, Vni::number).to_ne_bytes();
        let flags = [u8::from(ipv6), u8::from(self.forwards), 0, 0, 0, 0];
        room.then(|| join([&vni, &self.mac.0, &flags, &own.concat()]))
    }

    /// Nothing if no version of this program has written it.
    pub(super) fn read(bytes: &PortBytes) -> Option<Self> {
        let mac = MacAddr(*bytes.get(4..)?.first_chunk()?);
        let (own, _) = bytes.get(16..)?.as_chunks::<16>();
        let own = own.iter().filter_map(|own| address_of(*own));
        let entry = Self {
            vni: u32::from_ne_bytes(*bytes.first_chunk()?).try_into().ok(),
            mac,
            addresses: own.filter(|own| *own != IpAddr::from(link_local(mac))).collect(),
            forwards: *bytes.get(11)? != 0,
        };
        (entry.bytes().as_ref() == Some(bytes)).then_some(entry)
    }
}

/// The address that an interface gives itself (RFC 4291, appendix A).
fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    let pair = u16::from_be_bytes;
    Ipv6Addr::new(0xfe80, 0, 0, 0, pair([a ^ 2, b]), pair([c, 0xff]), pair([0xfe, d]), pair([e, f]))
}

/// `struct sample`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SampleBytes<'a>(pub(super) &'a [u8]);

impl SampleBytes<'_> {
    pub(super) fn at(&self) -> Option<u64> {
        Some(u64::from_ne_bytes(*self.0.first_chunk()?))
    }

    /// The four numbers behind it: reason, interface, VNI, length.
    pub(super) fn number(&self, place: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(*self.0.get(8 + 4 * place..)?.first_chunk()?))
    }

    /// The three addresses: outer source, source, destination.
    pub(super) fn address(&self, place: usize) -> Option<IpAddr> {
        address_of(*self.0.get(24 + 16 * place..)?.first_chunk()?)
    }

    /// The two MAC addresses, as a frame has them: destination, source.
    pub(super) fn mac(&self, place: usize) -> Option<MacAddr> {
        Some(MacAddr(*self.0.get(72 + 6 * place..)?.first_chunk()?))
    }
}

/// Nothing for `NO_VNI`.
pub(super) fn vni_of(number: u32) -> Option<Vni> {
    number.try_into().ok().filter(|_| number != NO_VNI)
}

fn join<const N: usize, const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; N] {
    let mut bytes = [0; N];
    let all = parts.into_iter().flatten();
    bytes.iter_mut().zip(all).for_each(|(byte, part)| *byte = *part);
    bytes
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn entry(addresses: &[IpAddr]) -> Entry {
        let addresses = addresses.iter().copied().collect();
        let (vni, mac) = (Some(Vni::from_random(7)), MacAddr([2, 0, 0, 0, 0, 1]));
        Entry { vni, mac, addresses, forwards: false }
    }

    #[test]
    fn what_is_written_is_read() {
        let (four, six) = (Ipv4Addr::new(10, 7, 0, 5).into(), "fd00::5".parse().unwrap());
        for addresses in [&[][..], &[four], &[four, six]] {
            let entry = entry(addresses);
            assert_eq!(Entry::read(&entry.bytes().unwrap()), Some(entry));
        }
    }

    #[test]
    fn an_entry_of_another_form_is_none() {
        let mut bytes = entry(&["fd00::5".parse().unwrap()]).bytes().unwrap();
        bytes[10] = 0;
        assert_eq!(Entry::read(&bytes), None);
    }

    #[test]
    fn more_addresses_than_there_is_room_for_are_refused() {
        let many: Vec<_> = (1..=9).map(|last| Ipv4Addr::new(10, 7, 0, last).into()).collect();
        assert_eq!(entry(&many).bytes(), None);
    }

    #[test]
    fn the_link_local_address_is_the_one_of_the_appendix() {
        let mac = MacAddr([0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]);
        assert_eq!(link_local(mac).to_string(), "fe80::3656:78ff:fe9a:bcde");
    }
}
