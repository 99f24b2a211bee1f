//! Two hosts on one cable, one workload each.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use weft_kernel::capture::Capture;
use weft_kernel::{Attachment, Netns, WorkloadLink, wire_workload_from};
use weft_model::{EndpointId, MacAddr, Mtu, Vtep};
use weft_plan::{Desired, Engine, GateSeen, Guard, IfName, Port, Segment};

use super::cable::join;
use super::{Host, v4, vni};

pub const VNI: u32 = 5000;
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One of the two hosts with its workload.
pub struct Side {
    pub host: Host,
    pub workload: Netns,
    pub desired: Desired,
}

/// What the cable carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    Four,
    Six,
}

impl Cable {
    /// Where side 1 or 2 is.
    pub fn underlay(self, side: u8) -> IpAddr {
        match self {
            Self::Four => v4(&format!("192.0.2.{side}")),
            Self::Six => format!("2001:db8::{side}").parse().unwrap(),
        }
    }

    fn address(self, side: u8) -> String {
        match self {
            Self::Four => format!("192.0.2.{side}/24"),
            Self::Six => format!("2001:db8::{side}/64 nodad"),
        }
    }
}

pub fn overlay(side: u8) -> [IpAddr; 2] {
    [v4(&format!("10.9.0.{side}")), format!("fd00::{side}").parse().unwrap()]
}

pub fn mac(side: u8) -> MacAddr {
    MacAddr([0x06, 0, 0, 0, 0, side])
}

pub fn wanted((engine, cable): (Engine, Cable), own: u8, other: u8) -> Desired {
    let underlay = |side| cable.underlay(side);
    let endpoint = EndpointId::from_random(u128::from(own) << 120);
    let port = Port {
        peer: IfName::peer(endpoint),
        mac: mac(own),
        addresses: overlay(own).into(),
        forwards: false,
    };
    let segment = Segment {
        vni: vni(VNI),
        mtu: Mtu::ETHERNET.inner(underlay(own)),
        local: Vtep(underlay(own)),
        udp_port: 4789,
        ports: [(IfName::port(endpoint), port)].into(),
        neighbors: overlay(other).map(|address| (address, mac(other))).into(),
        fdb: [(mac(other), Vtep(underlay(other)))].into(),
    };
    Desired {
        segments: [(vni(VNI), segment)].into(),
        guard: Guard { udp_port: 4789, peers: [underlay(other)].into() },
        local: Some(underlay(own)),
        engine,
        ..Desired::default()
    }
}

async fn side(host: Host, how: (Engine, Cable), own: u8, other: u8) -> Side {
    let desired = wanted(how, own, other);
    host.reach(&desired).await;
    let peer = &desired.segments[&vni(VNI)].ports.values().next().unwrap().peer;
    let workload = wire(&host, peer, &desired, own).await;
    Side { host, workload, desired }
}

/// A workload behind a port, with the addresses of this number.
pub async fn wire(host: &Host, peer: &IfName, desired: &Desired, own: u8) -> Netns {
    let workload = Netns::unnamed().unwrap();
    let setup = WorkloadLink {
        name: "eth0".parse().unwrap(),
        mac: None,
        addresses: vec![
            format!("10.9.0.{own}/24").parse().unwrap(),
            format!("fd00::{own}/64").parse().unwrap(),
        ],
        mtu: desired.segments[&vni(VNI)].mtu,
        default_via: None,
    };
    wire_workload_from(&host.netns, peer, &workload, setup).await.unwrap();
    workload
}

/// Two hosts on one cable.
pub async fn pair() -> (Side, Side) {
    pair_of(Engine::Bridge, Engine::Bridge).await
}

/// Two hosts on one cable, each with an engine of its own.
pub async fn pair_of(one: Engine, other: Engine) -> (Side, Side) {
    pair_over(Cable::Four, one, other).await
}

/// The same, with guards that are attached in this way.
pub async fn pair_by(attachment: Attachment, one: Engine, other: Engine) -> (Side, Side) {
    let host = || Host::attaching_by(attachment);
    joined([host(), host()], Cable::Four, [one, other]).await
}

/// The same over a cable of this kind.
pub async fn pair_over(cable: Cable, one: Engine, other: Engine) -> (Side, Side) {
    joined([Host::new(), Host::new()], cable, [one, other]).await
}

async fn joined(hosts: [Host; 2], cable: Cable, engines: [Engine; 2]) -> (Side, Side) {
    let ([first, second], [one, other]) = (hosts, engines);
    let a = side(first, (one, cable), 1, 2).await;
    let b = side(second, (other, cable), 2, 1).await;
    join(&a.host, "eth0", &b.host.netns);
    for (number, side) in [(1, &a), (2, &b)] {
        let address = cable.address(number);
        side.host.run(&format!("ip addr add {address} dev eth0; ip link set eth0 up"));
    }
    for side in [&a, &b] {
        let plan = side.host.reach(&side.desired).await.to_string();
        let bare = matches!(side.host.observe().await.gate, GateSeen::Impossible(_));
        assert!(bare || plan.starts_with("guard every interface"), "{plan}");
    }
    settle(&a, &b, "10.9.0.2:7999");
    settle(&b, &a, "10.9.0.1:7999");
    (a, b)
}

/// Waits until datagrams arrive: an interface that has just come up drops what is sent by it until
/// the kernel has noticed that it is up.
fn settle(from: &Side, to: &Side, at: &str) {
    let (sender, receiver) = (socket(&from.workload, "0.0.0.0:0"), socket(&to.workload, at));
    receiver.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while receiver.recv_from(&mut [0; 64]).is_err() {
        assert!(Instant::now() < deadline, "nothing arrives at {at}");
        sender.send_to(b"early", at.parse::<SocketAddr>().unwrap()).unwrap();
    }
}

pub fn socket(netns: &Netns, at: &str) -> UdpSocket {
    let socket = netns.run(|| UdpSocket::bind(at).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Whether a datagram that is sent to `to` arrives at `receiver`.
#[track_caller]
pub fn check_arrives(sender: &UdpSocket, receiver: &UdpSocket, to: &str) {
    sender.send_to(b"hello", to.parse::<SocketAddr>().unwrap()).unwrap();
    let (length, _) = receiver.recv_from(&mut [0; 64]).unwrap();
    assert_eq!(length, 5);
}

/// The frames that pass until a datagram of this text is among them.
pub fn until(capture: &mut Capture, text: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let frame = capture.next(deadline).expect("the datagram passes");
        let found = frame.windows(text.len()).any(|window| window == text);
        frames.push(frame);
        if found {
            return frames;
        }
    }
}

/// Both families cross, and no question about an address does.
pub fn check_crossing(frames: &[Vec<u8>]) {
    let crosses = |ethertype| frames.iter().any(|frame| carries(frame, ethertype));
    assert!(crosses([0x08, 0x00]), "no IPv4 crosses");
    assert!(crosses([0x86, 0xdd]), "no IPv6 crosses");
    assert!(!crosses([0x08, 0x06]), "ARP crosses");
}

/// Whether it is VXLAN (UDP to port 4789) with an inner frame of this type.
pub fn carries(frame: &[u8], ethertype: [u8; 2]) -> bool {
    let vxlan = frame.get(36..38) == Some(&4789_u16.to_be_bytes());
    vxlan && frame.get(50 + 12..50 + 14) == Some(&ethertype)
}
