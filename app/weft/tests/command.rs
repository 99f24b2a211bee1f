//! The command as a process, against an agent that says what a test tells it to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Answers like an agent, and remembers what it was asked.
struct Agent {
    dir: TempDir,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Agent {
    /// `answers` are tried in order: the beginning of a request line, the status, the body.
    fn start(answers: Vec<(&'static str, u16, Value)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let notes = Arc::clone(&asked);
        // Ends with the process: a listener without a test costs nothing.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &answers, &notes);
            }
        });
        Self { dir, asked }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn weft(&self, words: &[&str]) -> Output {
        weft(&self.socket(), words).output().unwrap()
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    stream: UnixStream,
    answers: &[(&'static str, u16, Value)],
    notes: &Mutex<Vec<(String, Value)>>,
) {
    let mut reader = BufReader::new(stream);
    let mut lines = vec![];
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let length = lines
        .iter()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let line = lines[0].trim_end_matches(" HTTP/1.1").to_owned();
    let (_, status, answer) =
        answers.iter().find(|(start, ..)| line.starts_with(start)).cloned().unwrap_or_else(|| {
            ("", 404, json!({"error": format!("no answer to {line}"), "kind": "not_found"}))
        });
    notes.lock().unwrap().push((line, serde_json::from_slice(&body).unwrap_or_default()));
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", answer.len());
    // The command may have been killed meanwhile.
    reader
        .into_inner()
        .write_all(format!("{head}connection: close\r\n\r\n{answer}").as_bytes())
        .ok();
}

fn weft(socket: &std::path::Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command.env("WEFT_SOCKET", socket).env_remove("NO_COLOR").args(words);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn node(name: &str, digit: char) -> Value {
    json!({
        "id": digit.to_string().repeat(32), "key": format!("04{}", "ab".repeat(64)), "name": name,
        "role": "manager", "leads": false, "vtep": "192.0.2.1",
        "control": "192.0.2.1:4788", "standing": "up", "endpoints": 0
    })
}

fn attachment() -> Value {
    json!({
        "endpoint": {
            "id": "7".repeat(32), "name": "probe", "aliases": [], "network": "app",
            "network_id": "1".repeat(32), "addresses": ["10.7.0.9"], "mac": "02:00:00:00:00:07",
            "node": "a", "node_id": "a".repeat(32), "kind": "plain", "standing": "self"
        },
        "interface": "weft0", "nameserver": "127.0.0.11"
    })
}

#[test]
fn a_list_is_sorted_and_plain_when_piped() {
    let agent = Agent::start(vec![("GET /v1/nodes", 200, json!([node("b", 'b'), node("a", 'a')]))]);
    let output = agent.weft(&["node", "ls"]);
    assert_eq!(
        stdout(&output),
        "\
NAME   ID             ROLE      STANDING   VTEP        ENDPOINTS
a      aaaaaaaaaaaa   manager   up         192.0.2.1   0
b      bbbbbbbbbbbb   manager   up         192.0.2.1   0
"
    );
    let coloured = agent.weft(&["node", "ls", "--color", "always"]);
    assert!(stdout(&coloured).contains("\u{1b}["));
}

#[test]
fn json_is_what_the_agent_said() {
    let agent = Agent::start(vec![("GET /v1/nodes/a", 200, node("a", 'a'))]);
    let output = agent.weft(&["node", "inspect", "a", "-o", "json"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), node("a", 'a'));
}

#[test]
fn a_problem_is_told_with_what_to_try_and_has_an_exit_code() {
    let problem = json!({
        "error": "there is no network `x`", "cause": [], "hint": "`weft network ls`",
        "kind": "not_found"
    });
    let agent = Agent::start(vec![("GET /v1/networks/x", 404, problem)]);
    let output = agent.weft(&["network", "inspect", "x"]);
    assert_eq!(
        stderr(&output),
        "weft: inspect network x: there is no network `x`\ntry: `weft network ls`\n"
    );
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(2)));
    let output = agent.weft(&["--output", "json", "network", "inspect", "x"]);
    assert_eq!(
        serde_json::from_slice::<Value>(&output.stderr).unwrap(),
        json!({
            "error": "inspect network x", "cause": ["there is no network `x`"],
            "hint": "`weft network ls`"
        })
    );
}

#[test]
fn one_that_cannot_be_removed_does_not_keep_the_others() {
    let agent = Agent::start(vec![("DELETE /v1/networks/b", 200, json!({}))]);
    let output = agent.weft(&["network", "rm", "a", "b"]);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("b\n", Some(2)));
    assert!(stderr(&output).starts_with("weft: remove network a: "));
}

#[test]
fn a_host_joins_with_the_token_in_either_place() {
    let agent = Agent::start(vec![]);
    let token_option = ["join", "--token", "weft-1-a-b", "192.0.2.1"];
    for words in [&token_option[..], &["join", "weft-1-a-b", "192.0.2.1:4788"]] {
        agent.weft(words);
    }
    let body = json!({"token": "weft-1-a-b", "manager": "192.0.2.1:4788"});
    let line = "POST /v1/cluster/join".to_owned();
    assert_eq!(agent.asked(), [(line.clone(), body.clone()), (line, body)]);
    assert_eq!(agent.weft(&["join", "192.0.2.1"]).status.code(), Some(64), "no token");
}

#[test]
fn a_missing_agent_is_told_with_how_to_start_it() {
    let output = weft("/nonexistent/weft.sock".as_ref(), &["status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("weft: read the status: there is no agent at /nonexistent"));
    assert!(stderr(&output).contains("try: start the agent: `systemctl start weft`"));
}

#[test]
fn what_makes_no_sense_ends_with_64() {
    for words in [vec!["nonsense"], vec!["network", "create", "a.b"], vec!["attach"], vec![]] {
        let output = weft("/nonexistent".as_ref(), &words).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{words:?}");
        assert!(!stderr(&output).contains("error:"), "{}", stderr(&output));
    }
    let output =
        weft("/x".as_ref(), &["network", "create", "a.b", "--output=json"]).output().unwrap();
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["cause"][0].as_str().unwrap().contains("dots are not allowed"), "{error}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let nodes: Vec<Value> = (0..5000).map(|_| node("a", 'a')).collect();
    let agent = Agent::start(vec![("GET /v1/nodes", 200, json!(nodes))]);
    let mut child = weft(&agent.socket(), &["node", "ls"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)));
}

#[test]
fn help_and_version_go_to_stdout() {
    for word in ["--help", "--version"] {
        let output = weft("/x".as_ref(), &[word]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("weft"));
    }
}

#[test]
fn a_command_runs_in_a_namespace_of_its_own_and_is_detached_at_its_end() {
    let agent = Agent::start(vec![
        ("POST /v1/attachments", 200, attachment()),
        ("DELETE /v1/attachments/", 200, json!({})),
    ]);
    let before = std::fs::read_to_string("/etc/resolv.conf").unwrap();
    let script = "cat /etc/resolv.conf; readlink /proc/self/ns/net; echo $WORD; exit 7";
    let output = agent.weft(&[
        "run",
        "--network",
        "app",
        "--name",
        "probe",
        "--alias",
        "p",
        "-e",
        "WORD=hello",
        "--",
        "sh",
        "-c",
        script,
    ]);
    if output.status.code() == Some(2) && stderr(&output).contains("make a network namespace") {
        assert!(stderr(&output).contains("sudo"), "only root may do it: that is all to see here");
        return;
    }
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    let ours = std::fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(lines[0], "nameserver 127.0.0.11");
    assert_ne!(lines[1], ours.to_str().unwrap());
    assert_eq!(lines[2], "hello");
    assert_eq!(std::fs::read_to_string("/etc/resolv.conf").unwrap(), before);
    let asked = agent.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].1["netns"].as_str().unwrap().starts_with("/proc/"));
    assert_eq!(asked[0].1["aliases"], json!(["p"]));
    assert_eq!(asked[1].0, format!("DELETE /v1/attachments/{}", "7".repeat(32)));
}

