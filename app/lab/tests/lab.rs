//! Labs on this machine's real kernel. They need root, and Docker for the tests that say so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use weft_lab::{Host, Lab, Spec};

const EXE: &str = env!("CARGO_BIN_EXE_weft-lab");

#[tokio::test]
async fn hosts_reach_each_other_and_the_outside() {
    let lab = up(3).await;
    for host in lab.hosts() {
        for other in lab.hosts() {
            assert!(reaches(host, other.name()).await, "{} {}", host.name(), other.name());
        }
        let me = host.run(&["wget", "-qO-", "http://outside.test/"]).await.unwrap();
        assert_eq!(me.trim(), host.address().to_string());
    }
    lab.down().await.unwrap();
}

#[tokio::test]
async fn the_outside_knows_one_name_and_no_other() {
    let lab = up(1).await;
    let h1 = lab.host("h1");
    let known = h1.run(&["busybox", "nslookup", "-type=a", "outside.test"]).await.unwrap();
    assert!(known.contains("198.51.100.1\n"), "{known}");
    let unknown = h1.exec(&["busybox", "nslookup", "-type=a", "web"]).await.unwrap();
    assert!(unknown.stdout.contains("NXDOMAIN"), "{unknown:?}");
}

#[tokio::test]
async fn a_host_has_a_name_files_and_processes_of_its_own() {
    let lab = up(2).await;
    let (h1, h2) = (lab.host("h1"), lab.host("h2"));
    assert_eq!(h1.run(&["cat", "/proc/sys/kernel/hostname"]).await.unwrap(), "h1\n");
    assert!(h1.run(&["cat", "/proc/1/cmdline"]).await.unwrap().contains("lab-host"));
    for path in ["/etc/weft/x", "/var/lib/weft/x", "/run/x", "/etc/x", "/var/lib/x"] {
        h1.run(&["touch", path]).await.unwrap();
        assert!(!h2.exec(&["test", "-e", path]).await.unwrap().is_success(), "{path}");
        assert!(!Path::new(path).exists(), "{path}");
    }
    let devices = h1.run(&["ls", "/sys/class/net"]).await.unwrap();
    assert_eq!(devices.split_whitespace().collect::<Vec<_>>(), ["eth0", "lo"]);
    assert!(Path::new("/sys/fs/cgroup").read_dir().unwrap().next().is_some());
}

#[tokio::test]
async fn a_cut_host_reaches_nobody_until_it_is_healed() {
    let lab = up(3).await;
    let (h1, h2, h3) = (lab.host("h1"), lab.host("h2"), lab.host("h3"));
    h1.cut().await.unwrap();
    assert!(!reaches(h1, "h2").await);
    assert!(!reaches(h2, "h1").await);
    assert!(reaches(h2, "h3").await);
    assert_eq!(h1.run(&["cat", "/sys/class/net/eth0/operstate"]).await.unwrap(), "up\n");
    h1.heal().await.unwrap();
    assert!(reaches(h1, "h2").await);
    h1.cut_from(h2).await.unwrap();
    assert!(!reaches(h1, "h2").await);
    assert!(!reaches(h2, "h1").await);
    assert!(reaches(h1, "h3").await);
    assert!(reaches(h3, "h2").await);
    h2.heal().await.unwrap();
    assert!(reaches(h1, "h2").await);
}

#[tokio::test]
async fn daemons_inherit_no_blocked_signal() {
    let lab = up(1).await;
    let status = lab.host("h1").run(&["cat", "/proc/1/status"]).await.unwrap();
    assert!(status.contains("SigBlk:\t0000000000000000\n"), "{status}");
}

#[tokio::test]
async fn a_lossy_link_loses_some_packets_and_a_healed_one_none() {
    let lab = up(2).await;
    let h1 = lab.host("h1");
    // The hosts know each other's MAC addresses: what is lost now are pings alone.
    assert!(reaches(h1, "h2").await);
    h1.loss(30).await.unwrap();
    let received = pings(h1).await;
    // Each ping passes the link twice, so 0.7 * 0.7 of 100 come back.
    assert!((20..=80).contains(&received), "{received}");
    h1.heal().await.unwrap();
    assert_eq!(pings(h1).await, 100);
}

