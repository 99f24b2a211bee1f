//! Real processes, in the place of containers.

use std::process::{Child, Command};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::*;
use crate::fake::Fake;
use crate::{DockerEndpoint, DockerJoin, DockerNetworkId, Names};

/// The namespace of this test, and so of what it starts.
const SANDBOX: &str = "/proc/self/ns/net";
const SOON: Duration = Duration::from_secs(30);

/// What Docker would have: a container that is on a network.
struct Host {
    overlay: Arc<Fake>,
    exits: Exits,
    keeper: JoinHandle<()>,
    stop: CancellationToken,
}

impl Host {
    async fn start(endpoints: &[&str]) -> Self {
        let overlay = Arc::new(Fake::default());
        for (last, endpoint) in (2..).zip(endpoints) {
            join(&overlay, endpoint, last).await;
        }
        let (exits, keeper) = Exits::new(Arc::<Fake>::clone(&overlay) as _);
        let stop = CancellationToken::new();
        Self { overlay, exits, keeper: tokio::spawn(keeper.run(stop.clone())), stop }
    }

    /// Docker tells of its one container.
    async fn told(&self, process: u32, began: &str, endpoints: &[&str]) {
        self.told_in(SANDBOX, process, began, endpoints).await;
    }

    async fn told_in(&self, sandbox: &str, process: u32, began: &str, endpoints: &[&str]) {
        let settings = |id: &&str| (format!("net-{id}"), serde_json::json!({ "EndpointID": id }));
        let networks: serde_json::Map<_, _> = endpoints.iter().map(settings).collect();
        let container = serde_json::json!({
            "Id": "0123456789abcdef",
            "State": { "Running": true, "Pid": process, "StartedAt": began },
            "NetworkSettings": { "SandboxKey": sandbox, "Networks": networks },
        });
        let container = serde_json::from_value(container).unwrap();
        self.exits.runs(&container, &self.overlay.attachments().await).await;
    }

    async fn lives(&self) -> Vec<Life> {
        self.overlay.attachments().await.iter().map(|attachment| attachment.life).collect()
    }

    async fn eventually(&self, expected: &[Life]) {
        let wait = async {
            while self.lives().await != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(SOON, wait).await;
        assert!(told.is_ok(), "not {expected:?}: {:?}", self.lives().await);
    }

    /// Waits until the overlay was told so often that something runs: its process is held by then.
    async fn held(&self, times: usize) {
        let told = || self.overlay.calls().iter().filter(|call| *call == "live Running").count();
        let wait = async {
            while told() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(SOON, wait).await.is_ok(), "{:?}", self.overlay.calls());
    }

    /// Waits until what was told so far has been taken in.
    async fn settle(self) -> Arc<Fake> {
        drop(self.exits);
        self.keeper.await.unwrap();
        self.stop.cancel();
        self.overlay
    }
}

async fn join(overlay: &Fake, id: &str, last: u8) {
    let (network, endpoint) = (DockerNetworkId("n".into()), DockerEndpointId(id.to_owned()));
    let address = format!("10.99.0.{last}/24").parse().unwrap();
    let made =
        DockerEndpoint { network: network.clone(), endpoint: endpoint.clone(), address, mac: None };
    overlay.create_endpoint(made).await.unwrap();
    let (sandbox, names) = (SANDBOX.into(), Names::default());
    overlay.join(DockerJoin { network, endpoint, sandbox, names }).await.unwrap();
}

struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn all_endpoints_of_a_container_end_with_its_process_and_no_others() {
    let host = Host::start(&["e1", "e2", "e3"]).await;
    let sleeper = Sleeper::start();
    host.told(sleeper.id(), "noon", &["e1", "e2"]).await;
    host.held(1).await;
    drop(sleeper);
    host.eventually(&[Life::Ended, Life::Ended, Life::Running]).await;
}

#[tokio::test]
async fn an_endpoint_runs_again_when_another_run_of_its_container_does() {
    let host = Host::start(&["e1"]).await;
    let (first, second) = (Sleeper::start(), Sleeper::start());
    host.told(first.id(), "noon", &["e1"]).await;
    host.held(1).await;
    drop(first);
    host.eventually(&[Life::Ended]).await;
    host.told(second.id(), "one", &["e1"]).await;
    host.eventually(&[Life::Running]).await;
    drop(second);
    host.eventually(&[Life::Ended]).await;
}

#[tokio::test]
async fn a_network_that_came_later_ends_too() {
    let host = Host::start(&["e1"]).await;
    let sleeper = Sleeper::start();
    host.told(sleeper.id(), "noon", &["e1"]).await;
    join(&host.overlay, "e2", 9).await;
    host.told(sleeper.id(), "noon", &["e1", "e2"]).await;
    host.held(2).await;
    drop(sleeper);
    host.eventually(&[Life::Ended, Life::Ended]).await;
}

#[tokio::test]
async fn a_process_that_is_not_the_containers_says_nothing_about_it() {
    let host = Host::start(&["e1"]).await;
    let sleeper = Sleeper::start();
    // A namespace, only not the process's network namespace.
    host.told_in("/proc/self/ns/uts", sleeper.id(), "noon", &["e1"]).await;
    let number = sleeper.id();
    drop(sleeper);
    host.told(number, "noon", &["e1"]).await;
    host.told(0, "noon", &["e1"]).await;
    let overlay = host.settle().await;
    assert_eq!(overlay.attachments().await[0].life, Life::Running);
    assert!(!overlay.calls().iter().any(|call| call.starts_with("live")), "{:?}", overlay.calls());
}

#[tokio::test]
async fn an_old_word_about_what_has_ended_does_not_bring_it_back() {
    let host = Host::start(&["e1"]).await;
    let sleeper = Sleeper::start();
    let number = sleeper.id();
    host.told(number, "noon", &["e1"]).await;
    host.held(1).await;
    drop(sleeper);
    host.eventually(&[Life::Ended]).await;
    host.told(number, "noon", &["e1"]).await;
    let overlay = host.settle().await;
    assert_eq!(overlay.attachments().await[0].life, Life::Ended);
}
