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

/// How a command ended.
pub(crate) type Asked = Output;

/// Runs `weft` with the words of `typed`; `NETNS` is a namespace made for it.
pub(crate) async fn ask(host: &Host, typed: &str, further: &[&str]) -> Asked {
    let netns = match typed.contains("NETNS") {
        true => spare_netns(host).await,
        false => String::new(),
    };
    let words = typed.split_whitespace().map(|word| if word == "NETNS" { &netns } else { word });
    host.weft(&words.chain(further.iter().copied()).collect::<Vec<_>>()).await.unwrap()
}

/// As [`ask`], and it has to end well.
pub(crate) async fn weft(host: &Host, typed: &str) -> String {
    let out = ask(host, typed, &[]).await;
    assert!(out.is_success(), "{typed}: {} {}", out.stdout, out.stderr);
    out.stdout
}

/// As [`ask`], and it has to be refused with exit code `exit`: with an error, its cause and a
/// hint. Everything that it said, or what is wrong with that.
pub(crate) async fn refused(host: &Host, typed: &str, exit: i32) -> Result<String, String> {
    let out = ask(host, typed, &["--output", "json"]).await;
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

/// What the cluster and the kernel hold, as text to compare.
pub(crate) async fn state_of(host: &Host) -> String {
    let script = "
        for what in network node endpoint; do weft $what ls --output json; done 2>&1
        ls /var/lib/weft
        ip -br link; ip -br -4 addr; ip route
        nft -s list ruleset
        for n in $(ip netns list | cut -d' ' -f1 | grep ^weft- | sort); do
            echo $n; ip -n $n -br link; ip -n $n neigh; bridge -n $n fdb | sort
        done
        ss -lunH; ss -lxH | awk '{print $5}' | sort";
    host.run(&["sh", "-c", script]).await.unwrap()
}
