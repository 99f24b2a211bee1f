//! The client against a socket that answers what a test tells it to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;

use weft_api::{
    CallError, Client, EndpointFilter, NetworkCreate, NodeRemove, PathQuestion, ProblemKind,
    TokenRotate,
};
use weft_model::Role;

/// Answers one request with `status` and `body`; gives the request's first line and body.
fn answer_once(
    socket: &Path,
    status: &'static str,
    body: &'static str,
) -> JoinHandle<(String, String)> {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut asked = vec![0; length];
        reader.read_exact(&mut asked).unwrap();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        reader.into_inner().write_all(answer.as_bytes()).unwrap();
        (first.trim().to_owned(), String::from_utf8(asked).unwrap())
    })
}

/// Runs one call against one answer.
async fn exchange<A>(
    status: &'static str,
    body: &'static str,
    call: impl AsyncFnOnce(Client) -> Result<A, CallError>,
) -> (Result<A, CallError>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let server = answer_once(&socket, status, body);
    let answer = call(Client::at(&socket).unwrap()).await;
    let (line, asked) = server.join().unwrap();
    (answer, line, asked)
}

#[tokio::test]
async fn a_question_goes_to_its_route() {
    let (answer, line, _) = exchange("200 OK", "[]", async |c| {
        c.endpoints(&EndpointFilter { network: Some("app".into()) }).await
    })
    .await;
    assert_eq!(answer.unwrap(), vec![]);
    assert_eq!(line, "GET /v1/endpoints?network=app HTTP/1.1");
}

#[tokio::test]
async fn an_answer_that_goes_on_is_read_line_by_line() {
    let body = "\
{\"at\":\"t\",\"host\":\"h1\",\"hop\":\"decap\",\"reason\":\"fragment\",\"who\":\"h2\",\"hint\":\"\"}
{\"at\":\"u\",\"host\":\"h1\",\"hop\":\"lookup\",\"reason\":\"too_many_queries\",\"who\":\"\",\"hint\":\"\"}
";
    let (answer, line, _) =
        exchange("200 OK", body, async |client| client.follow_drops().await).await;
    let mut lines = answer.unwrap();
    let mut heard = Vec::new();
    while let Some(sample) = lines.next().await.unwrap() {
        heard.push(sample.reason);
    }
    assert_eq!(heard, ["fragment", "too_many_queries"]);
    assert_eq!(line, "GET /v1/drops/follow HTTP/1.1");
}

#[tokio::test]
async fn a_reference_cannot_lead_to_another_route() {
    let (_, line, _) = exchange("200 OK", "{}", async |c| {
        c.remove_node("a/../b?x", NodeRemove { force: true }).await
    })
    .await;
    assert_eq!(line, "DELETE /v1/nodes/a%2F..%2Fb%3Fx?force=true HTTP/1.1");
}

#[tokio::test]
async fn a_request_carries_only_what_was_said() {
    let create = NetworkCreate::named("app".parse().unwrap());
    let (answer, line, asked) =
        exchange("200 OK", "{}", async |c| c.create_network(&create).await).await;
    assert!(matches!(answer, Err(CallError::Answer(_))), "{{}} is no network");
    assert_eq!(line, "POST /v1/networks HTTP/1.1");
    assert_eq!(asked, r#"{"name":"app","internal":false,"options":{},"labels":{}}"#);
}

#[tokio::test]
async fn an_empty_answer_is_a_done() {
    let (answer, line, _) = exchange("204 No Content", "", async |c| c.detach("web").await).await;
    answer.unwrap();
    assert_eq!(line, "DELETE /v1/attachments/web HTTP/1.1");
}

#[tokio::test]
async fn a_path_is_asked_with_both_ends() {
    let question = PathQuestion { from: "web".into(), to: "db.app".into() };
    let (_, line, _) = exchange("200 OK", "{}", async |c| c.path(&question).await).await;
    assert_eq!(line, "GET /v1/path?from=web&to=db.app HTTP/1.1");
}

#[tokio::test]
async fn a_problem_comes_through_whole() {
    let body = r#"{"error":"no network `x`","cause":["it was removed"],"hint":"weft network ls","kind":"not_found"}"#;
    let (answer, ..) = exchange("404 Not Found", body, async |c| c.network("x").await).await;
    let error = answer.unwrap_err();
    assert_eq!(error.to_string(), "no network `x`");
    assert_eq!(error.cause(), ["it was removed"]);
    assert_eq!(error.hint(), "weft network ls");
    assert_eq!(error.kind(), ProblemKind::NotFound);
}

#[tokio::test]
async fn an_error_of_another_server_keeps_its_first_line() {
    let (answer, ..) = exchange("502 Bad Gateway", "<html>\nno", async |c| c.status().await).await;
    let error = answer.unwrap_err();
    assert_eq!(error.to_string(), "the agent answered 502 Bad Gateway");
    assert_eq!(error.kind(), ProblemKind::Unavailable);
    assert_eq!(error.cause(), ["<html>"]);
}

#[tokio::test]
async fn a_token_does_not_show_in_debug_output() {
    let body = r#"{"role":"worker","token":"weft-1-secret"}"#;
    let (answer, line, asked) = exchange("200 OK", body, async |c| {
        c.rotate_token(Role::Worker, TokenRotate { ttl_seconds: Some(60) }).await
    })
    .await;
    assert_eq!(line, "POST /v1/tokens/worker/rotate HTTP/1.1");
    assert_eq!(asked, r#"{"ttl_seconds":60}"#);
    assert!(!format!("{:?}", answer.unwrap()).contains("secret"));
}

#[tokio::test]
async fn a_missing_socket_says_how_to_start_the_agent() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("none");
    let error = Client::at(&socket).unwrap().status().await.unwrap_err();
    assert!(matches!(&error, CallError::NoSocket(path) if *path == socket), "{error:?}");
    assert!(error.hint().contains("systemctl start weft"), "{}", error.hint());
}

#[tokio::test]
async fn a_socket_without_a_listener_is_told_from_a_missing_one() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    drop(UnixListener::bind(&socket).unwrap());
    let error = Client::at(&socket).unwrap().status().await.unwrap_err();
    assert!(matches!(error, CallError::NotListening(_)), "{error:?}");
    assert!(error.hint().contains("systemctl restart weft"));
}

#[tokio::test]
async fn a_socket_of_others_says_to_use_sudo() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, Permissions::from_mode(0o000)).unwrap();
    let error = Client::at(&socket).unwrap();
    // Root may write to any socket: then there is nothing to see here but the hint itself.
    if std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(matches!(error.status().await, Err(CallError::Denied(_))));
    }
    assert!(CallError::Denied(socket).hint().contains("sudo"));
}

#[tokio::test]
async fn a_connection_that_ends_early_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let error = Client::at(&socket).unwrap().status().await.unwrap_err();
    assert!(matches!(error, CallError::Broken(_)), "{error:?}");
    assert!(!error.cause().is_empty());
    server.join().unwrap();
}
