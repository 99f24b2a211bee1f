//! One dump of everything of Weft's.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::neighbour::NeighbourFlags;
use weft_model::{MacAddr, Vni, Vtep};
use weft_plan::{
    EgressSeen, FdbSeen, FirewallSeen, Flaw, IfName, LinkSeen, NamespaceSeen, NeighborSeen,
    Observed, PassageSeen, SegmentSeen,
};

use super::world::{Filter, Space, World};
use super::{firewall, gate, inspect, passage, settings};
use crate::ObserveError;
use crate::guard::{Carrier, Snapshot};
use crate::netlink::entry::{self, Entry};
use crate::netlink::link::{self, Link};
use crate::netlink::{Rtnl, address};

impl World {
    pub(super) fn observe(&mut self) -> Result<Observed, ObserveError> {
        let directory = self.directory.display().to_string();
        let dead =
            self.refresh().map_err(|source| ObserveError::Directory { directory, source })?;
        let half = SegmentSeen { namespace: NamespaceSeen::Dead, ..SegmentSeen::default() };
        let mut segments: BTreeMap<_, _> =
            dead.into_iter().map(|vni| (vni, half.clone())).collect();
        let (gate, guard) = self.observe_gate()?;
        // The guard may let in a network of which nothing else is left.
        let served = guard.iter().flat_map(|guard| &guard.rows.served);
        let bridged = served.filter(|(_, bits)| Carrier::Bridge.is_in(**bits));
        segments.extend(bridged.map(|(&vni, _)| (vni, half.clone())));
        for (&vni, space) in &mut self.spaces {
            segments.insert(vni, space.observe(vni, guard.as_ref())?);
        }
        let (woven, shared) = self.observe_woven(guard.as_ref())?;
        let egress = self.observe_egress(guard.as_ref())?;
        let Filter { firewall, passage } = self.observe_filter()?;
        Ok(Observed { segments, woven, shared, firewall, gate, egress, passage })
    }

    fn observe_filter(&mut self) -> Result<Filter, ObserveError> {
        let failed = |what| move |source| ObserveError::Netlink { what, source };
        let number = self.generation.number().map_err(failed("the packet filter's generation"))?;
        if let Some((_, seen)) = self.listed.as_ref().filter(|(listed, _)| Some(*listed) == number)
        {
            return Ok(seen.clone());
        }
        let chain = self.generation.has_chain(passage::TABLE, passage::CHAIN);
        let chain = chain.map_err(failed("Docker's chain"))?;
        let seen = Filter {
            firewall: self.list_firewall().map_err(ObserveError::Nft)?,
            passage: if chain { passage::observe(&self.host) } else { PassageSeen::NoChain },
        };
        self.listed = number.map(|number| (number, seen.clone()));
        Ok(seen)
    }

    /// What the rules have dropped that no program had judged before.
    pub(super) fn refused(&mut self) -> Result<u64, crate::NftError> {
        let listed = crate::nft::list(&self.host, firewall::HOME.family, firewall::HOME.table)?;
        Ok(self.refused.total(&listed.unwrap_or_default()))
    }

    fn list_firewall(&self) -> Result<FirewallSeen, crate::NftError> {
        let listed = crate::nft::list(&self.host, firewall::HOME.family, firewall::HOME.table)?;
        let Some(listed) = listed else { return Ok(FirewallSeen::Missing) };
        let ours = self.written.as_ref().filter(|(_, ours)| *ours == firewall::normal(&listed));
        Ok(ours.map_or_else(
            || firewall::read(&listed),
            |(written, _)| FirewallSeen::Holds(written.clone()),
        ))
    }

    fn observe_egress(
        &mut self,
        guard: Option<&Snapshot>,
    ) -> Result<Option<EgressSeen>, ObserveError> {
        let failed = |what| move |source| ObserveError::Netlink { what, source };
        let bridge = match self.rtnl.get(link::named(&IfName::egress())) {
            Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => return Ok(None),
            found => found.map_err(failed("the egress bridge"))?,
        };
        let Some(bridge) = Link::of(bridge) else { return Ok(None) };
        let links =
            self.rtnl.dump(&link::ports_of(bridge.index)).map_err(failed("egress ports"))?;
        let mut links: Vec<_> = links.into_iter().filter_map(Link::of).collect();
        links.retain(|link| link.master == Some(bridge.index));
        let entries = entries(&mut self.rtnl, AddressFamily::Bridge)
            .map_err(failed("the egress bridge's stations"))?;
        let addresses = self.rtnl.dump(&address::all()).map_err(failed("addresses"))?;
        let forwards = self.host.run(settings::forwards).and_then(std::convert::identity);
        let forwards = forwards.map_err(failed("its forwarding"))?;
        let mut seen =
            LinkSeen { mtu: bridge.mtu, flaws: inspect::bridge(&bridge), ..LinkSeen::default() };
        seen.flaws.extend((!forwards).then_some(Flaw::NoForwarding));
        let ports = links.iter().filter_map(|port| {
            let flaws = inspect::port(port, Some(bridge.index), inspect::Ports::Apart);
            let mut seen = link_seen(port, flaws, &entries);
            gate::judge_port(&mut seen, port, None, guard);
            Some((port.name.parse().ok()?, seen))
        });
        let addresses = addresses.into_iter().filter_map(address::of);
        let own = addresses
            .filter(|(index, address)| *index == bridge.index && !is_link_local(address.addr()));
        Ok(Some(EgressSeen {
            bridge: seen,
            addresses: own.map(|(_, address)| address).collect(),
            ports: ports.collect(),
        }))
    }
}

