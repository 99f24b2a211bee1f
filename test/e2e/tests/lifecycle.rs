//! What happens to containers and networks in Docker, happens in the cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use weft_api::NetworkView;
use weft_e2e::{Cluster, Container, Kind, Ping, eventually, holds};
use weft_kernel::Netns;
use weft_lab::{Host, Spec};

/// How long a change may take to be known everywhere, on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// Waits until `name` has exactly these addresses for a container.
async fn has(asker: &Container<'_>, name: &str, addresses: &[&str]) {
    let mut expected = addresses.to_vec();
    expected.sort_unstable();
    eventually(SOON, || async {
        let found = asker.resolve(name).await?;
        holds(found == expected, || format!("{name} is at {found:?}, not {expected:?}"))
    })
    .await
    .unwrap();
}

async fn reaches(from: &Container<'_>, to: &str) {
    assert_eq!(from.ping(to, 2).await.unwrap(), Ping { sent: 2, received: 2 }, "{to}");
}

async fn output(container: &Container<'_>, script: &str) -> String {
    container.exec(&["sh", "-c", script]).await.unwrap().stdout.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_container_joins_and_leaves_networks_and_changes_its_names() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &["--subnet", "10.70.0.0/24"]).await.unwrap();
    cluster.network("shop", &["--subnet", "10.71.0.0/24"]).await.unwrap();
    let h2 = cluster.host("h2").unwrap();
    let asker = cluster.container("h1", "app", "asker").await.unwrap();
    let guest =
        Container::start(h2, "shop", "guest", &["--network-alias", "visitor"]).await.unwrap();
    has(&asker, "guest", &[]).await;

    let connect = ["network", "connect", "--ip", "10.70.0.77", "--alias", "db", "app", "guest"];
    h2.docker(&connect).await.unwrap();
    for name in ["guest", "db", "guest.app"] {
        has(&asker, name, &["10.70.0.77"]).await;
    }
    has(&asker, "visitor", &[]).await;
    has(&asker, "guest.shop", &[]).await;
    reaches(&asker, "guest").await;
    reaches(&guest, "asker").await;

    h2.docker(&["rename", "guest", "host"]).await.unwrap();
    let host = Container { name: "host".to_owned(), ..guest };
    has(&asker, "host", &["10.70.0.77"]).await;
    has(&asker, "guest", &[]).await;
    reaches(&asker, "host").await;

    h2.docker(&["network", "disconnect", "app", "host"]).await.unwrap();
    has(&asker, "host", &[]).await;
    has(&asker, "db", &[]).await;
    has(&host, "asker", &[]).await;
    let shop = host.address("shop").await.unwrap();
    has(&host, "visitor", &[&shop]).await;
    assert_eq!(asker.ping("10.70.0.77", 1).await.unwrap().received, 0);
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ends_is_gone_everywhere_and_is_found_again_when_it_runs_again() {
    // Released addresses rest for a minute, as they do outside of tests.
    let spec = Spec { hosts: 2, docker: true, ..Spec::default() };
    let cluster = Cluster::founded(spec, &[]).await.unwrap();
    cluster.network("app", &["--subnet", "10.70.0.0/24"]).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = Container::start(h2, "app", "c2", &["--stop-timeout", "0"]).await.unwrap();

    h2.docker(&["restart", "c2"]).await.unwrap();
    has(&c1, "c2", &[&c2.address("app").await.unwrap()]).await;
    reaches(&c1, "c2").await;
    reaches(&c2, "c1").await;

    let fixed = Container::start(h2, "app", "fixed", &["--ip", "10.70.0.99"]).await.unwrap();
    reaches(&c1, "10.70.0.99").await;
    h2.docker(&["restart", "--time", "0", "fixed"]).await.unwrap();
    has(&c1, "fixed", &["10.70.0.99"]).await;
    reaches(&c1, "10.70.0.99").await;
    fixed.remove().await.unwrap();

    crash(&c2).await;
    has(&c1, "c2", &[]).await;
    // The name is gone before Docker has noticed, and what runs is not started.
    eventually(SOON, || async {
        let pid = pid(&c2).await;
        holds(pid == "0", || format!("docker still has c2 as {pid}"))
    })
    .await
    .unwrap();
    h2.docker(&["start", "c2"]).await.unwrap();
    has(&c1, "c2", &[&c2.address("app").await.unwrap()]).await;
    reaches(&c1, "c2").await;

    let always = Container::start(h2, "app", "phoenix", &["--restart", "always"]).await.unwrap();
    let before = pid(&always).await;
    crash(&always).await;
    eventually(SOON, || async {
        let pid = pid(&always).await;
        holds(pid != before && pid != "0", || format!("phoenix has process {pid}"))
    })
    .await
    .unwrap();
    has(&c1, "phoenix", &[&always.address("app").await.unwrap()]).await;
    reaches(&c1, "phoenix").await;

    c2.remove().await.unwrap();
    always.remove().await.unwrap();
    has(&c1, "c2", &[]).await;
    has(&c1, "phoenix", &[]).await;
    eventually(SOON, || async {
        let left = cluster.endpoints(h1).await?;
        holds(left.len() == 1, || format!("{left:?}"))
    })
    .await
    .unwrap();
    assert_eq!(cluster.endpoints(h2).await.unwrap().len(), 0);
    cluster.down().await.unwrap();
}

async fn pid(container: &Container<'_>) -> String {
    let format = ["inspect", "-f", "{{.State.Pid}}", &container.name];
    container.host.docker(&format).await.unwrap().trim().to_owned()
}