#[tokio::test]
async fn a_paused_host_stands_still_until_it_is_resumed() {
    let lab = up(1).await;
    let h1 = lab.host("h1");
    let mut sleeper = h1.spawn(&["sh", "-c", "echo $$; exec sleep 1000"]).unwrap();
    let pid = first_line(&mut sleeper).await;
    h1.pause().await.unwrap();
    wait_until(|| process_state(h1, &pid) == "T");
    h1.resume().await.unwrap();
    wait_until(|| process_state(h1, &pid) == "S");
}

#[tokio::test]
async fn a_killed_host_is_gone_and_comes_back_with_its_disk() {
    let lab = up(2).await;
    let (h1, h2) = (lab.host("h1"), lab.host("h2"));
    h1.run(&["sh", "-c", "echo kept > /var/lib/weft/x; sleep 1000 >/dev/null 2>&1 &"])
        .await
        .unwrap();
    let mac = h1.run(&["cat", "/sys/class/net/eth0/address"]).await.unwrap();
    let inhabitants = processes(&[std::fs::read_link(h1.netns()).unwrap()]);
    assert!(inhabitants.len() >= 2);
    h1.kill().await.unwrap();
    assert!(!any_lives(&inhabitants), "processes of the killed host live on");
    assert!(!reaches(h2, "h1").await);
    assert!(h1.exec(&["true"]).await.is_err());
    h1.start().await.unwrap();
    assert_eq!(h1.run(&["cat", "/var/lib/weft/x"]).await.unwrap(), "kept\n");
    assert_eq!(h1.run(&["cat", "/sys/class/net/eth0/address"]).await.unwrap(), mac);
    assert!(reaches(h2, "h1").await);
    assert!(h1.start().await.is_err(), "it runs already");
}

