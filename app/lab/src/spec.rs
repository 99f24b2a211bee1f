//! What a lab consists of: its size, its addresses, its directories.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::LabError;

/// The most hosts a lab has: the last addresses of 192.0.2.0/24 belong to the fabric.
pub const MOST_HOSTS: u8 = 200;
/// The address of the "outside" on the fabric: every host's default gateway.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);
/// The address that stands for the internet.
pub const INTERNET: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The name servers out there; the hosts ask the first.
pub const NAME_SERVERS: [Ipv4Addr; 2] =
    [Ipv4Addr::new(198, 51, 100, 53), Ipv4Addr::new(198, 51, 100, 54)];
/// The name of the namespace that stands for everything that is not a host.
pub const OUTSIDE: &str = "outside";

/// What a lab should be made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that have nothing to do with each other"
)]
pub struct Spec {
    /// The lab's name; a unique one is chosen when absent.
    pub name: Option<String>,
    /// How many hosts, named `h1`…`hN`.
    pub hosts: u8,
    /// Whether each host gets a Docker Engine of its own.
    pub docker: bool,
    /// Whether each host runs `weft agent`.
    pub agent: bool,
    /// Whether the Engines keep containers running while dockerd is down.
    pub live_restore: bool,
    /// Whether the host holds the agent's socket for Docker, as systemd does with `weft.socket`:
    /// Docker's calls then wait while the agent is down.
    pub socket_activation: bool,
    /// Whether the agents' wall clocks can be moved, with libfaketime.
    pub movable_clocks: bool,
    /// What agents are told of the data plane, host after host in turn; that of
    /// `WEFT_LAB_DATAPATH` by default, and their own choice when empty.
    pub datapath: Vec<String>,
    /// How the agents attach programs; as `WEFT_LAB_ATTACH` says by default, and their own choice
    /// when absent.
    pub attach: Option<String>,
    /// A folder with another Debian, whose Engine and files the hosts use instead of the machine's;
    /// that of `WEFT_LAB_ENGINE_ROOT` by default.
    pub engine_root: Option<PathBuf>,
    /// The `weft` executable; found beside the current executable when absent.
    pub exe: Option<PathBuf>,
    /// Where the hosts' logs are copied when the lab goes down.
    pub keep_logs: Option<PathBuf>,
}

impl Default for Spec {
    fn default() -> Self {
        let folder = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
        Self {
            name: None,
            hosts: 3,
            docker: false,
            agent: true,
            live_restore: false,
            socket_activation: false,
            movable_clocks: false,
            datapath: std::env::var("WEFT_LAB_DATAPATH")
                .map(|told| in_turn(&told))
                .unwrap_or_default(),
            attach: std::env::var("WEFT_LAB_ATTACH").ok(),
            engine_root: folder("WEFT_LAB_ENGINE_ROOT"),
            exe: None,
            keep_logs: folder("WEFT_LAB_LOGS"),
        }
    }
}

/// A [`Spec`] in which nothing is left to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that have nothing to do with each other"
)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) hosts: u8,
    pub(crate) docker: bool,
    pub(crate) agent: bool,
    pub(crate) live_restore: bool,
    pub(crate) socket_activation: bool,
    pub(crate) movable_clocks: bool,
    pub(crate) datapath: Vec<String>,
    pub(crate) attach: Option<String>,
    pub(crate) engine_root: Option<PathBuf>,
    pub(crate) exe: PathBuf,
    pub(crate) keep_logs: Option<PathBuf>,
}

impl Plan {
    /// Settles what `spec` leaves open.
    pub(crate) fn settle(spec: Spec) -> Result<Self, LabError> {
        if spec.hosts == 0 || spec.hosts > MOST_HOSTS {
            let hint = format!("ask for 1 to {MOST_HOSTS} hosts");
            return Err(LabError::new("set up the lab", format!("{} hosts", spec.hosts), hint));
        }
        let name = spec.name.unwrap_or_else(unique_name);
        check_name(&name)?;
        let exe = match spec.exe {
            Some(exe) => exe,
            None => executable()?,
        };
        Ok(Self {
            name,
            hosts: spec.hosts,
            docker: spec.docker,
            agent: spec.agent,
            live_restore: spec.live_restore,
            socket_activation: spec.socket_activation,
            movable_clocks: spec.movable_clocks,
            datapath: spec.datapath,
            attach: spec.attach,
            engine_root: spec.engine_root,
            exe,
            keep_logs: spec.keep_logs,
        })
    }

    fn datapath_of(&self, number: u8) -> Option<String> {
        self.datapath.iter().cycle().nth(usize::from(number.saturating_sub(1))).cloned()
    }

    /// Every host with its address.
    pub(crate) fn addresses(&self) -> BTreeMap<String, Ipv4Addr> {
        (1..=self.hosts).map(|number| (host_name(number), host_address(number))).collect()
    }