/// Kills a container's process behind Docker's back.
async fn crash(container: &Container<'_>) {
    container.host.run(&["kill", "-9", &pid(container).await]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_containers_of_one_name_are_both_answered_until_one_is_gone() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &["--subnet", "10.70.0.0/24"]).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    let asker = cluster.container("h1", "app", "asker").await.unwrap();
    let alias = ["--network-alias", "pool"];
    let near = Container::start(h1, "app", "web", &alias).await.unwrap();
    let far = Container::start(h2, "app", "web", &alias).await.unwrap();
    let (near_at, far_at) = (near.address("app").await.unwrap(), far.address("app").await.unwrap());
    assert_ne!(near_at, far_at);
    for name in ["web", "pool"] {
        for container in [&asker, &near, &far] {
            has(container, name, &[&near_at, &far_at]).await;
        }
    }
    near.remove().await.unwrap();
    for name in ["web", "pool"] {
        for container in [&asker, &far] {
            has(container, name, &[&far_at]).await;
        }
    }
    reaches(&asker, "web").await;
    cluster.down().await.unwrap();
}

/// What a user who forgot the IPAM driver is told to type.
const TYPE_THIS: &str = "docker network create -d weft --ipam-driver weft NAME";

#[tokio::test(flavor = "multi_thread")]
async fn a_network_made_with_docker_is_the_clusters_until_nobody_uses_it() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());

    let bad = h2.exec(&["docker", "network", "create", "-d", "weft", "bad"]).await.unwrap();
    assert!(!bad.is_success() && bad.stderr.contains(TYPE_THIS), "{}", bad.stderr);

    let create = ["network", "create", "-d", "weft", "--ipam-driver", "weft"];
    let options = ["-o", "mtu=1300", "-o", "vni=5000", "--label", "team=blue", "shop"];
    h2.docker(&[&create[..], &options].concat()).await.unwrap();
    cluster.mirrored("shop").await.unwrap();
    for host in cluster.lab.hosts() {
        assert_eq!(label(host, "team").await, "blue", "{}", host.name());
        assert!(host.docker(&["network", "inspect", "bad"]).await.is_err());
    }
    let shop: NetworkView = cluster.json(h1, &["network", "inspect", "shop"]).await.unwrap();
    assert_eq!((shop.mtu, shop.vni), (1300, 5000));
    assert_eq!(shop.options["mtu"], "1300");
    assert_eq!(shop.labels["team"], "blue");
    let all: Vec<NetworkView> = cluster.json(h1, &["network", "ls"]).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");

    let c3 = cluster.container("h3", "shop", "c3").await.unwrap();
    assert_eq!(output(&c3, "cat /sys/class/net/eth0/mtu").await, "1300");

    h2.docker(&["network", "rm", "shop"]).await.unwrap();
    cluster.mirrored("shop").await.unwrap();
    assert_eq!(label(h2, "team").await, "blue");
    let c2 = cluster.container("h2", "shop", "c2").await.unwrap();
    reaches(&c2, "c3").await;

    c2.remove().await.unwrap();
    c3.remove().await.unwrap();
    h2.docker(&["network", "rm", "shop"]).await.unwrap();
    for host in cluster.lab.hosts() {
        eventually(SOON, || async {
            let known = host.exec(&["weft", "network", "inspect", "shop"]).await?.is_success();
            let copied = host.exec(&["docker", "network", "inspect", "shop"]).await?.is_success();
            let name = host.name();
            holds(!known && !copied, || format!("{name}: known {known}, copied {copied}"))
        })
        .await
        .unwrap();
    }
    cluster.down().await.unwrap();
}

async fn label(host: &Host, key: &str) -> String {
    let format = format!("{{{{index .Labels \"{key}\"}}}}");
    host.docker(&["network", "inspect", "-f", &format, "shop"]).await.unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_out_and_published_ports_are_dockers_and_an_internal_network_has_neither() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    cluster.network("vault", &["--internal"]).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    let outside = cluster.lab.host("outside");
    let publish = |port: &'static str| ["-p", port];
    let web = Container::start(h1, "app", "web", &publish("8080:80")).await.unwrap();
    let kept = Container::start(h1, "vault", "kept", &publish("8081:80")).await.unwrap();
    for container in [&web, &kept] {
        container.run(&["httpd", "-p", "80", "-h", "/etc"]).await.unwrap();
    }

    assert_eq!(fetch(outside, h1, 8080).unwrap(), "root:x:0:0");
    assert!(fetch(outside, h1, 8081).is_err(), "a port of an internal network is published");

    // busybox's own wget, linked statically, dies of any URL.
    let get = |host: &str| format!("printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' | nc -w 1 {host} 80");
    let seen = output(&web, &get("outside.test")).await;
    assert!(seen.ends_with(&h1.address().to_string()), "{seen}");
    assert_eq!(output(&kept, &get("outside.test")).await, "");
    assert_eq!(output(&kept, &get("198.51.100.1")).await, "");
    assert_eq!(output(&kept, "ip route | grep default").await, "");

    let far = cluster.container("h2", "vault", "far").await.unwrap();
    reaches(&far, "kept").await;
    let seen = output(&far, &get("kept")).await;
    assert!(seen.contains("root:x:0:0"), "{seen}");
    cluster.down().await.unwrap();
}

/// What a program on one host gets from a port of another: the beginning of `/passwd`.
fn fetch(from: &Host, of: &Host, port: u16) -> anyhow::Result<String> {
    let address = SocketAddr::from((of.address(), port));
    let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(1));
    let mut stream = Netns::open(&from.netns())?.run(connect)??;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /passwd HTTP/1.0\r\n\r\n")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let body = reply.split_once("\r\n\r\n").map(|(_, body)| body);
    Ok(body.unwrap_or_default().chars().take("root:x:0:0".len()).collect())
}