#[test]
fn a_command_that_does_not_exist_is_detached_too() {
    let agent = Agent::start(vec![
        ("POST /v1/attachments", 200, attachment()),
        ("DELETE /v1/attachments/", 200, json!({})),
    ]);
    let output =
        agent.weft(&["run", "--network", "app", "--name", "probe", "--", "/nonexistent/x"]);
    if output.status.code() == Some(2) {
        return;
    }
    assert_eq!(output.status.code(), Some(127));
    assert_eq!(agent.asked().len(), 2);
}

#[test]
fn a_command_that_cannot_be_run_is_told_as_json_when_asked() {
    let agent = Agent::start(vec![
        ("POST /v1/attachments", 200, attachment()),
        ("DELETE /v1/attachments/", 200, json!({})),
    ]);
    let run = ["run", "-o", "json", "--network", "app", "--name", "probe", "--"];
    for (command, code, why) in [
        ("/nonexistent/x", 127, "No such file or directory (os error 2)"),
        ("/etc/passwd", 126, "Permission denied (os error 13)"),
    ] {
        let output = agent.weft(&[&run[..], &[command]].concat());
        if output.status.code() == Some(2) {
            return;
        }
        let expected = json!({
            "error": format!("run {command}"), "cause": [why],
            "hint": "is it spelt right, and in PATH?"
        });
        assert_eq!(serde_json::from_slice::<Value>(&output.stderr).unwrap(), expected);
        assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(code)));
    }
}

