//! A host, and a stranger on the same cable.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::Instant;

use weft_kernel::{Attachment, Netns};
use weft_path::Reason;
use weft_plan::Desired;

use super::cable::join;
use super::pair::PATIENCE;
use super::{Host, mac, run};

/// A host whose guard is attached in this way, and who is at the other end of its interface `eth0`:
/// 192.0.2.77, a stranger.
pub async fn with_underlay(attachment: Attachment, wanted: &Desired) -> (Host, Netns) {
    beside_stranger(Host::attaching_by(attachment), wanted).await
}

/// The same with this host.
pub async fn beside_stranger(host: Host, wanted: &Desired) -> (Host, Netns) {
    host.reach(wanted).await;
    let outside = Netns::unnamed().unwrap();
    join(&host, "eth0", &outside);
    host.run("ip addr add 192.0.2.1/24 dev eth0; ip link set eth0 up");
    run(&outside, "ip addr add 192.0.2.77/24 dev eth0; ip link set eth0 up");
    (host, outside)
}

/// The same, once the guard stands at that interface.
pub async fn guarded(attachment: Attachment, wanted: &Desired) -> (Host, Netns) {
    let (host, outside) = with_underlay(attachment, wanted).await;
    host.reach(wanted).await;
    (host, outside)
}

/// What the stranger sends as a member would is dropped, and counted once.
pub async fn check_stranger_is_dropped(host: &Host, outside: &Netns) {
    let drops = dropped(host, || send(outside, "192.0.2.1:4789")).await;
    assert_eq!(drops, BTreeMap::from([(Reason::UnknownPeer, 1)]));
}

/// What is dropped by what is done, which is at least something.
pub async fn dropped(host: &Host, what: impl FnOnce()) -> BTreeMap<Reason, u64> {
    let before = host.linux.drops().await.unwrap();
    what();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let after = host.linux.drops().await.unwrap();
        let more = after.into_iter().map(|(reason, count)| {
            let before = before.get(&reason).copied().unwrap_or_default();
            (reason, count - before)
        });
        let more: BTreeMap<_, _> = more.filter(|(_, count)| *count > 0).collect();
        if !more.is_empty() {
            return more;
        }
        assert!(Instant::now() < deadline, "nothing is dropped");
        tokio::task::yield_now().await;
    }
}

pub fn send(from: &Netns, to: &str) {
    let socket = from.run(|| UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
    // VXLAN of the network, as it would be right of a member: I set, the VNI, and an inner frame.
    let mut datagram = vec![8, 0, 0, 0, 0, 0x13, 0x88, 0, 255, 255, 255, 255, 255, 255];
    datagram.extend(mac(2).0);
    datagram.extend([8, 0]);
    datagram.resize(70, 0);
    socket.send_to(&datagram, to).unwrap();
}
