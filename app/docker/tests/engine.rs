//! The drivers, the mirror and the watcher against a real Docker Engine, in namespaces.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

#[path = "support/host.rs"]
mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use host::{Host, eventually, on_a_host, run_ok};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use weft_docker::fake::Fake;
use weft_docker::{
    Attachment, Docker, DockerEndpoint, DockerEndpointId, DockerNetworkId, Overlay as _,
    PluginSocket, sandbox,
};
use weft_docker_api::Engine;
use weft_model::{Name, Network, NetworkId, Subnet, Vni};

/// Weft's Docker side with a cluster in memory, served on the host; dropped, it is as if killed.
struct Weft {
    overlay: Arc<Fake>,
    runtime: Runtime,
}

impl Weft {
    fn start(host: &Host) -> Self {
        Self::serve(host, Arc::new(Fake::with_interfaces(make_interface)))
    }

    fn serve(host: &Host, overlay: Arc<Fake>) -> Self {
        let runtime = Runtime::new().unwrap();
        let _inside = runtime.enter();
        let socket = PluginSocket::At(weft_docker::DEFAULT_PLUGIN_SOCKET.into());
        let engine = Engine::at(host.socket()).unwrap();
        let docker = Docker::listen(socket, engine, Arc::<Fake>::clone(&overlay) as _).unwrap();
        runtime.spawn(docker.run(CancellationToken::new()));
        Self { overlay, runtime }
    }

    fn network(&self, name: &str) -> Option<Arc<Network>> {
        let named = |network: &Network| network.name.as_ref().is_some_and(|n| n.as_str() == name);
        let all = self.overlay.all().into_iter().map(|entry| entry.network);
        all.into_iter().find(|network| named(network))
    }

    fn attachments(&self) -> Vec<Attachment> {
        self.runtime.block_on(self.overlay.attachments())
    }

    /// Waits until some endpoint is found by exactly these names.
    #[track_caller]
    fn eventually_called(&self, name: &str, aliases: &[&str]) {
        let expected: BTreeSet<&str> = aliases.iter().copied().collect();
        let is = |attachment: &Attachment| {
            let names = &attachment.names;
            let aliases: BTreeSet<&str> = names.aliases.iter().map(Name::as_str).collect();
            names.name.as_ref().is_some_and(|n| n.as_str() == name) && aliases == expected
        };
        eventually(&format!("{name} {aliases:?}"), || self.attachments().iter().any(is));
    }
}

fn make_interface(name: &str) {
    let peer = name.replacen("wc", "wp", 1);
    run_ok(Command::new("ip").args(["link", "add", name, "type", "veth", "peer", "name", &peer]));
}

/// A cluster network as another host has made it.
fn shop() -> Network {
    let reserved = BTreeSet::from([[10, 88, 0, 5].into()]);
    Network {
        id: NetworkId::from_random(0xabc),
        name: Some("shop".parse().unwrap()),
        vni: Vni::from_random(1),
        subnets: vec![Subnet::new("10.88.0.0/16".parse().unwrap(), None, reserved).unwrap()],
        mtu: None,
        internal: true,
        options: BTreeMap::from([("mtu".to_owned(), "1300".to_owned())]),
        labels: BTreeMap::from([("com.docker.compose.network".to_owned(), "shop".to_owned())]),
    }
}

#[test]
fn a_real_docker_reads_every_refusal_word_for_word() {
    let name = "a_real_docker_reads_every_refusal_word_for_word";
    on_a_host(name, refusals, Duration::from_secs(60));
}

fn refusals(mut host: Host) {
    let weft = Weft::start(&host);
    host.start_dockerd();
    host.refused(
        &["network", "create", "-d", "weft", "app"],
        "a network of driver weft needs the IPAM driver weft too: the addresses of this one would \
         be Docker's own (LocalDefault) — try: docker network create -d weft --ipam-driver weft \
         NAME, or: weft network create NAME; in compose: ipam: {driver: weft}",
    );
    let create = |options: &[&'static str]| {
        [&["network", "create", "-d", "weft", "--ipam-driver", "weft"], options, &["app"]].concat()
    };
    host.refused(
        &create(&["-o", "mtu=big"]),
        "option mtu=big: `big` is not a number — try: -o mtu=1450, or leave it out: weft takes \
         what the hosts' network leaves",
    );
    host.refused(&create(&["-o", "vni=12"]), "VNI 12 is out of range: 4096 to 16777215");
    host.refused(&create(&["--subnet", "127.1.0.0/16"]), "subnet 127.1.0.0/16 is reserved");
    host.refused(
        &create(&["--subnet", "10.77.0.0/16", "--ip-range", "10.77.1.0/24"]),
        "--ip-range 10.77.1.0/24 is not possible: weft divides a subnet among hosts by itself",
    );
    host.refused(
        &create(&["--ipv6", "--subnet", "fd00:77::/64"]),
        "IPv6 inside overlay networks is not there yet — try: without --ipv6",
    );
    assert_eq!(weft.overlay.all(), []);
    assert_eq!(host.ok(&["network", "ls", "-q", "--filter", "driver=weft"]), "");
}