#[test]
fn a_lab_that_is_not_there_is_told_as_json_when_asked() {
    let name = ["--name", "no-such-lab", "-o", "json"];
    for verb in [&["cut", "h1"][..], &["loss", "h1", "9"], &["pause", "h1"], &["start", "h1"]] {
        let output = weft("/x".as_ref(), &[&["lab"], verb, &name].concat()).output().unwrap();
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"], "lab", "{verb:?}");
        assert!(error["cause"][0].is_string() && error["hint"].is_string(), "{verb:?} {error}");
        assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(1)), "{verb:?}");
    }
}

#[test]
fn a_signal_ends_the_command_and_the_attachment() {
    let agent = Agent::start(vec![
        ("POST /v1/attachments", 200, attachment()),
        ("DELETE /v1/attachments/", 200, json!({})),
    ]);
    let mut child = weft(
        &agent.socket(),
        &["run", "--network", "app", "--name", "probe", "--", "sh", "-c", "echo up; exec sleep 60"],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line.is_empty() {
        return assert_eq!(child.wait().unwrap().code(), Some(2));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
    assert_eq!(agent.asked().len(), 2);
}

#[test]
fn a_command_dies_with_its_weft_run() {
    let agent = Agent::start(vec![("POST /v1/attachments", 200, attachment())]);
    let script = "echo up; exec sleep 600";
    let words = ["run", "--network", "app", "--name", "probe", "--", "sh", "-c", script];
    let mut child = weft(&agent.socket(), &words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // The end of the pipe is the end of all who could write to it.
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn a_dropped_packet_is_an_answer_too() {
    let journey = json!({
        "from": "7".repeat(32), "to": "db", "network": null, "steps": [],
        "dropped": {"hop": "lookup", "reason": "no_such_name", "told": "no db", "hint": "look"},
        "packet": null
    });
    let agent = Agent::start(vec![("GET /v1/path?from=web&to=db", 200, journey)]);
    let output = agent.weft(&["path", "web", "db"]);
    assert_eq!(stdout(&output), "lookup    dropped (no_such_name): no db\ntry       look\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn promoted_nodes_are_told_with_the_advice_that_comes_with_them() {
    let advice = "2 managers bear the loss of none, as 1 would: make it 3";
    let changed = json!({ "node": node("b", 'b'), "note": advice });
    let agent = Agent::start(vec![("POST /v1/nodes/b/role", 200, changed)]);
    let output = agent.weft(&["node", "promote", "b"]);
    assert_eq!(stdout(&output), format!("b is a manager now\nnote: {advice}\n"));
    let asked = agent.asked();
    assert_eq!(asked.last().map(|(_line, body)| body.clone()), Some(json!({ "role": "manager" })));
    agent.weft(&["node", "demote", "b"]);
    assert_eq!(agent.asked().last().unwrap().1, json!({ "role": "worker" }));
}

#[test]
fn a_backup_is_a_file_for_its_owner_alone_and_is_told_to_hold_secrets() {
    use std::os::unix::fs::PermissionsExt as _;
    let view = json!({
        "text": "SECRET", "revision": 7, "nodes": 3, "networks": 2, "confirmed": false,
    });
    let agent = Agent::start(vec![("GET /v1/cluster/backup", 200, view)]);
    let file = agent.dir.path().join("backup");
    let output = agent.weft(&["backup", file.to_str().unwrap()]);
    let told = stdout(&output);
    for words in ["3 nodes and 2 networks", "Most managers are away", "private keys"] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains("SECRET"), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "SECRET");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = agent.weft(&["backup", file.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not there yet"), "{again:?}");
}

#[test]
fn recovering_and_restoring_without_anything_to_go_on_with_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let socket = dir.path().join("none");
    let recover = ["recover", "--force", "--state", state.to_str().unwrap()];
    let output = weft(&socket, &recover).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("this host is not in a cluster") && !state.exists(), "{said}");
    let garbage = dir.path().join("garbage");
    std::fs::write(&garbage, "garbage").unwrap();
    for (file, words) in [("missing", "cannot restore"), ("garbage", "no backup of a cluster")] {
        let file = dir.path().join(file);
        let restore = ["restore", file.to_str().unwrap(), "--state", state.to_str().unwrap()];
        let output = weft(&socket, &restore).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{said}");
        assert!(!state.exists(), "nothing was made");
    }
}
