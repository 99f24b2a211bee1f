//! Making and mending VXLAN devices.

use std::collections::BTreeSet;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use weft_model::{MacAddr, Vni};
use weft_plan::{Flaw, IfName, Place, Tunnel};

use super::apply::{find, index_of};
use super::inspect::sound_uplink;
use super::links::{ask, local_mac, set_ipv6};
use super::ports::remove_stations;
use super::settings::Ipv6;
use super::world::World;
use crate::ApplyError;
use crate::guard::Carrier;
use crate::netlink::link;

/// How long a VXLAN device of a namespace that was removed by others may take to vanish.
const VANISHING: Duration = Duration::from_millis(300);

impl World {
    pub(super) fn add_vxlan(&mut self, tunnel: &Tunnel) -> Result<(), ApplyError> {
        let space = self.spaces.get_mut(&tunnel.vni);
        let netns = space.map(|space| space.netns.clone());
        let netns = netns.ok_or_else(|| ApplyError::NoInterface { name: IfName::bridge() })?;
        let request = || link::add_vxlan(&IfName::vxlan(), tunnel, vxlan_mac(tunnel.vni), &netns);
        let deadline = Instant::now() + VANISHING;
        loop {
            match self.rtnl.request(request()) {
                Err(error) if is_taken(&error) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                made => break made.map_err(|source| tunnel_error(tunnel, source))?,
            }
        }
        self.set_vxlan(tunnel, &BTreeSet::new(), &BTreeSet::new())
    }

    pub(super) fn replace_vxlan(&mut self, tunnel: &Tunnel) -> Result<(), ApplyError> {
        let site = self.site(Place::Segment(tunnel.vni))?;
        if let Some(old) = find(site.rtnl, &IfName::vxlan())? {
            ask(site.rtnl, "remove a VXLAN device", link::delete(old.index))?;
        }
        self.add_vxlan(tunnel)
    }

    pub(super) fn set_vxlan(
        &mut self,
        tunnel: &Tunnel,
        flaws: &BTreeSet<Flaw>,
        stray: &BTreeSet<MacAddr>,
    ) -> Result<(), ApplyError> {
        if let Some(guard) = self.guard.standing() {
            let stations = &mut guard.tables.stations;
            stations.serve(tunnel.vni, Carrier::Bridge).map_err(ApplyError::Guard)?;
        }
        let site = self.site(Place::Segment(tunnel.vni))?;
        let name = IfName::vxlan();
        let index = index_of(site.rtnl, &name)?;
        let master = index_of(site.rtnl, &site.bridge)?;
        if flaws.contains(&Flaw::Learning) {
            ask(site.rtnl, "stop a VXLAN device's learning", link::stop_learning(index))?;
        }
        ask(site.rtnl, "make vx0 a port", link::set_master(index, master, tunnel.mtu))?;
        // An interface whose MTU was below 1280 had none; it begins with the namespace's default.
        set_ipv6(&site.netns, &name, Ipv6::On)?;
        ask(site.rtnl, "set a port", link::set_port(index, sound_uplink()))?;
        remove_stations(site.rtnl, index, stray)?;
        site.rtnl.request(link::set_up(index)).map_err(|source| tunnel_error(tunnel, source))
    }
}

fn is_taken(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::EEXIST)
}

/// Who stands in a tunnel's way: its number is taken when it is made, its port when it comes up.
fn tunnel_error(tunnel: &Tunnel, source: io::Error) -> ApplyError {
    let Tunnel { vni, udp_port: port, .. } = *tunnel;
    match source.raw_os_error() {
        Some(nix::libc::EEXIST) => ApplyError::VniTaken { vni, port, source },
        Some(nix::libc::EADDRINUSE) => ApplyError::PortTaken { port, source },
        _ => ApplyError::Netlink { what: "make a VXLAN device", source },
    }
}

fn vxlan_mac(vni: Vni) -> MacAddr {
    local_mac(1, vni.number())
}