    /// The order that `host` is started with.
    pub(crate) fn order(&self, number: u8) -> Order {
        let host = host_name(number);
        Order {
            lab: self.name.clone(),
            address: host_address(number),
            address6: host_address6(number),
            hosts: self.addresses(),
            disk: disk(&self.name).join(&host),
            image: self.docker.then(|| image(&self.name)),
            agent: self.agent,
            live_restore: self.live_restore,
            socket_activation: self.socket_activation,
            movable_clock: self.movable_clocks,
            datapath: self.datapath_of(number),
            attach: self.attach.clone(),
            engine_root: self.engine_root.clone(),
            cgroup: format!("/{}-{host}", cgroup_prefix(&self.name)),
            exe: self.exe.clone(),
            host,
        }
    }
}

/// What the first process of a host is told to make of its namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that have nothing to do with each other"
)]
pub(crate) struct Order {
    pub(crate) lab: String,
    pub(crate) host: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) address6: Ipv6Addr,
    pub(crate) hosts: BTreeMap<String, Ipv4Addr>,
    pub(crate) disk: PathBuf,
    /// The image to import into the host's Engine; no Engine without it.
    pub(crate) image: Option<PathBuf>,
    pub(crate) agent: bool,
    pub(crate) live_restore: bool,
    pub(crate) socket_activation: bool,
    pub(crate) movable_clock: bool,
    /// What its agent is told of the data plane.
    pub(crate) datapath: Option<String>,
    /// How its agent is told to attach programs.
    pub(crate) attach: Option<String>,
    pub(crate) engine_root: Option<PathBuf>,
    pub(crate) cgroup: String,
    pub(crate) exe: PathBuf,
}

/// The directory of every lab's running state.
pub(crate) fn run_root() -> &'static Path {
    Path::new("/run/weft-lab")
}

/// Where lab `name` keeps its sockets and its state.
pub(crate) fn run(name: &str) -> PathBuf {
    run_root().join(name)
}

/// The directory of every lab's disks.
pub(crate) fn disk_root() -> &'static Path {
    Path::new("/var/lib/weft-lab")
}

/// Where lab `name` keeps the disks of its hosts.
pub(crate) fn disk(name: &str) -> PathBuf {
    disk_root().join(name)
}

/// The image that every Engine of lab `name` imports.
pub(crate) fn image(name: &str) -> PathBuf {
    disk(name).join("busybox.tar")
}

/// How the control groups of lab `name` begin.
pub(crate) fn cgroup_prefix(name: &str) -> String {
    format!("weft-lab-{name}")
}

/// The name of the host with this number.
pub(crate) fn host_name(number: u8) -> String {
    format!("h{number}")
}

/// The number of the host with this name.
pub(crate) fn host_number(name: &str) -> Option<u8> {
    name.strip_prefix('h')?.parse().ok().filter(|number| host_name(*number) == name)
}

fn host_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, number)
}

fn host_address6(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(number))
}

/// `bpf,bridge`: the first host has the one, the second the other, the third the first again.
pub(crate) fn in_turn(told: &str) -> Vec<String> {
    told.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn unique_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn check_name(name: &str) -> Result<(), LabError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if first && name.len() <= 24 && name.chars().all(fits) {
        return Ok(());
    }
    let hint = "use 1 to 24 of a-z, 0-9 and '-', beginning with a letter or digit";
    Err(LabError::new("set up the lab", format!("{name:?} is no name for a lab"), hint))
}

/// Finds `weft`: the current executable, or beside it when that is a test.
///
/// # Errors
///
/// If it is not there, or not built yet.
pub fn executable() -> Result<PathBuf, LabError> {
    let what = "find the weft executable";
    let hint = "build it first (`cargo build -p weft`) or name it in WEFT_EXE";
    if let Some(exe) = std::env::var_os("WEFT_EXE") {
        return Ok(PathBuf::from(exe));
    }
    let own = std::env::current_exe().map_err(|error| LabError::new(what, error, hint))?;
    if own.file_name().is_some_and(|name| name == "weft") {
        return Ok(own);
    }
    let beside = own.ancestors().skip(1).take(2).map(|dir| dir.join("weft"));
    beside
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| LabError::new(what, format!("none beside {}", own.display()), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_number_and_one_address() {
        assert_eq!(host_number("h7"), Some(7));
        assert_eq!(host_number("h07"), None);
        assert_eq!(host_number("outside"), None);
        assert_eq!(host_address(7), Ipv4Addr::new(192, 0, 2, 7));
    }

    #[test]
    fn data_planes_are_taken_in_turn() {
        let spec =
            Spec { datapath: in_turn("bpf,bridge"), exe: Some("weft".into()), ..Spec::default() };
        let plan = Plan::settle(spec).unwrap();
        let told = [1, 2, 3].map(|number| plan.order(number).datapath.unwrap());
        assert_eq!(told, ["bpf", "bridge", "bpf"]);
        let none = Spec { datapath: in_turn(""), exe: Some("weft".into()), ..Spec::default() };
        assert_eq!(Plan::settle(none).unwrap().order(1).datapath, None);
    }

    #[test]
    fn a_name_that_could_leave_the_lab_directory_is_refused() {
        for name in ["", "..", "a/b", "-x", "A", "a.b", "abcdefghijklmnopqrstuvwxyz"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name("t1-2").is_ok());
    }
}
