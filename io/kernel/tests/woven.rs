//! Networks that programs carry, alone and beside bridges.
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

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, bind, send, socket};
use support::pair::{
    Cable, PATIENCE, Side, check_arrives, check_crossing, pair_by, pair_of, pair_over,
    socket as datagrams, until,
};
use support::programs::{attachments, takes_programs};
use support::run;
use weft_kernel::capture::Capture;
use weft_path::Reason;
use weft_plan::{Desired, Engine};

const ENGINES: [(Engine, Engine); 3] =
    [(Engine::Bpf, Engine::Bpf), (Engine::Bpf, Engine::Bridge), (Engine::Bridge, Engine::Bpf)];
/// More than one super-packet, less than a second.
const BULK: usize = 8 << 20;

#[tokio::test]
async fn frames_arrive_whoever_carries_them_and_no_question_crosses() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        for (one, other) in ENGINES {
            let (a, b) = pair_by(by, one, other).await;
            let mut cable = Capture::open(&a.host.netns, "eth0").unwrap();
            for (from, at) in [("10.9.0.1:0", "10.9.0.2:7000"), ("[fd00::1]:0", "[fd00::2]:7000")] {
                let (sender, receiver) = (datagrams(&a.workload, from), datagrams(&b.workload, at));
                check_arrives(&sender, &receiver, at);
                let back = sender.local_addr().unwrap().to_string();
                check_arrives(&receiver, &sender, &back);
            }
            let (sender, receiver) =
                (datagrams(&a.workload, "10.9.0.1:0"), datagrams(&b.workload, "10.9.0.2:7001"));
            sender.send_to(b"the end", "10.9.0.2:7001").unwrap();
            receiver.recv_from(&mut [0; 64]).unwrap();
            let frames = until(&mut cable, b"the end");
            check_crossing(&frames);
        }
    }
}

/// Sends [`BULK`] from one workload to the other, and back.
fn transfer(from: &Side, to: &Side, at: &'static str) {
    let listener = to.workload.run(|| TcpListener::bind(at).unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = vec![0; BULK];
        stream.read_exact(&mut bytes).unwrap();
        stream.write_all(&bytes).unwrap();
    });
    let connect = || TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    let mut stream = from.workload.run(connect).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let sent: Vec<u8> = (0..BULK).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut received = vec![0; BULK];
    std::thread::scope(|scope| {
        let mut out = stream.try_clone().unwrap();
        let sent = &sent;
        scope.spawn(move || out.write_all(sent).unwrap());
        stream.read_exact(&mut received).unwrap();
    });
    assert!(sent == received, "bytes are changed on the way");
    served.join().unwrap();
}

#[tokio::test]
async fn this_kernel_passes_the_trial_as_often_as_it_is_asked() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        for _ in 0..3 {
            weft_kernel::trial(by).await.unwrap();
        }
    }
}

#[tokio::test]
async fn streams_arrive_whole_with_offloads_and_without() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        for (one, other) in ENGINES {
            let (a, b) = pair_by(by, one, other).await;
            transfer(&a, &b, "10.9.0.2:0");
            transfer(&a, &b, "[fd00::2]:0");
            for side in [&a, &b] {
                side.host.run("ethtool -K eth0 tso off gso off gro off tx off rx off");
                run(&side.workload, "ethtool -K eth0 tso off gso off gro off tx off rx off");
            }
            transfer(&a, &b, "10.9.0.2:0");
            transfer(&a, &b, "[fd00::2]:0");
        }
    }
}

/// A datagram of this round arrives, if not the first: a port that has moved is silent until the
/// kernel has noticed that it is up again, which it looks after once a second.
fn resumes(sender: &UdpSocket, receiver: &UdpSocket, to: &str, round: &mut u64) {
    *round += 1;
    let deadline = std::time::Instant::now() + PATIENCE;
    receiver.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut bytes = [0; 8];
    while u64::from_be_bytes(bytes) != *round {
        assert!(std::time::Instant::now() < deadline, "nothing arrives at {to} any more");
        sender.send_to(&round.to_be_bytes(), to).unwrap();
        // Nothing, or what is left of an earlier round: the next one is sent.
        drop(receiver.recv_from(&mut bytes));
    }
}

