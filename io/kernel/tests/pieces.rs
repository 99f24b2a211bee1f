//! Frames of which only the Ethernet header lies where programs read in place.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "integration tests"
)]

mod support;

use std::collections::BTreeMap;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use futures::StreamExt;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, bind, send, socket as open,
};
use support::pair::{PATIENCE, Side, VNI, pair_of, socket};
use support::programs::takes_programs;
use support::run;
use weft_kernel::Netns;
use weft_path::Reason;
use weft_plan::Engine;

/// So long that a packet socket puts all but the Ethernet header elsewhere (`packet_alloc_skb`).
const LONG: usize = 5000;
const FROM: [u8; 4] = [10, 9, 0, 1];
const TO: [u8; 4] = [10, 9, 0, 2];

fn ethernet(to: [u8; 6], from: [u8; 6], payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &[8, 0], payload].concat()
}

/// A datagram to a port, in IPv4 from one of these addresses to the other.
fn datagram((from, to): ([u8; 4], [u8; 4]), port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(28 + payload.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let mut ip = [&[0x45, 0, high, low, 0, 0, 0x40, 0, 64, 17, 0, 0][..], &from, &to].concat();
    let sum = weft_wire::internet_checksum(&ip).to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
    let udp = [50_000, port, length - 20, 0].map(u16::to_be_bytes).concat();
    [&ip[..], &udp, payload].concat()
}

/// What the workload of a number sends to the other one, under this address.
fn inside(own: u8, from: [u8; 4]) -> Vec<u8> {
    let [to, own] = [2, own].map(|side| support::pair::mac(side).0);
    ethernet(to, own, &datagram((from, TO), 7000, &[0x77; LONG]))
}

/// The same as one host sends it to the other.
fn outside(a: &Side, b: &Side, own: u8) -> Vec<u8> {
    let vxlan = [&[8, 0, 0, 0][..], &(VNI << 8).to_be_bytes(), &inside(own, FROM)].concat();
    let ip = datagram(([192, 0, 2, 1], [192, 0, 2, 2]), 4789, &vxlan);
    let hardware = |side: &Side| link(&side.host.netns).addr().unwrap();
    ethernet(hardware(b), hardware(a), &ip)
}

/// `eth0` of a namespace.
fn link(netns: &Netns) -> LinkAddr {
    let found = netns.run(|| {
        let mut all = getifaddrs().unwrap().filter(|entry| entry.interface_name == "eth0");
        all.find_map(|entry| entry.address?.as_link_addr().copied())
    });
    found.unwrap().unwrap()
}

fn send_frame(from: &Netns, frame: &[u8]) -> nix::Result<usize> {
    let link = link(from);
    let sent = from.run(|| {
        let socket = open(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
        bind(socket.as_raw_fd(), &link)?;
        send(socket.as_raw_fd(), frame, MsgFlags::empty())
    });
    sent.unwrap()
}

/// Makes all interfaces of both hosts wide enough.
fn widen(a: &Side, b: &Side) {
    let all = "for i in $(ip -o link | sed 's/^[0-9]*: //; s/[@:].*//'); do \
               ip link set $i mtu 9000; done";
    for side in [a, b] {
        side.host.run(all);
        if side.desired.engine == Engine::Bridge {
            side.host.run_in(VNI, all);
        }
        run(&side.workload, "ip link set eth0 mtu 8000");
    }
}

async fn drops(side: &Side) -> BTreeMap<Reason, u64> {
    side.host.linux.drops().await.unwrap()
}

/// Sends a frame until a datagram arrives: what was known of the way is asked again after a moment,
/// and then it is as wide as the cable.
fn settle(from: &Netns, frame: &[u8], receiver: &UdpSocket) {
    let deadline = Instant::now() + PATIENCE;
    receiver.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while receiver.recv(&mut [0; LONG]).is_err() {
        let sent = send_frame(from, frame);
        assert!(Instant::now() < deadline, "nothing arrives of {sent:?}");
    }
    // Whatever is still under way.
    while receiver.recv(&mut [0; LONG]).is_ok() {}
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
}

/// Waits until one more is dropped for a reason at `at`, of those that `from` sends.
async fn is_dropped(from: &Netns, frame: &[u8], at: &Side, reason: Reason) {
    let (before, deadline) = (drops(at).await[&reason], Instant::now() + PATIENCE);
    assert_eq!(send_frame(from, frame).unwrap(), frame.len());
    while drops(at).await[&reason] == before {
        assert!(Instant::now() < deadline, "no {reason:?}: {:?}", drops(at).await);
    }
}

#[tokio::test]
async fn headers_that_do_not_lie_in_one_piece_are_read_all_the_same() {
    if !takes_programs().await {
        return;
    }
    let (a, b) = pair_of(Engine::Bpf, Engine::Bpf).await;
    widen(&a, &b);
    let receiver = socket(&b.workload, "10.9.0.2:7000");
    for (netns, frame) in [(&a.workload, inside(1, FROM)), (&a.host.netns, outside(&a, &b, 1))] {
        settle(netns, &frame, &receiver);
        let before = [drops(&a).await, drops(&b).await];
        assert_eq!(send_frame(netns, &frame).unwrap(), frame.len());
        let mut bytes = [0; LONG];
        assert_eq!(receiver.recv(&mut bytes).unwrap(), LONG);
        assert!(bytes == [0x77; LONG], "bytes are changed on the way");
        assert_eq!([drops(&a).await, drops(&b).await], before);
    }
    is_dropped(&a.workload, &inside(1, [10, 9, 0, 9]), &a, Reason::SpoofedAddress).await;
}

#[tokio::test]
async fn what_is_dropped_is_told_with_the_addresses_behind_the_first_piece() {
    if !takes_programs().await {
        return;
    }
    for engine in [Engine::Bpf, Engine::Bridge] {
        let (a, b) = pair_of(engine, engine).await;
        widen(&a, &b);
        let forged = [10, 9, 0, 9];
        for (from, frame, at, reason, source) in [
            (&a.workload, inside(1, forged), &a, Reason::SpoofedAddress, forged),
            (&a.host.netns, outside(&a, &b, 9), &b, Reason::NotOwner, FROM),
        ] {
            let mut samples = at.host.linux.drop_samples();
            is_dropped(from, &frame, at, reason).await;
            let told = loop {
                let told = tokio::time::timeout(PATIENCE, samples.next()).await;
                let told = told.expect("it is told").unwrap();
                if told.reason == reason {
                    break told;
                }
            };
            assert_eq!(usize::try_from(told.length).unwrap(), frame.len(), "{engine} {told:?}");
            let addresses = [source, TO].map(|address| Some(IpAddr::from(address)));
            assert_eq!([told.source, told.destination], addresses, "{engine} {told:?}");
        }
    }
}

#[tokio::test]
async fn whoever_hides_headers_behind_the_first_piece_is_judged_like_others() {
    if !takes_programs().await {
        return;
    }
    for engine in [Engine::Bpf, Engine::Bridge] {
        let (a, b) = pair_of(engine, engine).await;
        widen(&a, &b);
        is_dropped(&a.host.netns, &outside(&a, &b, 9), &b, Reason::NotOwner).await;
    }
}
