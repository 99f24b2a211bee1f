//! A workload's own end of its port, as the workload sees it.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use weft_model::{MacAddr, Mtu};
use weft_plan::IfName;
use weft_trace::Interface;

use crate::Netns;
use crate::netlink::Rtnl;
use crate::netlink::address::{self, Route};
use crate::netlink::entry::{self, Entry};
use crate::netlink::link::{self, Link};

/// The interface with these two addresses, and how it reaches `towards`; blocks for a moment. If
/// none has both, the first that has the Ethernet address.
///
/// # Errors
///
/// If the namespace cannot be entered, or the kernel does not answer.
pub fn interface_with(
    netns: &Netns,
    (mac, own): (MacAddr, IpAddr),
    towards: IpAddr,
) -> io::Result<Option<Interface>> {
    let mut rtnl = Rtnl::open(netns)?;
    let links: Vec<Link> = rtnl.dump(&link::all())?.into_iter().filter_map(Link::of).collect();
    let all = rtnl.dump(&address::all())?.into_iter().filter_map(address::of);
    let all: BTreeSet<(u32, IpAddr)> = all.map(|(index, net)| (index, net.addr())).collect();
    // A workload's way out of the cluster has the same Ethernet address, on another wire.
    let alike = links.iter().filter(|link| link.mac == Some(mac));
    let found = alike.min_by_key(|link| (!all.contains(&(link.index, own)), &link.name));
    let Some(link) = found else { return Ok(None) };
    let addresses = all.iter().filter(|(index, _)| *index == link.index).map(|(_, own)| *own);
    let addresses = addresses.collect();
    let route = rtnl.get(address::route_to(towards)).ok().and_then(Route::of);
    let by = route.and_then(|route| route.device);
    let neighbors = rtnl.dump(&entry::all(AddressFamily::Unspec))?;
    let fixed = neighbors.into_iter().filter_map(Entry::of).find(|entry| {
        entry.device == link.index
            && entry.address == Some(towards)
            && entry.state & entry::PERMANENT != 0
    });
    Ok(Some(Interface {
        name: link.name.clone(),
        up: link.up,
        mtu: link.mtu,
        addresses,
        leads_by: links.iter().find(|link| Some(link.index) == by).map(|link| link.name.clone()),
        fixed: fixed.and_then(|entry| entry.mac),
    }))
}

/// Gives an interface inside a namespace another MTU; blocks for a moment.
///
/// # Errors
///
/// If there is no such interface, or the kernel refuses.
pub fn set_mtu(netns: &Netns, name: &str, mtu: Mtu) -> io::Result<()> {
    let mut rtnl = Rtnl::open(netns)?;
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let name: IfName = name.parse().map_err(io::Error::other)?;
    let found = Link::of(rtnl.get(link::named(&name))?).ok_or_else(missing)?;
    rtnl.request(link::set_mtu(found.index, mtu))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_found_by_its_ethernet_address() {
        let netns = Netns::unnamed().unwrap();
        let ip = |arguments: &str| {
            let run = || std::process::Command::new("ip").args(arguments.split(' ')).status();
            assert!(netns.run(run).unwrap().unwrap().success(), "ip {arguments}");
        };
        ip("link add d0 address 02:00:00:00:00:07 type veth peer name d1");
        ip("address add 10.7.0.2/24 dev d0");
        ip("link add a0 address 02:00:00:00:00:07 type veth peer name a1");
        let mac = (MacAddr([2, 0, 0, 0, 0, 7]), "10.7.0.2".parse().unwrap());
        let other = "10.7.0.9".parse().unwrap();
        let seen = interface_with(&netns, mac, other).unwrap().unwrap();
        assert!(seen.name == "d0" && !seen.up && seen.leads_by.is_none(), "{seen:?}");
        ip("link set d0 up");
        ip("neigh add 10.7.0.9 lladdr 02:00:00:00:00:09 dev d0");
        let seen = interface_with(&netns, mac, other).unwrap().unwrap();
        assert_eq!(seen.leads_by.as_deref(), Some("d0"));
        assert_eq!(seen.fixed, Some(MacAddr([2, 0, 0, 0, 0, 9])));
        assert!(seen.addresses.contains(&"10.7.0.2".parse().unwrap()));
        assert_eq!(interface_with(&netns, (MacAddr([2; 6]), mac.1), other).unwrap(), None);
    }

    #[test]
    fn an_interface_gets_another_mtu() {
        let netns = Netns::unnamed().unwrap();
        let mtu = |bytes: u32| Mtu::try_from(bytes).unwrap();
        set_mtu(&netns, "lo", mtu(1350)).unwrap();
        let told =
            netns.run(|| std::process::Command::new("ip").args(["link", "show", "lo"]).output());
        let told = String::from_utf8(told.unwrap().unwrap().stdout).unwrap();
        assert!(told.contains("mtu 1350"), "{told}");
        assert!(set_mtu(&netns, "eth7", mtu(1350)).is_err());
    }
}