#[tokio::test]
async fn a_fault_outlives_the_death_of_a_host() {
    let lab = up(2).await;
    let (h1, h2) = (lab.host("h1"), lab.host("h2"));
    h1.cut().await.unwrap();
    h1.kill().await.unwrap();
    h1.start().await.unwrap();
    assert!(!reaches(h2, "h1").await);
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed_inside_the_host() {
    let lab = up(1).await;
    let h1 = lab.host("h1");
    let limit = Duration::from_millis(200);
    let error = h1.exec_within(limit, &["sleep", "7777"]).await.unwrap_err();
    assert!(error.to_string().contains("not done"), "{error}");
    let processes = h1.run(&["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).await.unwrap();
    assert!(!processes.contains("sleep 7777"), "{processes}");
}

#[tokio::test]
async fn two_labs_live_side_by_side() {
    let (one, other) = (up(2).await, up(2).await);
    assert_ne!(one.name(), other.name());
    one.host("h1").cut().await.unwrap();
    assert!(!reaches(one.host("h2"), "h1").await);
    assert!(reaches(other.host("h2"), "h1").await);
    one.down().await.unwrap();
    assert!(reaches(other.host("h2"), "h1").await);
}

#[tokio::test]
async fn a_name_can_be_used_by_one_lab_at_a_time() {
    let lab = up(1).await;
    let again = Lab::up(Spec { name: Some(lab.name().to_owned()), ..spec(1) }).await.unwrap_err();
    assert!(again.hint().contains("down"), "{again}");
    assert!(reaches(lab.host("h1"), "outside").await);
}

#[tokio::test]
async fn down_leaves_nothing_behind() {
    let lab = up(2).await;
    let (name, inhabitants) = (lab.name().to_owned(), inhabitants(&lab));
    assert_eq!(inhabitants.len(), 2);
    assert!(!traces(&name).is_empty());
    lab.down().await.unwrap();
    assert!(!any_lives(&inhabitants));
    assert_eq!(traces(&name), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_dropped_lab_leaves_nothing_behind() {
    let lab = up(2).await;
    let (name, inhabitants) = (lab.name().to_owned(), inhabitants(&lab));
    drop(lab);
    assert!(!any_lives(&inhabitants));
    assert_eq!(traces(&name), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_lab_that_cannot_come_up_leaves_nothing_behind() {
    let name = format!("f{}", std::process::id());
    // The lab's own executable has no agent to run.
    let spec = Spec { name: Some(name.clone()), agent: true, ..spec(2) };
    let error = Lab::up(spec).await.unwrap_err();
    assert!(error.to_string().contains("start agent"), "{error}");
    assert!(error.hint().contains("--no-agent"), "{error}");
    assert_eq!(traces(&name), [] as [PathBuf; 0]);
}

#[test]
fn the_death_of_the_owner_takes_the_lab_down() {
    for (number, signal) in
        [Signal::SIGKILL, Signal::SIGINT, Signal::SIGTERM].into_iter().enumerate()
    {
        let name = format!("o{}-{number}", std::process::id());
        let owner = Owner::of(&name);
        let inhabitants = inhabitants_of(&name);
        assert_eq!(inhabitants.len(), 3);
        kill(Pid::from_raw(i32::try_from(owner.0.id()).unwrap()), signal).unwrap();
        wait_until(|| traces(&name).is_empty() && !any_lives(&inhabitants));
    }
}

#[test]
fn the_death_of_the_keeper_takes_the_hosts_down_and_the_next_lab_sweeps() {
    let name = format!("k{}", std::process::id());
    let _owner = Owner::of(&name);
    let inhabitants = inhabitants_of(&name);
    let keeper = state(&name)["keeper"].as_i64().unwrap();
    kill(Pid::from_raw(i32::try_from(keeper).unwrap()), Signal::SIGKILL).unwrap();
    wait_until(|| !any_lives(&inhabitants));
    verb(&["ls"]).unwrap();
    assert_eq!(traces(&name), [] as [PathBuf; 0]);
}

#[test]
fn the_verbs_do_what_they_say() {
    let name = format!("v{}", std::process::id());
    let on = |verbs: &[&str], host: &[&str]| verb(&[verbs, &["--name", &name], host].concat());
    let _down = Down(name.clone());
    on(&["up", "--hosts", "2", "--no-agent"], &[]).unwrap();
    let ping = ["h1", "--", "ping", "-c1", "-W1", "h2"];
    on(&["exec"], &ping).unwrap();
    on(&["cut"], &["h1", "--from", "h2"]).unwrap();
    assert!(verb(&["ls"]).unwrap().contains("cut from h2"));
    on(&["exec"], &ping).unwrap_err();
    on(&["heal"], &["h1"]).unwrap();
    on(&["loss"], &["h1", "100"]).unwrap();
    on(&["exec"], &ping).unwrap_err();
    on(&["loss"], &["h1", "0"]).unwrap();
    on(&["exec"], &ping).unwrap();
    on(&["kill"], &["h2"]).unwrap();
    assert!(verb(&["ls"]).unwrap().contains("killed"));
    on(&["start"], &["h2"]).unwrap();
    on(&["exec"], &ping).unwrap();
    on(&["pause"], &["h2"]).unwrap();
    on(&["resume"], &["h2"]).unwrap();
    on(&["logs"], &["h1", "host"]).unwrap();
    assert!(on(&["kill"], &["h9"]).unwrap_err().contains("h1, h2, outside"));
    on(&["down"], &[]).unwrap();
    assert_eq!(traces(&name), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn containers_run_on_the_engine_of_each_host_and_leave_nothing_behind() {
    let lab = Lab::up(Spec { docker: true, ..spec(2) }).await.unwrap();
    let name = lab.name().to_owned();
    for host in lab.hosts() {
        let said =
            host.docker(&["run", "--rm", "weft/busybox", "echo", host.name()]).await.unwrap();
        assert_eq!(said.trim(), host.name());
        let me = ["run", "--rm", "weft/busybox", "wget", "-qO-", "http://outside.test/"];
        assert_eq!(host.docker(&me).await.unwrap().trim(), host.address().to_string());
        host.docker(&["run", "-d", "weft/busybox", "sleep", "1000"]).await.unwrap();
    }
    lab.host("h1").kill().await.unwrap();
    lab.host("h1").start().await.unwrap();
    assert!(lab.host("h1").docker(&["ps", "-aq"]).await.unwrap().lines().count() == 1);
    assert!(traces(&name).iter().any(|path| path.starts_with("/sys/fs/cgroup")));
    let inhabitants = inhabitants(&lab);
    assert!(inhabitants.len() > 6, "{inhabitants:?}");
    lab.down().await.unwrap();
    assert!(!any_lives(&inhabitants));
    assert_eq!(traces(&name), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn containers_outlive_dockerd_if_live_restore_is_asked_for() {
    let lab = Lab::up(Spec { docker: true, live_restore: true, ..spec(1) }).await.unwrap();
    let h1 = lab.host("h1");
    let id = h1.docker(&["run", "-d", "weft/busybox", "sleep", "1000"]).await.unwrap();
    let inspect = ["inspect", "-f", "{{.State.Pid}}", id.trim()];
    let before = h1.docker(&inspect).await.unwrap();
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        h1.restart_docker(signal).await.unwrap();
        assert_eq!(h1.docker(&inspect).await.unwrap(), before);
    }
    h1.pause().await.unwrap();
    wait_until(|| process_state(h1, before.trim()) == "T");
    h1.resume().await.unwrap();
    wait_until(|| process_state(h1, before.trim()) == "S");
}

#[test]
fn programs_are_told_as_json() {
    let name = format!("j{}", std::process::id());
    let _down = Down(name.clone());
    let json = |verb: &[&str]| -> serde_json::Value {
        let said = self::verb(&[verb, &["--name", &name, "--output", "json"]].concat()).unwrap();
        serde_json::from_str(&said).unwrap()
    };
    let lab = json(&["up", "--hosts", "1", "--no-agent"]);
    assert_eq!(lab["hosts"]["h1"]["address"], "192.0.2.1");
    for done in [&["cut", "h1"][..], &["heal", "h1"], &["pause", "h1"], &["resume", "h1"]] {
        assert_eq!(json(done), serde_json::json!({}), "{done:?}");
    }
    assert_eq!(json(&["loss", "h1", "30"]), serde_json::json!({}));
    let labs: Vec<serde_json::Value> =
        serde_json::from_str(&verb(&["ls", "-o", "json"]).unwrap()).unwrap();
    let seen = labs.iter().find(|lab| lab["name"] == name.as_str()).unwrap();
    assert_eq!(seen["keeper"], lab["keeper"]);
    assert!(seen["hosts"]["h1"]["pid"].is_u64(), "{seen}");
    assert_eq!(seen["hosts"]["h1"]["faults"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(json(&["kill", "h1"]), serde_json::json!({}));
    assert_eq!(json(&["start", "h1"]), serde_json::json!({}));
    assert_eq!(json(&["down"]), serde_json::json!({}));
}

fn spec(hosts: u8) -> Spec {
    Spec { hosts, agent: false, exe: Some(EXE.into()), ..Spec::default() }
}

async fn up(hosts: u8) -> Lab {
    Lab::up(spec(hosts)).await.unwrap()
}

async fn reaches(host: &Host, other: &str) -> bool {
    // One packet alone may be queued behind an ARP request that is about to be given up.
    let script = format!("for i in 1 2 3; do ping -c1 -W1 {other} && exit 0; done; exit 1");
    host.exec(&["sh", "-c", &script]).await.unwrap().is_success()
}

/// How many of 100 pings to h2 come back.
async fn pings(host: &Host) -> u32 {
    let arguments = ["busybox", "ping", "-q", "-c100", "-i0.02", "-W3", "h2"];
    let said = host.exec(&arguments).await.unwrap().stdout;
    let received = said.split(" packets received").next().unwrap().rsplit(' ').next().unwrap();
    received.parse().unwrap()
}

async fn first_line(child: &mut tokio::process::Child) -> String {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap().unwrap()
}

/// The state letter of a process, as the host numbers it.
fn process_state(host: &Host, pid: &str) -> String {
    let stat = std::fs::read_to_string(host.root().join(format!("proc/{pid}/stat"))).unwrap();
    stat.split(") ").nth(1).unwrap()[..1].to_owned()
}

fn inhabitants(lab: &Lab) -> BTreeSet<Process> {
    let networks = lab.hosts().map(|host| std::fs::read_link(host.netns()).unwrap());
    processes(&networks.collect::<Vec<_>>())
}

fn state(name: &str) -> serde_json::Value {
    let text = std::fs::read(format!("/run/weft-lab/{name}/state.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn inhabitants_of(name: &str) -> BTreeSet<Process> {
    let state = state(name);
    let hosts = state["hosts"].as_object().unwrap().values();
    let network = |pid: i64| std::fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
    let networks = hosts.map(|host| network(host["pid"].as_i64().unwrap()));
    processes(&networks.collect::<Vec<_>>())
}

/// A process, told apart from later ones of the same number by when it started.
type Process = (u32, String);

/// Every process in these network namespaces.
fn processes(networks: &[PathBuf]) -> BTreeSet<Process> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_there = |pid: &u32| {
        let network = std::fs::read_link(format!("/proc/{pid}/ns/net"));
        network.is_ok_and(|network| networks.contains(&network))
    };
    numbers.filter(is_there).filter_map(|pid| Some((pid, started(pid)?))).collect()
}

/// When the process started; nothing if it is dead.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let is_dead = ["Z", "X"].contains(&fields.next()?);
    (!is_dead).then(|| fields.nth(18).map(str::to_owned)).flatten()
}

fn any_lives(processes: &BTreeSet<Process>) -> bool {
    processes.iter().any(|(pid, start)| started(*pid).as_ref() == Some(start))
}

/// Everything on the machine that carries the lab's name: files, control groups, mounts.
fn traces(name: &str) -> Vec<PathBuf> {
    let directories = ["/run/weft-lab", "/var/lib/weft-lab"].map(|root| Path::new(root).join(name));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let points: Vec<_> =
        mounts.lines().map(|line| PathBuf::from(line.split(' ').nth(4).unwrap())).collect();
    let ours = points.iter().filter(|point| point.to_string_lossy().contains(name)).cloned();
    let groups = points.iter().filter(|point| point.starts_with("/sys/fs/cgroup"));
    let groups = groups.flat_map(|point| std::fs::read_dir(point).into_iter().flatten().flatten());
    let groups = groups.map(|entry| entry.path());
    let groups =
        groups.filter(|path| path.to_string_lossy().contains(&format!("weft-lab-{name}-")));
    directories.into_iter().filter(|path| path.exists()).chain(ours).chain(groups).collect()
}

#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "it does not become true");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a verb to its end: what it said, or what it complained of.
fn verb(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(EXE).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// A process that owns a lab of two hosts; killed at the latest when dropped.
struct Owner(Child);

impl Owner {
    fn of(name: &str) -> Self {
        let arguments = ["up", "--foreground", "--hosts", "2", "--no-agent", "--name", name];
        // As a shell starts what it does not wait for: SIGINT is ignored, and the lab listens to it all the same.
        let ignoring = ["-c", "trap '' INT; exec \"$0\" \"$@\"", EXE];
        let mut owner = Command::new("sh");
        owner.args(ignoring).args(arguments).stdout(Stdio::piped());
        let mut owner = owner.spawn().unwrap();
        let mut said = String::new();
        let stdout = std::io::BufReader::new(owner.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut { stdout }, &mut said).unwrap();
        assert!(said.contains("is up"), "{said}");
        Self(owner)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Takes the lab of this name down, also when the test fails.
struct Down(String);

impl Drop for Down {
    fn drop(&mut self) {
        // It is down already unless the test failed.
        verb(&["down", "--name", &self.0]).ok();
    }
}
