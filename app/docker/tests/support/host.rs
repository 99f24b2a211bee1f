//! A host of its own for one test: namespaces, a private `/run`, a real dockerd.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const DOCKERD: &str = "/usr/sbin/dockerd";
const DOCKER: &str = "/usr/bin/docker";
const SOCKET: &str = "/run/docker.sock";
/// Says that the process is inside, and where its files are.
const INSIDE: &str = "WEFT_TEST_HOST";

/// Runs `test` on a host of its own: this same program again, as the first process of new
/// namespaces. Nothing outlives it: the kernel ends all with its first process.
#[track_caller]
pub(crate) fn on_a_host(test: &str, body: impl FnOnce(Host), within: Duration) {
    if let Some(directory) = std::env::var_os(INSIDE) {
        return body(Host::boot(PathBuf::from(directory)));
    }
    let directory = tempfile::tempdir().unwrap();
    let _cgroups = Cgroups(cgroup(directory.path()));
    let mut inside = Guard(
        Command::new("unshare")
            .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child"])
            .arg("--mount-proc")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(INSIDE, directory.path())
            .spawn()
            .expect("unshare is part of util-linux"),
    );
    let deadline = Instant::now() + within;
    let status = until(deadline, || inside.0.try_wait().unwrap());
    let log = std::fs::read_to_string(directory.path().join("dockerd.log")).unwrap_or_default();
    let tail: Vec<_> = log.lines().rev().take(30).collect();
    let tail: Vec<_> = tail.into_iter().rev().collect();
    let passed = status.is_some_and(|status| status.success());
    assert!(passed, "{test} inside: {status:?}; dockerd said last:\n{}", tail.join("\n"));
}

struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Named after the host's directory, whose name is unique.
fn cgroup(directory: &Path) -> String {
    format!("weft-test-{}", directory.file_name().unwrap().display()).replace('.', "")
}

/// The kernel ends processes with their namespace, but not their control groups.
struct Cgroups(String);

impl Drop for Cgroups {
    fn drop(&mut self) {
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            remove_group(&hierarchy.path().join(&self.0));
        }
        remove_group(&Path::new("/sys/fs/cgroup").join(&self.0));
    }
}

fn remove_group(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_group(&entry.path());
        }
    }
    drop(std::fs::remove_dir(path));
}

/// The host, seen from inside.
pub(crate) struct Host {
    directory: PathBuf,
    dockerd: Option<Guard>,
}

impl Host {
    fn boot(directory: PathBuf) -> Self {
        let run = Path::new("/run");
        mount(Some("run"), run, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        run_ok(Command::new("ip").args(["link", "set", "lo", "up"]));
        Self { directory, dockerd: None }
    }

    pub(crate) fn socket(&self) -> &'static str {
        SOCKET
    }

    /// Starts dockerd and returns when it answers.
    pub(crate) fn start_dockerd(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("dockerd.log"))
            .unwrap();
        let child = Command::new(DOCKERD)
            .arg("--data-root")
            .arg(self.directory.join("data"))
            .args(["--exec-root", "/run/docker", "--pidfile", "/run/docker.pid"])
            .args(["--host", "unix:///run/docker.sock", "--storage-driver", "vfs"])
            .args(["--cgroup-parent", &cgroup(&self.directory)])
            .args(["--bridge", "none", "--iptables=false", "--ip-forward=false"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.dockerd = Some(Guard(child));
        let deadline = Instant::now() + Duration::from_secs(30);
        let answers = || self.docker(&["version"]).status.success().then_some(());
        until(deadline, answers).expect("dockerd answers");
    }

    /// Ends dockerd as systemd does.
    pub(crate) fn stop_dockerd(&mut self) {
        let mut dockerd = self.dockerd.take().unwrap();
        let pid = Pid::from_raw(dockerd.0.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        until(deadline, || dockerd.0.try_wait().unwrap()).expect("dockerd ends");
    }

    pub(crate) fn docker(&self, arguments: &[&str]) -> Output {
        Command::new(DOCKER)
            .args(arguments)
            .env("DOCKER_HOST", "unix:///run/docker.sock")
            .env("DOCKER_CONFIG", &self.directory)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a command prints that must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.docker(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A command must fail with exactly this text from Weft.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str], text: &str) {
        let output = self.docker(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "docker {arguments:?} succeeded");
        assert!(stderr.contains(text), "docker {arguments:?} says: {stderr}\nand not: {text}");
    }

    /// An image of nothing but busybox.
    pub(crate) fn make_image(&self, name: &str) {
        let tar = self.directory.join("image.tar");
        run_ok(Command::new("tar").arg("-cf").arg(&tar).args(["-C", "/usr", "bin/busybox"]));
        self.ok(&["import", tar.to_str().unwrap(), name]);
    }
}

/// Looks until there is something, or the time is over.
pub(crate) fn until<T>(deadline: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        match look() {
            Some(found) => return Some(found),
            None if Instant::now() >= deadline => return None,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Waits for a condition, ten seconds at most.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    assert!(until(deadline, || holds().then_some(())).is_some(), "not within 10 s: {what}");
}

#[track_caller]
pub(crate) fn run_ok(command: &mut Command) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}
