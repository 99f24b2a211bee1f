//! The way out: workloads reach the outside, also through Docker's packet filter, and the outside
//! reaches no workload.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::future::ready;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use weft_e2e::{Cluster, Kind, Plain, eventually, holds};
use weft_kernel::Netns;
use weft_lab::{Host, INTERNET};

/// Within this time what others did to the packet filter is mended.
const SOON: Duration = Duration::from_secs(5);
/// Who is not answered within this time is not answered.
const PATIENCE: Duration = Duration::from_millis(500);
/// Where workloads listen.
const PORT: u16 = 7777;

#[tokio::test(flavor = "multi_thread")]
async fn workloads_reach_the_outside_of_a_host_with_docker_and_it_reaches_none() {
    let cluster = Cluster::up(1, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    let host = Netns::open(&h1.netns()).unwrap();
    let outside = Netns::open(&cluster.lab.host("outside").netns()).unwrap();
    let one = cluster.plain("h1", "app", "one", &[]).await.unwrap();
    let two = cluster.plain("h1", "app", "two", &[]).await.unwrap();
    let container = cluster.container("h1", "app", "c1").await.unwrap();
    let inside = container.netns().await.unwrap();
    assert!(filters(h1).await.contains("-P FORWARD DROP"), "this Docker does not filter");

    let me = h1.address().to_string();
    for workload in [&one.netns, &inside] {
        eventually(SOON, || ready(seen_from_outside(workload, &me))).await.unwrap();
    }

    // The outside knows the way to each, and they listen.
    let ways = [way_out(&one, "eth1").await, gateway_bridge(&container).await];
    let gates = ["172.30.0.0/16".to_owned(), format!("{}/32", ways[1])];
    for to in gates {
        let route = ["ip", "route", "add", &to, "via", &me];
        cluster.lab.host("outside").run(&route).await.unwrap();
    }
    let listening = [&one.netns, &inside].map(listen);
    for way in ways {
        assert!(connects(&host, way), "{way} does not listen");
        assert!(!connects(&outside, way), "the outside reaches {way}");
    }

    // Two workloads of one host: by the network, not by the way out.
    assert!(connects(&two.netns, one.address.into()), "not by the overlay");
    assert!(!connects(&two.netns, ways[0]), "by the egress bridge");
    two.run(&["ip", "route", "add", &format!("{}/32", ways[0]), "via", "172.30.0.1"])
        .await
        .unwrap();
    assert!(!connects(&two.netns, ways[0]), "by the egress bridge's gateway");
    assert!(!connects(&two.netns, ways[1]), "by Docker's bridge");
    drop(listening);
    container.remove().await.unwrap();

    // What somebody flushes is back, and what Docker makes anew is found.
    h1.run(&["iptables", "-F", "DOCKER-USER"]).await.unwrap();
    eventually(SOON, || ready(seen_from_outside(&one.netns, &me))).await.unwrap();
    h1.stop_docker(Signal::SIGTERM).await.unwrap();
    let gone = "iptables -D FORWARD -j DOCKER-USER; iptables -F DOCKER-USER; \
                iptables -X DOCKER-USER";
    h1.run(&["sh", "-c", gone]).await.unwrap();
    assert!(!connects_to_internet(&one.netns), "a filter without the chain drops");
    h1.start_docker().await.unwrap();
    eventually(SOON, || ready(seen_from_outside(&one.netns, &me))).await.unwrap();

    // Without plain workloads nothing of Weft's is in Docker's chain.
    one.remove().await.unwrap();
    two.remove().await.unwrap();
    eventually(SOON, || async {
        let rules = filters(h1).await;
        holds(!rules.contains("weft-egress"), || rules)
    })
    .await
    .unwrap();
    cluster.down().await.unwrap();
}

async fn filters(host: &Host) -> String {
    host.run(&["iptables", "-S"]).await.unwrap()
}

/// What the outside says about who asks it.
fn seen_from_outside(workload: &Netns, expected: &str) -> anyhow::Result<()> {
    let said = workload.run(|| -> anyhow::Result<String> {
        let mut stream = connect(INTERNET.into(), 80)?;
        stream.set_read_timeout(Some(SOON))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    })??;
    holds(said.trim_end().ends_with(&format!("\r\n{expected}")), || said)
}

fn connects(from: &Netns, to: IpAddr) -> bool {
    from.run(|| connect(to, PORT).is_ok()).unwrap()
}

fn connects_to_internet(from: &Netns) -> bool {
    from.run(|| connect(INTERNET.into(), 80).is_ok()).unwrap()
}

fn connect(to: IpAddr, port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::new(to, port), PATIENCE)
}

/// A full queue of connections is as good as one that is accepted.
fn listen(at: &Netns) -> TcpListener {
    at.run(|| TcpListener::bind(("0.0.0.0", PORT))).unwrap().unwrap()
}

/// The address that a plain workload has on the egress bridge.
async fn way_out(workload: &Plain<'_>, interface: &str) -> IpAddr {
    let said = workload.run(&["ip", "-o", "-4", "addr", "show", interface]).await.unwrap();
    let range = said.split_whitespace().nth(3).context("no address").unwrap();
    range.split('/').next().unwrap().parse().unwrap()
}

/// The address that a container has on `docker_gwbridge`.
async fn gateway_bridge(container: &weft_e2e::Container<'_>) -> IpAddr {
    let said = container.run(&["sh", "-c", "ip -o -4 addr show; ip route"]).await.unwrap();
    let gateway = said.split("default via ").nth(1).unwrap().split('.').collect::<Vec<_>>();
    let net = format!("{}.{}.", gateway[0], gateway[1]);
    let words = said.split_whitespace().filter(|word| word.starts_with(&net));
    let address = words.filter_map(|word| word.split_once('/')).map(|(address, _)| address);
    address.filter_map(|address| address.parse().ok()).next().unwrap()
}
