//! Whether programs can carry packets in this kernel: one is sent through namespaces that are made
//! for it and vanish with it. What a kernel is called says little about what it can do.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use weft_model::{EndpointId, MacAddr, Mtu, Vni, Vtep};
use weft_plan::{Desired, Engine, IfName, Observed, Port, Segment, diff, teardown};

use crate::{
    Applied, ApplyError, Attachment, Kernel as _, Linux, Netns, ObserveError, WireError,
    WorkloadLink, causes, wire_workload_from,
};

/// Where no network is ever named: none has a namespace here.
const NOWHERE: &str = "/run/weft-trial";
/// Longer than a packet takes on a busy host.
const PATIENCE: Duration = Duration::from_secs(2);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ENDS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];
const PORT: u16 = 9;

/// Why programs cannot carry packets here.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Namespaces cannot be made.
    #[error("make a network namespace to try it in")]
    Namespace(#[source] io::Error),
    /// What is there cannot be told.
    #[error("look at the namespace of the trial")]
    Observe(#[source] ObserveError),
    /// The programs cannot be loaded, or do not stand.
    #[error("{0}")]
    Refused(String),
    /// An interface cannot be moved to where the packet is sent from.
    #[error("set up the trial's interfaces")]
    Wire(#[source] WireError),
    /// The packet did not arrive.
    #[error("the trial's packet does not arrive")]
    Lost(#[source] io::Error),
}

/// Sends a packet from one workload to another, over programs alone, which are attached in this way.
///
/// # Errors
///
/// [`TrialError`] says what the kernel cannot do.
pub async fn trial(attachment: Attachment) -> Result<(), TrialError> {
    let host = Netns::unnamed().map_err(TrialError::Namespace)?;
    let linux = Linux::at(host.clone(), Path::new(NOWHERE)).map_err(TrialError::Namespace)?;
    let linux = linux.attaching_by(attachment);
    let tried = send_one(&host, &linux).await;
    let observed = linux.observe().await.map_err(TrialError::Observe)?;
    // What stays goes with the namespace, but for the pins.
    refused(&linux.apply(&teardown(&observed)).await)?;
    tried
}

async fn send_one(host: &Netns, linux: &Linux) -> Result<(), TrialError> {
    let ports = ENDS.map(port);
    let desired = desired(&ports);
    // The packet filter is not asked: it has nothing to do with it.
    let observed = Observed {
        firewall: weft_plan::FirewallSeen::Holds(desired.firewall()),
        ..Observed::default()
    };
    refused(&linux.apply(&diff(&desired, &observed)).await)?;
    let workloads = [(); 2].map(|()| Netns::unnamed());
    let [from, to] = workloads;
    let [from, to] = [from.map_err(TrialError::Namespace)?, to.map_err(TrialError::Namespace)?];
    for ((address, (_, port)), netns) in ENDS.into_iter().zip(&ports).zip([&from, &to]) {
        let link = link_of(address).map_err(TrialError::Namespace)?;
        let wired = wire_workload_from(host, &port.peer, netns, link).await;
        wired.map_err(TrialError::Wire)?;
    }
    let sent = tokio::task::spawn_blocking(move || pass(&from, &to));
    sent.await.map_err(io::Error::other).flatten().map_err(TrialError::Lost)
}

fn refused(applied: &Applied) -> Result<(), TrialError> {
    let Some(failure) = applied.failures.first() else { return Ok(()) };
    Err(TrialError::Refused(match &failure.error {
        // What it means for a network, whoever tries it says.
        ApplyError::NoPrograms { why } => why.clone(),
        error => causes::told(error),
    }))
}

fn port(address: Ipv4Addr) -> (IfName, Port) {
    let [.., last] = address.octets();
    let endpoint = EndpointId::from_random(u128::from(last) << 120);
    let mac = MacAddr([2, 0, 0, 0, 0, last]);
    let port = Port {
        peer: IfName::peer(endpoint),
        mac,
        addresses: [address.into()].into(),
        forwards: false,
    };
    (IfName::port(endpoint), port)
}

fn desired(ports: &[(IfName, Port)]) -> Desired {
    let segment = Segment {
        vni: Vni::from_random(0),
        mtu: Mtu::ETHERNET.inner(HERE),
        local: Vtep(HERE),
        udp_port: weft_model::DEFAULT_VXLAN_PORT,
        ports: ports.iter().cloned().collect(),
        neighbors: [].into(),
        fdb: [].into(),
    };
    Desired {
        engine: Engine::Bpf,
        guard: weft_plan::Guard { udp_port: segment.udp_port, peers: [].into() },
        local: Some(HERE),
        segments: [(segment.vni, segment)].into(),
        ..Desired::default()
    }
}

fn link_of(address: Ipv4Addr) -> io::Result<WorkloadLink> {
    Ok(WorkloadLink {
        name: "eth0".parse().map_err(io::Error::other)?,
        mac: None,
        addresses: vec![IpNet::new(address.into(), 24).map_err(io::Error::other)?],
        mtu: Mtu::ETHERNET.inner(HERE),
        default_via: None,
    })
}

fn pass(from: &Netns, to: &Netns) -> io::Result<()> {
    let [source, destination] = ENDS.map(|address| SocketAddr::from((address, PORT)));
    let receiver = to.run(|| UdpSocket::bind(destination))??;
    receiver.set_read_timeout(Some(PATIENCE))?;
    let sender = from.run(|| UdpSocket::bind(source))??;
    sender.send_to(b"weft", destination)?;
    receiver.recv(&mut [0; 8]).map(drop)
}
