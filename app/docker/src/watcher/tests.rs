//! The watcher against an Engine of canned answers, whose events break off at once.

use std::sync::Mutex;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use weft_docker_api::Network;

use super::*;
use crate::DockerEndpoint;
use crate::fake::Fake;

/// What the Engine says of its one container.
type Canned = Arc<Mutex<Value>>;

fn container(name: &str, alias: &str) -> Value {
    json!({
        "Id": "0123456789abcdef", "Name": format!("/{name}"), "State": {"Running": true},
        "Config": {"Hostname": "0123456789ab"},
        "NetworkSettings": {"Networks": {"app": {"EndpointID": "e1", "Aliases": [alias]}}},
    })
}

fn engine(canned: Canned) -> Router {
    let one = async |State(canned): State<Canned>, Path(_): Path<String>| {
        Json(canned.lock().unwrap().clone())
    };
    let network = || {
        json!({"Id": "n1", "Name": "app", "Driver": "weft",
        "Containers": {"0123456789abcdef": {"Name": "web", "EndpointID": "e1"}}})
    };
    Router::new()
        .route("/events", get(async || ""))
        .route("/containers/json", get(async || Json(json!([{"Id": "0123456789abcdef"}]))))
        .route("/containers/{id}/json", get(one))
        .route("/networks", get(async move || Json(json!([network()]))))
        .route("/networks/{id}", get(async move || Json(network())))
        .with_state(canned)
}

struct Running {
    overlay: Arc<Fake>,
    aliases: Aliases,
    canned: Canned,
    mirror: Arc<Notify>,
    stop: CancellationToken,
    directory: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn start() -> Running {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let canned: Canned = Arc::new(Mutex::new(container("web", "db")));
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    tokio::spawn(axum::serve(listener, engine(Arc::clone(&canned))).into_future());
    let (overlay, aliases) = (Arc::new(Fake::default()), Aliases::default());
    let (mirror, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let endpoint = DockerEndpoint {
        network: DockerNetworkId("n1".into()),
        endpoint: DockerEndpointId("e1".into()),
        address: "10.99.0.2/24".parse().unwrap(),
        mac: None,
    };
    overlay.create_endpoint(endpoint).await.unwrap();
    let (exits, keeper) = Exits::new(Arc::<Fake>::clone(&overlay) as _);
    tokio::spawn(keeper.run(stop.clone()));
    let watcher = Watcher::new(
        Engine::at(socket).unwrap(),
        Arc::<Fake>::clone(&overlay) as _,
        aliases.clone(),
        Arc::clone(&mirror),
        (Presence::default(), exits),
    );
    tokio::spawn(watcher.run(stop.clone()));
    Running { overlay, aliases, canned, mirror, stop, directory }
}

async fn eventually_called(running: &Running, name: &str, alias: &str) {
    let is_called = async || {
        let all = running.overlay.attachments().await;
        let names = &all[0].names;
        names.name.as_ref().is_some_and(|n| n.as_str() == name)
            && names.aliases.iter().any(|a| a.as_str() == alias)
    };
    let wait = async {
        while !is_called().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the names arrive");
}

#[tokio::test]
async fn names_are_learnt_and_learnt_again_each_time_the_events_break_off() {
    let running = start().await;
    eventually_called(&running, "web", "db").await;
    *running.canned.lock().unwrap() = container("www", "database");
    eventually_called(&running, "www", "database").await;
    let known = running.aliases.names("www", &Network { name: "app".into(), ..Network::default() });
    assert_eq!(known, running.overlay.attachments().await[0].names);
}

#[tokio::test]
async fn the_mirror_is_woken_at_each_connection() {
    let running = start().await;
    for _connection in 0..2 {
        let woken = tokio::time::timeout(Duration::from_secs(10), running.mirror.notified());
        woken.await.expect("the mirror is woken");
    }
}

#[tokio::test]
async fn an_endpoint_with_the_right_names_is_not_renamed() {
    let running = start().await;
    eventually_called(&running, "web", "db").await;
    let renamed = || running.overlay.calls().iter().filter(|c| c.starts_with("rename")).count();
    assert_eq!(renamed(), 1);
    for _connection in 0..2 {
        running.mirror.notified().await;
    }
    assert_eq!(renamed(), 1);
}

/// By `--dns`, by what a new Engine notes; not where a network of Docker's own knows names as well.
#[tokio::test]
async fn the_servers_of_a_container_are_told_as_long_as_they_are_certain() {
    let running = start().await;
    let resolv_conf = running.directory.path().join("resolv.conf");
    std::fs::write(&resolv_conf, "nameserver 127.0.0.11\n# ExtServers: [192.0.2.1]\n").unwrap();
    let mut known = container("web", "db");
    known["NetworkSettings"]["SandboxKey"] = json!("/run/netns/web");
    known["HostConfig"] = json!({"Dns": ["192.0.2.9"]});
    let by_dns = known.clone();
    known["ResolvConfPath"] = json!(resolv_conf);
    let by_note = known.clone();
    known["NetworkSettings"]["Networks"]["own"] = json!({"EndpointID": "e2"});
    for (container, expected) in [
        (by_dns, Some("192.0.2.9:53")),
        (by_note.clone(), Some("192.0.2.1:53")),
        (known, None),
        (by_note, Some("192.0.2.1:53")),
    ] {
        *running.canned.lock().unwrap() = container;
        let sandbox = std::path::PathBuf::from("/run/netns/web");
        let servers = expected.map(|server| (sandbox, vec![server.parse().unwrap()]));
        let servers: BTreeMap<_, _> = servers.into_iter().collect();
        let wait = async {
            while *running.overlay.told_beyond() != servers {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(20), wait).await;
        assert!(told.is_ok(), "{expected:?}: {:?}", running.overlay.told_beyond());
    }
}
