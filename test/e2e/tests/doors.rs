//! Workloads reach neither their host's agent nor another's, by none of a host's addresses; hosts do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::fs;
use std::future::ready;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use weft_e2e::{Cluster, Kind, eventually, holds, underlay};
use weft_kernel::Netns;
use weft_lab::Host;

/// Within this time a packet is answered or counted.
const SOON: Duration = Duration::from_secs(10);
/// Who is not answered within this time is not answered.
const PATIENCE: Duration = Duration::from_millis(500);
/// Where agents talk to each other.
const CONTROL: u16 = 4788;
/// Where they show metrics here.
const METRICS: u16 = 9788;
/// The first packet of a connection in a version of QUIC that nobody has: who listens says which
/// ones it knows (RFC 9000 §6.1), if the packet is as long as a first one has to be (§14.1).
const HELLO: [u8; 8] = [0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 1, 7, 0];
const LEAST: usize = 1200;

#[tokio::test(flavor = "multi_thread")]
async fn workloads_reach_no_port_and_no_socket_of_an_agent() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    for host in [h1, h2] {
        show_metrics(host).await;
    }
    cluster.network("app", &[]).await.unwrap();
    let container = cluster.container("h1", "app", "c1").await.unwrap();
    let inside = container.netns().await.unwrap();
    let plain = cluster.plain("h1", "app", "p1", &[]).await.unwrap();
    let own = IpAddr::from(h1.address());

    let neighbor = underlay(h2).unwrap();
    eventually(SOON, || ready(holds(answers(&neighbor, own), || "no QUIC".into()))).await.unwrap();
    eventually(SOON, || ready(holds(shows_metrics(&neighbor, own), || "no metrics".into())))
        .await
        .unwrap();

    for (workload, name) in [(&inside, "c1"), (&plain.netns, "p1")] {
        let gateway = gateway(workload);
        for to in [own, gateway, h2.address().into()] {
            let told = format!("{name} to {to}");
            is_refused(&cluster, h1, &told, || answers(workload, to)).await;
            is_refused(&cluster, h1, &told, || shows_metrics(workload, to)).await;
        }
        let sockets = workload.run(|| fs::read_to_string("/proc/thread-self/net/unix")).unwrap();
        let sockets = sockets.unwrap();
        assert!(!sockets.contains("weft") && !sockets.contains("docker"), "{name}: {sockets}");
    }
    for socket in ["/run/weft/weft.sock", "/run/docker/plugins/weft.sock"] {
        h1.run(&["test", "-S", socket]).await.unwrap();
        assert!(!container.exec(&["test", "-e", socket]).await.unwrap().is_success(), "{socket}");
    }
    cluster.down().await.unwrap();
}

/// Lets an agent show metrics at all addresses.
async fn show_metrics(host: &Host) {
    let configure = format!("echo 'metrics = \"0.0.0.0:{METRICS}\"' >> /etc/weft/weft.toml");
    host.run(&["sh", "-c", &configure]).await.unwrap();
    host.stop_agent().await.unwrap();
    host.start_agent().await.unwrap();
}

/// It does not succeed, and is counted.
async fn is_refused(cluster: &Cluster, at: &Host, told: &str, succeeds: impl Fn() -> bool) {
    let counted = async || cluster.dropped(at).await.map(|dropped| dropped["control_port"]);
    let before = counted().await.unwrap();
    eventually(SOON, || async {
        assert!(!succeeds(), "{told} is answered");
        let after = counted().await?;
        holds(after > before, || format!("{told} is not counted"))
    })
    .await
    .unwrap();
}

/// Whether the agent at an address answers what begins a connection.
fn answers(from: &Netns, to: IpAddr) -> bool {
    let mut hello = HELLO.to_vec();
    hello.resize(LEAST, 0);
    let asked = from.run(|| {
        let socket = UdpSocket::bind(("0.0.0.0", 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect((to, CONTROL))?;
        socket.send(&hello)?;
        socket.recv(&mut [0; LEAST])
    });
    asked.unwrap().is_ok()
}

fn shows_metrics(from: &Netns, to: IpAddr) -> bool {
    let at = SocketAddr::new(to, METRICS);
    from.run(|| TcpStream::connect_timeout(&at, PATIENCE)).unwrap().is_ok()
}

/// The address of the host by which a workload leaves.
fn gateway(workload: &Netns) -> IpAddr {
    let routes = workload.run(|| fs::read_to_string("/proc/thread-self/net/route"));
    let routes = routes.unwrap().unwrap();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let default = routes.lines().map(words).find(|words| words[1] == "00000000").unwrap();
    // In the order in which this machine keeps the bytes of an address.
    IpAddr::from(u32::from_str_radix(&default[2], 16).unwrap().to_ne_bytes())
}