#[test]
fn networks_are_the_same_in_docker_and_in_the_cluster() {
    let name = "networks_are_the_same_in_docker_and_in_the_cluster";
    on_a_host(name, networks, Duration::from_secs(90));
}

fn networks(mut host: Host) {
    let weft = Weft::start(&host);
    host.start_dockerd();
    made_here(&host, &weft);
    mirrored(&host, &weft);
    replayed(&mut host, &weft);
    removed(&host, &weft);
    collided(&host, &weft);
}

fn made_here(host: &Host, weft: &Weft) {
    let create = "network create -d weft --ipam-driver weft --subnet 10.77.0.0/16 --label a=b \
                  --aux-address kept=10.77.0.9 -o com.docker.network.driver.mtu=1400 app";
    host.ok(&create.split_whitespace().collect::<Vec<_>>());
    eventually("app has its name", || weft.network("app").is_some());
    let app = weft.network("app").unwrap();
    assert_eq!(app.labels["a"], "b");
    assert_eq!(app.mtu.unwrap().bytes(), 1400);
    assert!(app.subnets[0].reserved.contains(&[10, 77, 0, 9].into()));
    host.ok(&["network", "create", "-d", "weft", "--ipam-driver", "weft", "auto"]);
    eventually("auto has its name", || weft.network("auto").is_some());
}

fn mirrored(host: &Host, weft: &Weft) {
    weft.overlay.put(shop());
    let copied = || host.docker(&["network", "inspect", "shop"]).status.success();
    eventually("shop is in docker", copied);
    let format = "{{.Driver}} {{.Internal}} {{json .Options}} {{json .Labels}} {{.IPAM.Driver}} \
                  {{json .IPAM.Config}}";
    assert_eq!(
        host.ok(&["network", "inspect", "-f", format, "shop"]),
        "weft true {\"mtu\":\"1300\",\"weft.network\":\"00000000000000000000000000000abc\"} \
         {\"com.docker.compose.network\":\"shop\"} weft \
         [{\"Subnet\":\"10.88.0.0/16\",\"Gateway\":\"10.88.0.1\",\
         \"AuxiliaryAddresses\":{\"reserved0\":\"10.88.0.5\"}}]"
    );
    host.ok(&["network", "rm", "shop"]);
    eventually("shop is back, since another host uses it", copied);
}

fn replayed(host: &mut Host, weft: &Weft) {
    host.stop_dockerd();
    let before = weft.overlay.calls().len();
    host.start_dockerd();
    let calls = weft.overlay.calls().split_off(before);
    assert!(calls.contains(&"offer pool 10.77.0.0/16".to_owned()), "{calls:?}");
    host.ok(&["network", "create", "-d", "weft", "--ipam-driver", "weft", "after"]);
    eventually("events are followed again", || weft.network("after").is_some());
}

fn removed(host: &Host, weft: &Weft) {
    weft.overlay.remove(shop().id);
    let is_gone = || !host.docker(&["network", "inspect", "shop"]).status.success();
    eventually("shop is gone from docker", is_gone);
    for name in ["app", "auto", "after"] {
        host.ok(&["network", "rm", name]);
        assert_eq!(weft.network(name), None);
    }
    assert_eq!(weft.overlay.all(), []);
}

fn collided(host: &Host, weft: &Weft) {
    host.ok(&["network", "create", "-d", "bridge", "shop"]);
    weft.overlay.put(shop());
    eventually("the collision is told", || !weft.overlay.degraded().is_empty());
    let told = weft.overlay.degraded()[0].refusal.to_string();
    assert!(told.contains("Docker has another network shop, of driver bridge"), "{told}");
    host.ok(&["network", "rm", "shop"]);
    let is_ours = || host.ok(&["network", "ls", "--filter", "driver=weft"]).contains("shop");
    eventually("shop is in docker", is_ours);
    eventually("all is well", || weft.overlay.degraded().is_empty());
}

#[test]
fn containers_are_known_by_all_their_names() {
    let name = "containers_are_known_by_all_their_names";
    on_a_host(name, containers, Duration::from_secs(90));
}