#[tokio::test]
async fn a_live_host_changes_its_engine_and_conversations_go_on() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let (a, b) = pair_by(by, Engine::Bridge, Engine::Bridge).await;
        let (sender, receiver) =
            (datagrams(&a.workload, "10.9.0.1:0"), datagrams(&b.workload, "10.9.0.2:7000"));
        let mut round = 0;
        for engine in [Engine::Bpf, Engine::Bridge, Engine::Bpf] {
            for side in [&a, &b] {
                side.host.reach(&Desired { engine, ..side.desired.clone() }).await;
                resumes(&sender, &receiver, "10.9.0.2:7000", &mut round);
                let back = sender.local_addr().unwrap().to_string();
                resumes(&receiver, &sender, &back, &mut round);
            }
        }
        let left = std::fs::read_dir(a.host.directory.path()).unwrap().count();
        assert_eq!(left, 0, "no network has a namespace");
    }
}

#[tokio::test]
async fn what_is_for_all_comes_to_all() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let (a, b) = pair_by(by, Engine::Bpf, Engine::Bpf).await;
        let sender = datagrams(&a.workload, "10.9.0.1:0");
        sender.set_broadcast(true).unwrap();
        let receiver = datagrams(&b.workload, "0.0.0.0:7000");
        check_arrives(&sender, &receiver, "10.9.0.255:7000");
        // A frame of a protocol of its own (RFC 5342 §3.5, local experiments).
        let mut inside = Capture::open(&b.workload, "eth0").unwrap();
        let head = [6, 0, 0, 0, 0, 2, 6, 0, 0, 0, 0, 1, 0x88, 0xb5];
        send_raw(&a, &[&head[..], &[0x77; 50]].concat());
        let seen = until(&mut inside, &[0x77; 50]);
        assert_eq!(seen.last().unwrap()[12..14], [0x88, 0xb5]);
    }
}

fn send_raw(from: &Side, frame: &[u8]) {
    let sent = from.workload.run(|| {
        let mut all = getifaddrs()?.filter(|entry| entry.interface_name == "eth0");
        let link = all.find_map(|entry| entry.address?.as_link_addr().copied()).unwrap();
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        bind(socket.as_raw_fd(), &link)?;
        send(socket.as_raw_fd(), frame, MsgFlags::empty())
    });
    assert_eq!(sent.unwrap().unwrap(), frame.len());
}

#[tokio::test]
async fn who_sends_more_than_fits_is_told_so() {
    if !takes_programs().await {
        return;
    }
    let (a, b) = pair_of(Engine::Bpf, Engine::Bpf).await;
    a.host.run("ip route replace 192.0.2.2 dev eth0 mtu lock 1400");
    let (sender, receiver) =
        (datagrams(&a.workload, "10.9.0.1:0"), datagrams(&b.workload, "10.9.0.2:7000"));
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
    let deadline = std::time::Instant::now() + PATIENCE;
    while !run(&a.workload, "ip route get 10.9.0.2").contains("mtu 1350") {
        // Within a moment the way is looked up again; then this one is told not to fit.
        drop(sender.send_to(&[0x77; 1420], "10.9.0.2:7000"));
        assert!(
            std::time::Instant::now() < deadline,
            "{}",
            run(&a.workload, "ip route get 10.9.0.2")
        );
    }
    let drops = a.host.linux.drops().await.unwrap();
    assert!(drops[&Reason::TooBig] >= 1, "{drops:?}");
    transfer(&a, &b, "10.9.0.2:0");
    transfer(&a, &b, "[fd00::2]:0");
}

