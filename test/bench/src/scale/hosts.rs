//! Two hosts on one cable with a workload each, in namespaces that go with them.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use weft_kernel::{Linux, Netns, WorkloadLink, wire_workload_from};
use weft_model::{DEFAULT_VXLAN_PORT, EndpointId, MacAddr, Mtu, Vni, Vtep};
use weft_plan::{Desired, Engine, Guard, IfName, Port, Segment};

use crate::datapath::place::Place;

/// One host of which programs carry frames.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) netns: Netns,
    pub(crate) linux: Linux,
    /// Where its networks would be named, if they had namespaces.
    pub(crate) directory: TempDir,
    pub(crate) desired: Desired,
    workload: Netns,
}

/// Both.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) near: Host,
    far: Host,
}

impl Pair {
    /// Brings them up.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let (near, far) = (Host::new(1, 2)?, Host::new(2, 1)?);
        cable(&near, &far)?;
        for host in [&near, &far] {
            super::pass(&host.linux, &host.desired).await?;
            host.wire().await?;
        }
        Ok(Self { near, far })
    }

    /// Between the two workloads.
    pub(crate) fn place(&self) -> Place {
        let (from, to) = (self.near.workload.clone(), self.far.workload.clone());
        Place { from, to, address: overlay(2) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What is pinned outlives its namespace.
        let pins = format!("/sys/fs/bpf/weft/net-{}", self.netns.inode());
        drop(std::fs::remove_dir_all(pins));
    }
}

impl Host {
    fn new(own: u8, other: u8) -> anyhow::Result<Self> {
        let netns = Netns::unnamed().context("make a namespace: this needs root")?;
        let directory = TempDir::new()?;
        let linux = Linux::at(netns.clone(), directory.path())?;
        let desired = desired(own, other)?;
        Ok(Self { netns, linux, directory, desired, workload: Netns::unnamed()? })
    }

    /// Moves the port's other end into the workload.
    async fn wire(&self) -> anyhow::Result<()> {
        let segment = self.desired.segments.values().next().context("a network")?;
        let port = segment.ports.values().next().context("a port")?;
        let address = port.addresses.iter().next().context("an address")?;
        let link = WorkloadLink {
            name: "eth0".parse()?,
            mac: None,
            addresses: vec![format!("{address}/24").parse()?],
            mtu: segment.mtu,
            default_via: None,
        };
        Ok(wire_workload_from(&self.netns, &port.peer, &self.workload, link).await?)
    }

    fn run(&self, script: &str) -> anyhow::Result<()> {
        let done = self.netns.run(|| Command::new("sh").args(["-ec", script]).output())??;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "`{script}` fails: {said}");
        Ok(())
    }
}

fn cable(near: &Host, far: &Host) -> anyhow::Result<()> {
    // A process of the other namespace stands for it, since it has no name.
    let mut anchor = far.netns.run(|| Command::new("sleep").arg("60").spawn())??;
    let far_end = format!("peer name eth0 netns {}", anchor.id());
    let made = near.run(&format!("ip link set lo up; ip link add eth0 type veth {far_end}"));
    anchor.kill()?;
    anchor.wait()?;
    made?;
    near.run("ip addr add 192.0.2.1/24 dev eth0; ip link set eth0 up")?;
    far.run("ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up; ip link set lo up")
}

fn underlay(host: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, host])
}

const fn overlay(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 9, 0, host)
}

const fn mac(host: u8) -> MacAddr {
    MacAddr([6, 0, 0, 0, 0, host])
}

fn desired(own: u8, other: u8) -> anyhow::Result<Desired> {
    let endpoint = EndpointId::from_random(u128::from(own) << 120);
    let port = Port {
        peer: IfName::peer(endpoint),
        mac: mac(own),
        addresses: [overlay(own).into()].into(),
        forwards: false,
    };
    let segment = Segment {
        vni: Vni::try_from(5000)?,
        mtu: Mtu::ETHERNET.inner(underlay(own)),
        local: Vtep(underlay(own)),
        udp_port: DEFAULT_VXLAN_PORT,
        ports: [(IfName::port(endpoint), port)].into(),
        neighbors: [(overlay(other).into(), mac(other))].into(),
        fdb: [(mac(other), Vtep(underlay(other)))].into(),
    };
    Ok(Desired {
        engine: Engine::Bpf,
        guard: Guard { udp_port: segment.udp_port, peers: [underlay(other)].into() },
        local: Some(underlay(own)),
        segments: [(segment.vni, segment)].into(),
        ..Desired::default()
    })
}
