//! VXLAN devices that are not Weft's.

use std::fs;
use std::io;
use std::path::Path;

use netlink_packet_route::link::{InfoData, InfoVxlan};

use weft_plan::IfName;

use crate::Netns;
use crate::netlink::Rtnl;
use crate::netlink::link::{self, Link};

/// Where namespaces have names: iproute2's and Docker's, whose overlay networks are there.
const DIRECTORIES: [&str; 2] = [crate::netns::DIRECTORY, "/run/docker/netns"];

/// A VXLAN device that is not Weft's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignVxlan {
    /// Its name.
    pub name: String,
    /// Its number.
    pub vni: u32,
    /// The namespace it is in, if it is not the host's.
    pub netns: Option<String>,
}

/// VXLAN devices that use this UDP port, in the host's namespace and in those that have a name.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn foreign_vxlan(port: u16) -> io::Result<Vec<ForeignVxlan>> {
    let host = Netns::current()?;
    let listed = tokio::task::spawn_blocking(move || list(&host, port));
    listed.await.map_err(io::Error::other)?
}

fn list(host: &Netns, port: u16) -> io::Result<Vec<ForeignVxlan>> {
    let mut devices = devices_in(host, None, port)?;
    for directory in DIRECTORIES {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("weft-") {
                continue;
            }
            devices.extend(named(directory, &name, port).unwrap_or_default());
        }
    }
    Ok(devices)
}

/// A namespace that vanishes meanwhile has no devices.
fn named(directory: &str, name: &str, port: u16) -> io::Result<Vec<ForeignVxlan>> {
    devices_in(&Netns::open(&Path::new(directory).join(name))?, Some(name), port)
}

fn devices_in(netns: &Netns, name: Option<&str>, port: u16) -> io::Result<Vec<ForeignVxlan>> {
    let links = Rtnl::open(netns)?.dump(&link::all())?.into_iter().filter_map(Link::of);
    // In another namespace only a device whose tunnel is elsewhere can be in the host's way.
    let links = links.filter(|link| name.is_none() || link.elsewhere);
    // Networks that programs carry share one of Weft's own, on the host itself.
    let ours = |link: &Link| name.is_none() && link.name == IfName::shared().as_str();
    let links = links.filter(|link| !ours(link));
    Ok(links.filter_map(|link| device(link, name, port)).collect())
}

fn device(link: Link, netns: Option<&str>, port: u16) -> Option<ForeignVxlan> {
    let Some(InfoData::Vxlan(settings)) = link.data else { return None };
    let uses = settings.contains(&InfoVxlan::Port(port));
    let vni = settings.iter().find_map(|setting| match setting {
        InfoVxlan::Id(vni) => Some(*vni),
        _ => None,
    })?;
    uses.then(|| ForeignVxlan { name: link.name, vni, netns: netns.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_device_that_programs_share_is_nobody_elses() {
        let netns = Netns::unnamed().unwrap();
        let add = |name: &str, vni: &str| {
            let vxlan = ["type", "vxlan", "id", vni, "dstport", "4789"];
            Command::new("ip").args(["link", "add", name]).args(vxlan).status().unwrap().success()
        };
        let both = || add(IfName::shared().as_str(), "1") && add("theirs", "2");
        assert!(netns.run(both).unwrap());
        let names = |found: Vec<ForeignVxlan>| {
            found.into_iter().map(|device| device.name).collect::<Vec<_>>()
        };
        assert_eq!(names(devices_in(&netns, None, 4789).unwrap()), ["theirs"]);
        assert_eq!(names(devices_in(&netns, None, 4790).unwrap()), [""; 0]);
    }
}
