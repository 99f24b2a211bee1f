//! An address that comes back on another host.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "integration tests, which say what they measured"
)]

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Container, Kind, Ping, eventually, holds, underlay};
use weft_kernel::Netns;
use weft_kernel::capture::Capture;
use weft_lab::Host;
use weft_wire::{Content, Decoded};

/// The address that moves.
const ADDRESS: &str = "10.70.0.50";
/// How long a change may take to be known everywhere, on a busy machine.
const SOON: Duration = Duration::from_secs(5);
/// A released address rests for a second; then its host still has to let it go.
const MOVED: Duration = Duration::from_secs(20);

fn listen(host: &Host) -> Capture {
    Capture::open(&underlay(host).unwrap(), "eth0").unwrap()
}

/// Whether a frame that is sent to `host` has a packet for, or a question about, the address in it.
fn is_about(frame: &[u8], host: &Host) -> bool {
    let decoded = Decoded::parse(frame).unwrap();
    let Some((outer, .., inner)) = decoded.vxlan() else { return false };
    // Until the fabric has learnt where a host is, everybody hears what is sent to it.
    if outer.destination() != IpAddr::V4(host.address()) {
        return false;
    }
    let address: IpAddr = ADDRESS.parse().unwrap();
    match &inner.content {
        Content::Ip(ip, _) => ip.destination() == address,
        Content::Arp(arp) => IpAddr::V4(arp.target_ip) == address,
        _ => false,
    }
}

/// How many such frames come to `host` until the deadline, or until there are `enough`.
fn heard(capture: &mut Capture, host: &Host, enough: usize, deadline: Instant) -> usize {
    let mut count = 0;
    while count < enough
        && let Some(frame) = capture.next(deadline)
    {
        count += usize::from(is_about(&frame, host));
    }
    count
}

/// A datagram every 10 ms, whether it can be sent or not.
struct Stream {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Stream {
    fn start(from: &Netns) -> Self {
        let socket = from.run(|| UdpSocket::bind("0.0.0.0:0")).unwrap().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // Nobody has the address for a while.
                drop(socket.send_to(b"?", (ADDRESS, 9)));
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { stop, thread }
    }

    fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_comes_back_on_another_host_gets_no_packet_at_the_old_one() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    cluster.network("app", &["--subnet", "10.70.0.0/24"]).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let at = ["--ip", ADDRESS];
    let old = Container::start(h2, "app", "old", &at).await.unwrap();
    // The old host goes on serving the network.
    let _stays = cluster.container("h2", "app", "stays").await.unwrap();

    let mut capture = listen(h2);
    let stream = Stream::start(&c1.netns().await.unwrap());
    assert_eq!(heard(&mut capture, h2, 3, Instant::now() + SOON), 3, "nothing went to h2");

    let refused = Container::start(h3, "app", "new", &at).await.unwrap_err().to_string();
    assert!(
        refused.contains("node h2 keeps the address: address 10.70.0.50 is in use"),
        "{refused}"
    );
    h3.docker(&["rm", "-f", "new"]).await.unwrap();

    old.remove().await.unwrap();
    eventually(SOON, || async {
        let known = cluster.endpoints(h1).await?;
        let named =
            |name: &str| known.iter().any(|e| e.name.as_ref().is_some_and(|n| n.as_str() == name));
        holds(!named("old"), || format!("h1 knows {known:?}"))
    })
    .await
    .unwrap();

    let mut at_old = listen(h2);
    let mut at_new = listen(h3);
    let began = Instant::now();
    let _new = eventually(MOVED, || async {
        let new = Container::start(h3, "app", "new", &at).await;
        if new.is_err() {
            h3.docker(&["rm", "-f", "new"]).await?;
        }
        new
    })
    .await
    .unwrap();
    println!("the address was on the other host after {:.1?}", began.elapsed());
    // A container's own cache holds for less than the minute that an address rests; here it
    // rested for a second.
    let target = ["nsenter", "-n", "-t", &pid(&c1).await, "ip", "neigh", "flush", "all"];
    h1.run(&target).await.unwrap();
    assert_eq!(heard(&mut at_new, h3, 20, Instant::now() + SOON), 20, "nothing went to h3");
    let strays = heard(&mut at_old, h2, usize::MAX, Instant::now() + Duration::from_millis(300));
    assert_eq!(strays, 0, "packets went to the old host");
    stream.finish();
    assert_eq!(c1.ping("new", 2).await.unwrap(), Ping { sent: 2, received: 2 });
    cluster.down().await.unwrap();
}

async fn pid(container: &Container<'_>) -> String {
    let inspect = ["inspect", "-f", "{{.State.Pid}}", &container.name];
    container.host.docker(&inspect).await.unwrap().trim().to_owned()
}