fn containers(mut host: Host) {
    let weft = Weft::start(&host);
    host.start_dockerd();
    host.make_image("tiny");
    host.ok(&[&CREATE[..], &["--subnet", "10.77.0.0/16", "app"]].concat());
    host.ok(&[&CREATE[..], &["other"]].concat());
    started(&host, &weft);
    let id = host.ok(&["inspect", "-f", "{{slice .Id 0 12}}", "web"]);
    host.ok(&["network", "connect", "--alias", "second", "other", "web"]);
    weft.eventually_called("web", &["second", &id, "node1"]);
    host.ok(&["rename", "web", "www"]);
    weft.eventually_called("www", &["db", &id, "node1"]);
    host.ok(&["network", "disconnect", "other", "www"]);
    eventually("one endpoint is left", || weft.attachments().len() == 1);
    taken(&host, &weft);
    restarted(&mut host, &weft);
    host.ok(&["rm", "-f", "www"]);
    assert_eq!(weft.attachments(), []);
}

const CREATE: [&str; 7] =
    ["network", "create", "-d", "weft", "--ipam-driver", "weft", "--internal"];

fn started(host: &Host, weft: &Weft) {
    let run = "run -d --stop-signal KILL --name web --hostname node1 --network app --network-alias db --ip 10.77.0.50 \
               tiny /bin/busybox sleep 1000";
    host.ok(&run.split_whitespace().collect::<Vec<_>>());
    let id = host.ok(&["inspect", "-f", "{{slice .Id 0 12}}", "web"]);
    let sandboxes = weft.overlay.sandboxes();
    weft.runtime.block_on(sandbox::wait(&sandboxes[0], Duration::from_secs(10))).unwrap();
    weft.eventually_called("web", &["db", &id, "node1"]);
    let calls = weft.overlay.calls();
    assert!(calls.iter().any(|call| call.starts_with("join web (")), "named in Join: {calls:?}");
}

/// Docker starts its containers before it answers anybody, so their names come a little later.
fn restarted(host: &mut Host, weft: &Weft) {
    host.ok(&["update", "--restart", "always", "www"]);
    let id = host.ok(&["inspect", "-f", "{{slice .Id 0 12}}", "www"]);
    host.stop_dockerd();
    assert_eq!(weft.attachments(), []);
    host.start_dockerd();
    assert_eq!(weft.attachments().len(), 1);
    weft.eventually_called("www", &["db", &id, "node1"]);
}

/// The claim cannot be refused (it could be a replay); the endpoint is.
fn taken(host: &Host, weft: &Weft) {
    let run = ["run", "--name", "twin", "--network", "app", "--ip", "10.77.0.50", "tiny", "/bin/x"];
    host.refused(&run, "address 10.77.0.50 is taken");
    let calls = weft.overlay.calls();
    assert!(calls.contains(&"claim 10.77.0.50".to_owned()), "{calls:?}");
    assert_eq!(weft.attachments().len(), 1);
    host.ok(&["rm", "twin"]);
    let run = ["run", "--name", "twin", "--network", "app", "--ip", "10.77.0.1", "tiny", "/bin/x"];
    host.refused(&run, "address 10.77.0.1 is not for containers");
    host.ok(&["rm", "twin"]);
}

#[test]
fn what_docker_could_not_start_while_the_agent_was_away_is_started() {
    let name = "what_docker_could_not_start_while_the_agent_was_away_is_started";
    on_a_host(name, lost_start, Duration::from_secs(90));
}

fn lost_start(mut host: Host) {
    let weft = Weft::start(&host);
    host.start_dockerd();
    host.make_image("tiny");
    host.ok(&[&CREATE[..], &["app"]].concat());
    eventually("app has its name", || weft.network("app").is_some());
    let create = ["create", "--name", "lost", "--restart", "always", "--network", "app", "tiny"];
    host.ok(&[&create[..], &["/bin/busybox", "sleep", "1000"]].concat());
    let ghost = DockerEndpoint {
        network: DockerNetworkId("gone".into()),
        endpoint: DockerEndpointId("gone".into()),
        address: "10.99.9.9/24".parse().unwrap(),
        mac: None,
    };
    weft.runtime.block_on(weft.overlay.create_endpoint(ghost)).unwrap();
    let overlay = Arc::clone(&weft.overlay);
    drop(weft);
    // Docker tries for 15 seconds.
    host.refused(&["start", "lost"], "weft.sock");
    let weft = Weft::serve(&host, overlay);
    let runs = || host.ok(&["inspect", "-f", "{{.State.Status}}", "lost"]) == "running";
    eventually("lost runs", runs);
    let is_gone = || weft.overlay.calls().contains(&"forget".to_owned());
    eventually("an endpoint that docker does not have is forgotten", is_gone);
    assert_eq!(weft.attachments().len(), 1);
    host.ok(&["rm", "-f", "lost"]);
    assert_eq!(weft.attachments(), []);
}
