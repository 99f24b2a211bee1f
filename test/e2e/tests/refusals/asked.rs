//! Types commands on a host and reads how they are refused.

use serde::Deserialize;
use weft_lab::{Host, Output};

/// What a refused command says with `--output json`.
#[derive(Debug, Deserialize)]
struct Said {
    error: String,
    cause: Vec<String>,
    hint: String,
}

/// Runs `weft` with the words of `typed`; `NETNS` is a namespace made for it.
async fn ask(host: &Host, prefix: &str, typed: &str, further: &[&str]) -> Output {
    let netns = match typed.contains("NETNS") {
        true => spare_netns(host).await,
        false => String::new(),
    };
    let typed = typed.split_whitespace().map(|word| if word == "NETNS" { &netns } else { word });
    let words = prefix.split_whitespace().chain(["weft"]).chain(typed);
    host.exec(&words.chain(further.iter().copied()).collect::<Vec<_>>()).await.unwrap()
}

/// As [`ask`], and it has to end well.
pub(crate) async fn weft(host: &Host, typed: &str) -> String {
    let out = ask(host, "", typed, &[]).await;
    assert!(out.is_success(), "{typed}: {} {}", out.stdout, out.stderr);
    out.stdout
}

/// As [`ask`], and it has to be refused with exit code `exit`: with an error, its cause and a
/// hint. Everything that it said, or what is wrong with that.
pub(crate) async fn refused(host: &Host, typed: &str, exit: i32) -> Result<String, String> {
    refused_by(host, "", typed, exit).await
}

/// As [`refused`], with words before `weft` that change who runs it.
pub(crate) async fn refused_by(
    host: &Host,
    prefix: &str,
    typed: &str,
    exit: i32,
) -> Result<String, String> {
    let out = ask(host, prefix, typed, &["--output", "json"]).await;
    if out.status.code() != Some(exit) {
        return Err(format!("{}, not {exit}: {} {}", out.status, out.stdout, out.stderr));
    }
    let lines: Vec<String> = out.stderr.lines().map(read).collect::<Result<_, _>>()?;
    if lines.is_empty() { Err("no word".to_owned()) } else { Ok(lines.join("\n")) }
}

fn read(line: &str) -> Result<String, String> {
    let said: Said = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let Said { error, cause, hint } = &said;
    if error.is_empty() || hint.is_empty() || cause.is_empty() || cause.contains(&String::new()) {
        return Err(format!("incomplete: {said:?}"));
    }
    Ok(format!("{error}: {}; try: {hint}", cause.join(": ")))
}

/// A namespace that nothing is in, by name; each call makes another.
async fn spare_netns(host: &Host) -> String {
    let script = "n=$(mktemp -u spareXXXXXX); ip netns add $n && echo $n";
    host.run(&["sh", "-c", script]).await.unwrap().trim().to_owned()
}

/// What the cluster and the host hold, as text to compare.
pub(crate) async fn state_of(host: &Host) -> String {
    let script = "
        for what in network node endpoint; do weft $what ls --output json; done 2>&1
        ls /var/lib/weft
        ss -lunH | awk '{print $4}' | sort; ss -lxH | awk '{print $5}' | sort";
    let held = host.run(&["sh", "-c", script]).await.unwrap();
    format!("{held}{}", kernel_of(host).await)
}

/// What the kernel holds, as text to compare.
pub(crate) async fn kernel_of(host: &Host) -> String {
    let script = "
        ip -br link; ip -br -4 addr; ip route
        nft -s list ruleset
        for n in $(ip netns list | cut -d' ' -f1 | grep ^weft- | sort); do
            echo $n; ip -n $n -br link; ip -n $n neigh; bridge -n $n fdb | sort
        done";
    host.run(&["sh", "-c", script]).await.unwrap()
}

/// Runs an agent that does not start: one line that says why, one that says what to try.
pub(crate) async fn agent(host: &Host, prefix: &str, flags: &str) -> String {
    let typed = format!("{prefix} timeout 10 /run/lab/bin/weft agent {flags}");
    let out = host.exec(&typed.split_whitespace().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(out.status.code(), Some(1), "{typed}: {} {}", out.stdout, out.stderr);
    let lines: Vec<&str> = out.stderr.lines().collect();
    let [.., why, hint] = lines.as_slice() else { panic!("{typed}: {}", out.stderr) };
    assert!(why.starts_with("weft: run the agent: "), "{typed}: {}", out.stderr);
    assert!(hint.starts_with("try: "), "{typed}: {}", out.stderr);
    assert!(!out.stderr.contains("panicked"), "{typed}: {}", out.stderr);
    format!("{why}\n{hint}")
}

/// Ends an agent that the test has started.
pub(crate) async fn end(host: &Host, mut agent: tokio::process::Child) {
    let inside = "for p in /proc/[0-9]*; do
        [ \"$(tr '\\0' ' ' < $p/cmdline)\" = '/run/lab/bin/weft agent ' ] && kill ${p#/proc/}
    done; true";
    host.run(&["sh", "-c", inside]).await.unwrap();
    agent.wait().await.unwrap();
}
