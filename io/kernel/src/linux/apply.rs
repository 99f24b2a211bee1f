//! From a plan to requests.
//!
//! Entries of one segment that stand next to each other in the plan travel together; everything
//! else is done one by one. A failure is noted and the rest is done.

use std::io;
use std::mem::discriminant;

use weft_model::Vni;
use weft_plan::{Change, Engine, Firewall, IfName, Plan};

use super::world::{Space, World, name_of};
use super::{firewall, passage, woven};
use crate::guard::{Carrier, Loaded};
use crate::netlink::link::Link;
use crate::netlink::{Request, Rtnl, entry, link};
use crate::netns::is_namespace;
use crate::nft::words::Home;
use crate::{Applied, ApplyError, Failure, Netns, nft};

impl World {
    pub(super) fn apply(&mut self, plan: &Plan) -> Applied {
        let mut applied = Applied::default();
        if let Err(error) = self.refresh() {
            tracing::debug!(%error, "namespaces cannot be listed");
        }
        for changes in
            plan.changes.chunk_by(|a, b| is_entry(a) && is_entry(b) && table_of(a) == table_of(b))
        {
            match changes {
                [change] if !is_entry(change) => {
                    let failure = self.apply_one(change).err();
                    let change = || change.clone();
                    applied
                        .failures
                        .extend(failure.map(|error| Failure { change: change(), error }));
                }
                entries => applied.failures.extend(self.apply_entries(entries)),
            }
        }
        if applied.failures.is_empty()
            && let Some(Err(error)) = self.guard.standing().map(Loaded::release)
        {
            // They are found where they stand, and replaced one by one.
            tracing::warn!(%error, "programs cannot be replaced");
        }
        applied
    }

    fn apply_one(&mut self, change: &Change) -> Result<(), ApplyError> {
        match change {
            Change::SetFirewall(firewall) => self.set_firewall(firewall),
            Change::RemoveFirewall => self.remove_firewall(),
            Change::SetGate(gate) => self.set_gate(gate),
            Change::RemoveGate => self.remove_gate(),
            Change::AddNamespace(vni) => self.add_namespace(*vni),
            Change::RemoveSegment(vni) => self.remove_segment(*vni),
            Change::AddBridge { place, mtu } => self.add_bridge(*place, *mtu),
            Change::SetBridge { place, mtu, flaws } => self.set_bridge(*place, *mtu, flaws),
            Change::AddVxlan(tunnel) => self.add_vxlan(tunnel),
            Change::ReplaceVxlan { tunnel, .. } => self.replace_vxlan(tunnel),
            Change::SetVxlan { tunnel, flaws, stray } => self.set_vxlan(tunnel, flaws, stray),
            Change::AddPort { place, name, port, mtu } => self.add_port(*place, name, port, *mtu),
            Change::SetPort { place, name, port, mtu, stray, .. } => {
                self.set_port(*place, (name, port), *mtu, stray)
            }
            Change::MovePort { from, place, name, port, mtu } => {
                self.move_port((*from, *place), (name, port), *mtu)
            }
            Change::RemovePort { place, name } => self.remove_port(*place, name),
            Change::SetShared { udp_port, .. } => self.set_shared(*udp_port),
            Change::RemoveShared => self.remove_shared(),
            Change::Weave(vni) => self.weave(*vni),
            Change::Unweave(vni) => self.unweave(*vni),
            Change::AddAddress(address) => self.add_address(*address),
            Change::RemoveAddress(address) => self.remove_address(*address),
            Change::RemoveEgress => self.remove_egress(),
            Change::OpenPassage(bridge) => self.write_passage(Some(bridge)),
            Change::ShutPassage => self.write_passage(None),
            Change::SetFdb { .. }
            | Change::RemoveFdb { .. }
            | Change::SetNeighbor { .. }
            | Change::RemoveNeighbor { .. } => Ok(()),
        }
    }