#[tokio::test]
async fn who_sends_more_than_fits_over_ipv6_is_told_so() {
    if !takes_programs().await {
        return;
    }
    let (a, b) = pair_of(Engine::Bpf, Engine::Bpf).await;
    a.host.run("ip route replace 192.0.2.2 dev eth0 mtu lock 1400");
    let (sender, receiver) =
        (datagrams(&a.workload, "[fd00::1]:0"), datagrams(&b.workload, "[fd00::2]:7000"));
    check_arrives(&sender, &receiver, "[fd00::2]:7000");
    let mut inside = Capture::open(&a.workload, "eth0").unwrap();
    // RFC 4443 §3.2, from the one that it was for: the MTU, and what did not fit.
    let told = |frame: &[u8]| frame.len() > 62 && frame[20] == 58 && frame[54] == 2;
    let deadline = std::time::Instant::now() + PATIENCE;
    let frame = loop {
        assert!(std::time::Instant::now() < deadline, "no message comes back");
        // Within a moment the way is looked up again; then this one is told not to fit.
        drop(sender.send_to(&[0x77; 1400], "[fd00::2]:7000"));
        let soon = std::time::Instant::now() + Duration::from_millis(20);
        let mut frames = std::iter::from_fn(|| inside.next(soon));
        if let Some(frame) = frames.find(|frame| told(frame)) {
            break frame;
        }
    };
    assert_eq!(frame[22..38], [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!(frame[58..62], 1350_u32.to_be_bytes());
    while !run(&a.workload, "ip -6 route get fd00::2").contains("mtu 1350") {
        assert!(std::time::Instant::now() < deadline, "the sender's kernel does not believe it");
    }
    assert!(a.host.linux.drops().await.unwrap()[&Reason::TooBig] >= 1);
    // What is sent from now on fits, or is cut by who sends it.
    let again = datagrams(&b.workload, "[fd00::2]:7001");
    sender.send_to(&[0x77; 1400], "[fd00::2]:7001").unwrap();
    assert_eq!(again.recv_from(&mut [0; 2000]).unwrap().0, 1400);
}

#[tokio::test]
async fn hosts_that_have_only_ipv6_carry_both_families() {
    if !takes_programs().await {
        return;
    }
    for (one, other) in ENGINES {
        let (a, b) = pair_over(Cable::Six, one, other).await;
        for (from, at) in [("10.9.0.1:0", "10.9.0.2:7000"), ("[fd00::1]:0", "[fd00::2]:7000")] {
            let (sender, receiver) = (datagrams(&a.workload, from), datagrams(&b.workload, at));
            check_arrives(&sender, &receiver, at);
            let back = sender.local_addr().unwrap().to_string();
            check_arrives(&receiver, &sender, &back);
        }
        transfer(&a, &b, "10.9.0.2:0");
        transfer(&a, &b, "[fd00::2]:0");
        for side in [&a, &b] {
            side.host.run("ethtool -K eth0 tso off gso off gro off tx off rx off");
        }
        transfer(&a, &b, "10.9.0.2:0");
        transfer(&a, &b, "[fd00::2]:0");
    }
}

#[tokio::test]
async fn what_is_for_nobody_is_dropped_with_a_reason() {
    if !takes_programs().await {
        return;
    }
    let (a, b) = pair_of(Engine::Bpf, Engine::Bpf).await;
    let (sender, receiver) =
        (datagrams(&a.workload, "10.9.0.1:0"), datagrams(&b.workload, "10.9.0.2:7000"));
    check_arrives(&sender, &receiver, "10.9.0.2:7000");
    let before = a.host.linux.drops().await.unwrap();
    sender.send_to(b"hello", "10.9.0.77:7000").unwrap();
    run(&a.workload, "ip neigh replace 10.9.0.78 lladdr 06:00:00:00:00:78 dev eth0");
    sender.send_to(b"hello", "10.9.0.78:7000").unwrap();
    run(&a.workload, "ip address add 10.9.0.5/24 dev eth0");
    datagrams(&a.workload, "10.9.0.5:0").send_to(b"hello", "10.9.0.2:7000").unwrap();
    let after = a.host.linux.drops().await.unwrap();
    let more = |reason| after[&reason] - before[&reason];
    assert!(more(Reason::UnknownAddress) >= 1);
    assert_eq!((more(Reason::NoHome), more(Reason::SpoofedAddress)), (1, 1));
    receiver.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(receiver.recv_from(&mut [0; 64]).is_err());
}
