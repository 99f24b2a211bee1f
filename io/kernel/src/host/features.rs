//! What Weft needs of a host: each need is tried in a namespace made for that.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use nftables::types::NfFamily;
use weft_model::{MacAddr, Mtu, Vni, Vtep};
use weft_plan::{IfName, Tunnel};

use crate::netlink::link::{self, End};
use crate::netlink::{Request, Rtnl};
use crate::nft::words::Home;
use crate::{Netns, NftError, nft};

/// Something that Weft needs and this host has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// How to get it.
    pub hint: String,
}

/// What Weft needs and this host has not. Blocks for some milliseconds.
#[must_use]
pub fn missing_features() -> Vec<Missing> {
    match Netns::unnamed() {
        Ok(netns) => missing_in(&netns),
        Err(error) => vec![Missing {
            what: format!("network namespaces: {error}"),
            hint: "run as root, on a kernel with CONFIG_NET_NS".to_owned(),
        }],
    }
}

fn missing_in(netns: &Netns) -> Vec<Missing> {
    let mut missing = Vec::new();
    if let Ok(mut rtnl) = Rtnl::open(netns) {
        for (what, module, request) in needs(netns) {
            missing.extend(rtnl.request(request).err().map(|error| lacking(what, module, &error)));
        }
    }
    missing.extend(nft_missing(netns));
    missing
}

type Need = (&'static str, &'static str, Request);

fn needs(netns: &Netns) -> Vec<Need> {
    let name = |text: &str| text.parse::<IfName>().ok();
    let mut needs = Vec::new();
    if let (Some(here), Some(there)) = (name("here"), name("there")) {
        let ends = (End { name: &here, mac: None }, End { name: &there, mac: None });
        let veth = link::add_veth(&ends.0, &ends.1, Mtu::ETHERNET, netns);
        needs.push(("veth pairs", "veth", veth));
    }
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    let bridge = link::add_bridge(&IfName::bridge(), mac, Mtu::ETHERNET);
    needs.push(("bridges", "bridge", bridge));
    let tunnel = Tunnel {
        vni: Vni::from_random(0),
        local: Vtep(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        udp_port: 4789,
        mtu: Mtu::ETHERNET,
    };
    let vxlan = link::add_vxlan(&IfName::vxlan(), &tunnel, mac, netns);
    needs.push(("VXLAN devices", "vxlan", vxlan));
    needs
}

fn nft_missing(netns: &Netns) -> Option<Missing> {
    let table = Home { family: NfFamily::INet, table: "weft" }.table();
    let refused = nft::apply(netns, nft::replacement(vec![table])).err()?;
    let what = match &refused {
        NftError::Start(_) => "the program `nft`".to_owned(),
        NftError::Failed(_) | NftError::Refused(_) | NftError::Answer(_) => {
            format!("nf_tables: {refused}")
        }
    };
    Some(Missing { what, hint: refused.hint() })
}

fn lacking(what: &str, module: &str, error: &io::Error) -> Missing {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "run the agent as root, with CAP_NET_ADMIN and CAP_SYS_ADMIN".to_owned()
        }
        _ => format!("`modprobe {module}`, or a kernel that has it"),
    };
    Missing { what: format!("{what}: {error}"), hint }
}
