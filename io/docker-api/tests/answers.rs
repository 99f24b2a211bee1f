//! The client against an Engine of canned answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use weft_docker_api::{ApiError, Engine, Filters, NewNetwork};

const WITHIN: Duration = Duration::from_secs(10);

/// Accepts one connection, writes the answer, and tells what was asked.
struct Canned {
    path: PathBuf,
    asked: JoinHandle<String>,
}

impl Canned {
    fn new(status: &str, body: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        let asked = tokio::spawn(async move {
            let _directory = directory;
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request[..read].to_vec()).unwrap()
        });
        Self { path, asked }
    }

    fn engine(&self) -> Engine {
        Engine::at(&self.path).unwrap()
    }

    async fn asked(self) -> String {
        self.asked.await.unwrap().lines().next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_answer_is_typed() {
    let canned =
        Canned::new("200 OK", r#"{"Version":"20.10.24","ApiVersion":"1.41","Os":"linux"}"#);
    let version = canned.engine().version(WITHIN).await.unwrap();
    assert_eq!((version.version.as_str(), version.api_version.as_str()), ("20.10.24", "1.41"));
    assert_eq!(canned.asked().await, "GET /version HTTP/1.1");
}

#[tokio::test]
async fn a_driver_is_asked_for_by_filter() {
    let canned = Canned::new("200 OK", "[]");
    assert_eq!(canned.engine().networks(Some("weft"), WITHIN).await.unwrap(), []);
    let filter = "%7B%22driver%22%3A%5B%22weft%22%5D%7D";
    assert_eq!(canned.asked().await, format!("GET /networks?filters={filter} HTTP/1.1"));
}

#[tokio::test]
async fn a_refusal_has_dockers_own_words() {
    let message = r#"{"message":"network with name app already exists"}"#;
    let canned = Canned::new("409 Conflict", message);
    let error = canned.engine().create_network(&NewNetwork::default(), WITHIN).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /networks/create: Docker says: network with name app already exists (status 409)"
    );
    assert!(error.hint().contains("the name is taken"));
}

#[tokio::test]
async fn what_is_gone_can_be_told_from_other_refusals() {
    let canned = Canned::new("404 Not Found", "no such network");
    let error = canned.engine().remove_network("n1", WITHIN).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    assert_eq!(canned.asked().await, "DELETE /networks/n1 HTTP/1.1");
}

#[tokio::test]
async fn a_container_that_runs_already_is_no_failure() {
    let canned = Canned::new("304 Not Modified", "");
    canned.engine().start_container("web", WITHIN).await.unwrap();
    assert_eq!(canned.asked().await, "POST /containers/web/start HTTP/1.1");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_told() {
    let canned = Canned::new("200 OK", "<html>");
    let error = canned.engine().info(WITHIN).await.unwrap_err();
    assert!(matches!(error, ApiError::Unreadable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_silent_engine_costs_no_more_than_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    let _silent = UnixListener::bind(&path).unwrap();
    let engine = Engine::at(&path).unwrap();
    let brief = Duration::from_millis(50);
    let error = engine.containers(brief).await.unwrap_err();
    assert!(matches!(error, ApiError::Late { .. }), "{error:?}");
    let error = engine.events(&Filters::default(), brief).await.unwrap_err();
    assert!(matches!(error, ApiError::Late { .. }), "{error:?}");
}

#[tokio::test]
async fn events_end_with_the_connection() {
    let canned = Canned::new("200 OK", "{\"Type\":\"network\",\"Action\":\"create\"}\n");
    let filters = Filters { kinds: vec!["network".into()], actions: vec![] };
    let mut events = canned.engine().events(&filters, WITHIN).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().action, "create");
    assert!(events.next().await.is_none());
    let filter = "%7B%22type%22%3A%5B%22network%22%5D%7D";
    assert_eq!(canned.asked().await, format!("GET /events?filters={filter} HTTP/1.1"));
}