    fn set_firewall(&mut self, firewall: &Firewall) -> Result<(), ApplyError> {
        let Home { family, table } = firewall::HOME;
        let commands = nft::replacement(firewall::objects(firewall));
        self.listed = None;
        nft::apply(&self.host, commands).map_err(ApplyError::Nft)?;
        // Another version of nft may list it differently than this one's normal form expects.
        let listed = nft::list(&self.host, family, table).map_err(ApplyError::Nft)?;
        self.written = listed.map(|listed| (firewall.clone(), firewall::normal(&listed)));
        Ok(())
    }

    fn remove_firewall(&mut self) -> Result<(), ApplyError> {
        self.listed = None;
        let commands = nft::removal(firewall::HOME.table()).to_vec();
        nft::apply(&self.host, commands).map_err(ApplyError::Nft)
    }

    fn write_passage(&mut self, bridge: Option<&IfName>) -> Result<(), ApplyError> {
        self.listed = None;
        passage::write(&self.host, bridge).map_err(ApplyError::Iptables)
    }

    fn add_namespace(&mut self, vni: Vni) -> Result<(), ApplyError> {
        let name = name_of(vni);
        let failed = |what| namespace_error(what, &name);
        let path = self.directory.join(&name);
        if matches!(is_namespace(&path), Ok(false)) {
            Netns::delete_in(&self.directory, &name).map_err(failed("mend"))?;
        }
        let netns = Netns::create_in(&self.directory, &name).map_err(failed("make"))?;
        let prepared = netns.run(super::settings::prepare).and_then(std::convert::identity);
        prepared.map_err(failed("prepare"))?;
        self.spaces.insert(vni, Space::open(netns).map_err(failed("enter"))?);
        Ok(())
    }

    /// `vx0` goes first: a namespace itself is gone only some time after its name, and as long as
    /// its VXLAN device is there no other can have its number. The rest goes with the namespace,
    /// where the kernel needs not wait for each interface by itself.
    fn remove_segment(&mut self, vni: Vni) -> Result<(), ApplyError> {
        let name = name_of(vni);
        if let Some(mut space) = self.spaces.remove(&vni)
            && let Ok(index) = index_of(&mut space.rtnl, &IfName::vxlan())
        {
            // If it stays, it goes with the namespace too.
            drop(space.rtnl.request(link::delete(index)));
        }
        if let Some(guard) = self.guard.standing() {
            let stations = &mut guard.tables.stations;
            stations.dismiss(vni, Carrier::Bridge).map_err(ApplyError::Guard)?;
        }
        match Netns::delete_in(&self.directory, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(namespace_error("remove", &name)),
        }
    }

    fn apply_entries(&mut self, changes: &[Change]) -> Vec<Failure> {
        let done = match changes.first().map(table_of) {
            Some((Some(Engine::Bpf), Some(vni))) => self.write_rows(vni, changes),
            _ => self.send_entries(changes),
        };
        let errors = done.unwrap_or_else(|error| {
            let rest = changes.iter().skip(1).map(|_| Err(ApplyError::NotTried));
            std::iter::once(Err(error)).chain(rest).collect()
        });
        let failed = changes.iter().zip(errors);
        failed
            .filter_map(|(change, done)| {
                Some(Failure { change: change.clone(), error: done.err()? })
            })
            .collect()
    }

    /// A host may send from a station before anything is sent to it there.
    fn set_owners(&mut self, changes: &[Change]) -> Result<(), ApplyError> {
        let Some(guard) = self.guard.standing() else { return Ok(()) };
        let stations = &mut guard.tables.stations;
        let Some(vni) = changes.iter().find_map(Change::vni) else { return Ok(()) };
        let is_home = |c: &&Change| matches!(c, Change::SetFdb { .. } | Change::RemoveFdb { .. });
        let homes: Vec<Change> = changes.iter().filter(is_home).cloned().collect();
        let alike = |a: &Change, b: &Change| discriminant(a) == discriminant(b);
        let mut answers =
            homes.chunk_by(alike).flat_map(|changes| woven::write(stations, vni, changes));
        answers.try_for_each(|answer| answer.map_err(ApplyError::Guard))
    }