impl Space {
    pub(super) fn observe(
        &mut self,
        vni: Vni,
        guard: Option<&Snapshot>,
    ) -> Result<SegmentSeen, ObserveError> {
        let failed = |what| move |source| ObserveError::Netlink { what, source };
        let links = self.rtnl.dump(&link::all()).map_err(failed("a segment's interfaces"))?;
        let links: Vec<_> = links.into_iter().filter_map(Link::of).collect();
        let forwarding = entries(&mut self.rtnl, AddressFamily::Bridge)
            .map_err(failed("a segment's forwarding table"))?;
        let neighbors = entries(&mut self.rtnl, AddressFamily::Unspec)
            .map_err(failed("a segment's neighbour table"))?;
        let filtered = self.settings.filters_bridged(&self.netns);
        let filtered = filtered.map_err(failed("a segment's bridge-nf-call settings"))?;
        let mut seen = segment_seen(vni, &links, (&forwarding, &neighbors), filtered);
        judge(&mut seen, vni, &links, guard);
        Ok(seen)
    }
}

/// Notes what the guard has against a segment; without a guard, nothing.
fn judge(seen: &mut SegmentSeen, vni: Vni, links: &[Link], guard: Option<&Snapshot>) {
    let Some(guard) = guard else { return };
    for (name, port) in &mut seen.ports {
        let link = links.iter().find(|link| link.name == name.as_str());
        link.into_iter().for_each(|link| gate::judge_port(port, link, Some(vni), Some(guard)));
    }
    seen.vxlan.iter_mut().for_each(|vxlan| gate::judge_vxlan(vxlan, vni, Some(guard)));
    let mut owners = gate::owners(vni, guard);
    for (mac, home) in &mut seen.fdb {
        if owners.remove(mac).map(|owner| FdbSeen::At(Vtep(owner))) != Some(*home) {
            *home = FdbSeen::Foreign;
        }
    }
    seen.fdb.extend(owners.into_keys().map(|mac| (mac, FdbSeen::Foreign)));
}

fn segment_seen(
    vni: Vni,
    links: &[Link],
    (forwarding, neighbors): (&[Entry], &[Entry]),
    filtered: bool,
) -> SegmentSeen {
    let named = |name: IfName| links.iter().find(move |link| link.name == name.as_str());
    let bridge = named(IfName::bridge());
    let vxlan = named(IfName::vxlan());
    let master = bridge.map(|bridge| bridge.index);
    let ports = links.iter().filter(|link| {
        let port = link.name.starts_with("wp") || (link.master.is_some() && link.master == master);
        port && link.name != IfName::vxlan().as_str()
    });
    let ports = ports.filter_map(|port| {
        let flaws = inspect::port(port, master, inspect::Ports::Together);
        Some((port.name.parse().ok()?, link_seen(port, flaws, forwarding)))
    });
    let on_vxlan = |entry: &&Entry| Some(entry.device) == vxlan.map(|vxlan| vxlan.index);
    SegmentSeen {
        namespace: NamespaceSeen::Alive,
        bridge: bridge.map(|bridge| {
            let mut flaws = inspect::bridge(bridge);
            flaws.extend(filtered.then_some(Flaw::Netfilter));
            flaws.extend((bridge.ipv6 == Some(true)).then_some(Flaw::Ipv6));
            LinkSeen { mtu: bridge.mtu, flaws, ..LinkSeen::default() }
        }),
        vxlan: vxlan.map(|vxlan| {
            inspect::vxlan(vxlan, vni.number(), master, |flaws| link_seen(vxlan, flaws, forwarding))
        }),
        ports: ports.collect(),
        neighbors: neighbors.iter().filter(on_vxlan).filter_map(neighbor_seen).collect(),
        fdb: fdb_seen(&forwarding.iter().filter(on_vxlan).collect::<Vec<_>>()),
    }
}

/// A port, with the stations that are fixed to it. The kernel itself fixes the port's own address.
fn link_seen(link: &Link, flaws: BTreeSet<Flaw>, forwarding: &[Entry]) -> LinkSeen {
    let fixed = |entry: &&Entry| {
        entry.device == link.index
            && !entry.flags.contains(NeighbourFlags::Own)
            && entry.state & (entry::NOARP | entry::PERMANENT) != 0
            && entry.mac != link.mac
    };
    let stations = forwarding.iter().filter(fixed).filter_map(|entry| entry.mac);
    LinkSeen { mtu: link.mtu, flaws, stations: stations.collect(), ..LinkSeen::default() }
}

fn neighbor_seen(entry: &Entry) -> Option<(IpAddr, NeighborSeen)> {
    let address = entry.address?;
    let seen = match (entry.state, entry.mac) {
        (state, _) if entry::TRANSIENT.contains(&state) => return None,
        (entry::PERMANENT, Some(mac)) => NeighborSeen::Permanent(mac),
        _ => NeighborSeen::Aging,
    };
    Some((address, seen))
}

fn fdb_seen(entries: &[&Entry]) -> BTreeMap<MacAddr, FdbSeen> {
    let mut fdb = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.flags.contains(NeighbourFlags::Own)) {
        let Some(mac) = entry.mac else { continue };
        let plain = !entry.special && entry.state & entry::PERMANENT != 0;
        let seen = match entry.address {
            Some(address) if plain => FdbSeen::At(Vtep(address)),
            _ => FdbSeen::Foreign,
        };
        // A second destination of the same station is nothing that Weft makes.
        fdb.entry(mac).and_modify(|seen| *seen = FdbSeen::Foreign).or_insert(seen);
    }
    fdb
}

fn entries(rtnl: &mut Rtnl, family: AddressFamily) -> io::Result<Vec<Entry>> {
    Ok(rtnl.dump(&entry::all(family))?.into_iter().filter_map(Entry::of).collect())
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