    fn send_entries(
        &mut self,
        changes: &[Change],
    ) -> Result<Vec<Result<(), ApplyError>>, ApplyError> {
        let vni = changes.iter().find_map(Change::vni);
        self.set_owners(changes)?;
        let vxlan = IfName::vxlan();
        let space = vni.and_then(|vni| self.spaces.get_mut(&vni));
        let space = space.ok_or_else(|| ApplyError::NoInterface { name: vxlan.clone() })?;
        let index = index_of(&mut space.rtnl, &vxlan)?;
        let requests: Vec<_> = changes.iter().filter_map(|change| request(index, change)).collect();
        let what = "change an entry of vx0";
        let answers = space.rtnl.requests(requests);
        let answers = answers.map_err(|source| ApplyError::Netlink { what, source })?;
        let done = changes.iter().zip(answers).map(|(change, answer)| match answer {
            Err(error) if is_removal(change) && is_gone(&error) => Ok(()),
            answer => answer.map_err(|source| ApplyError::Netlink { what, source }),
        });
        Ok(done.collect())
    }
}

/// An interface's number.
pub(super) fn index_of(rtnl: &mut Rtnl, name: &IfName) -> Result<u32, ApplyError> {
    let missing = || ApplyError::NoInterface { name: name.clone() };
    find(rtnl, name)?.map(|link| link.index).ok_or_else(missing)
}

/// An interface, if there is one of this name.
pub(super) fn find(rtnl: &mut Rtnl, name: &IfName) -> Result<Option<Link>, ApplyError> {
    match rtnl.get(link::named(name)) {
        Err(error) if is_gone(&error) => Ok(None),
        found => found
            .map(Link::of)
            .map_err(|source| ApplyError::Netlink { what: "tell about an interface", source }),
    }
}

/// Whether the kernel says that there is no such thing.
pub(super) fn is_gone(error: &io::Error) -> bool {
    let gone = [nix::libc::ENODEV, nix::libc::ENOENT, nix::libc::EADDRNOTAVAIL];
    error.raw_os_error().is_some_and(|code| gone.contains(&code))
}

fn namespace_error<'a>(
    what: &'static str,
    name: &'a str,
) -> impl FnOnce(io::Error) -> ApplyError + Copy + use<'a> {
    move |source| ApplyError::Namespace { what, name: name.to_owned(), source }
}

const fn is_entry(change: &Change) -> bool {
    matches!(change, Change::SetFdb { .. } | Change::SetNeighbor { .. }) || is_removal(change)
}

/// The table that an entry is of.
const fn table_of(change: &Change) -> (Option<Engine>, Option<Vni>) {
    let engine = match change {
        Change::SetFdb { engine, .. }
        | Change::RemoveFdb { engine, .. }
        | Change::SetNeighbor { engine, .. }
        | Change::RemoveNeighbor { engine, .. } => Some(*engine),
        _ => None,
    };
    (engine, change.vni())
}

const fn is_removal(change: &Change) -> bool {
    matches!(change, Change::RemoveFdb { .. } | Change::RemoveNeighbor { .. })
}

fn request(vxlan: u32, change: &Change) -> Option<Request> {
    match *change {
        Change::SetFdb { mac, vtep, .. } => Some(entry::set_home(vxlan, mac, vtep)),
        Change::RemoveFdb { mac, .. } => Some(entry::remove_home(vxlan, mac)),
        Change::SetNeighbor { address, mac, .. } => Some(entry::set_neighbor(vxlan, address, mac)),
        Change::RemoveNeighbor { address, .. } => Some(entry::remove_neighbor(vxlan, address)),
        _ => None,
    }
}
