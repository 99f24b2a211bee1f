//! Hosts for tests: a namespace each, and a directory of their own for segments' names.

pub mod cable;
pub mod pair;
pub mod programs;
pub mod underlay;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use nix::mount::{MntFlags, umount2};
use weft_kernel::{Attachment, Kernel, Linux, Netns};
use weft_model::{EndpointId, MacAddr, Mtu, Vni, Vtep};
use weft_plan::{
    Desired, Door, Egress, Engine, GateSeen, Guard, IfName, Observed, Plan, Port, Segment, diff,
};

/// One host. Its namespaces go with it, also when a test fails.
#[derive(Debug)]
pub struct Host {
    pub netns: Netns,
    pub linux: Linux,
    pub directory: tempfile::TempDir,
}

impl Host {
    /// One whose guard is attached as is best.
    pub fn new() -> Self {
        Self::made(|linux| linux)
    }

    /// One whose guard is attached in this way.
    pub fn attaching_by(attachment: Attachment) -> Self {
        Self::made(|linux| linux.attaching_by(attachment))
    }

    /// One whose kernel cannot have programs: none makes tables without room.
    pub fn without_programs() -> Self {
        Self::made(|linux| linux.with_room(0))
    }

    fn made(finish: impl FnOnce(Linux) -> Linux) -> Self {
        assert!(nix::unistd::geteuid().is_root(), "kernel tests make namespaces: run them as root");
        let netns = Netns::unnamed().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let linux = finish(Linux::at(netns.clone(), directory.path()).unwrap());
        let host = Self { netns, linux, directory };
        host.run("ip link set lo up");
        host
    }

    /// Runs a command in the host's namespace.
    #[track_caller]
    pub fn run(&self, command: &str) -> String {
        run(&self.netns, command)
    }

    /// Runs a command in a segment's namespace.
    #[track_caller]
    pub fn run_in(&self, number: u32, command: &str) -> String {
        run(&self.segment(number), command)
    }

    pub fn segment(&self, number: u32) -> Netns {
        Netns::open(&self.directory.path().join(format!("weft-{number}"))).unwrap()
    }

    pub async fn observe(&self) -> Observed {
        self.linux.observe().await.unwrap()
    }

    /// Where the guard's programs, tables and links are pinned.
    pub fn pins(&self) -> std::path::PathBuf {
        format!("/sys/fs/bpf/weft/net-{}", self.netns.inode()).into()
    }

    /// Another agent on the same host.
    pub fn next(&self) -> Linux {
        let next = Linux::at(self.netns.clone(), self.directory.path()).unwrap();
        next.attaching_by(self.linux.attachment())
    }

    /// Makes what dockerd makes of the packet filter before its first container.
    pub fn start_dockers_filter(&self) {
        self.run(
            "iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; \
             iptables -I FORWARD -j DOCKER-USER",
        );
    }

    /// Makes it so, and checks that it is so.
    #[track_caller]
    pub fn reach<'a>(&'a self, desired: &'a Desired) -> impl Future<Output = Plan> + 'a {
        reach(&self.linux, desired)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let entries = std::fs::read_dir(self.directory.path()).into_iter().flatten().flatten();
        for entry in entries {
            while umount2(&entry.path(), MntFlags::MNT_DETACH).is_ok() {}
        }
        while umount2(self.directory.path(), MntFlags::MNT_DETACH).is_ok() {}
        // A guard that was never there leaves nothing.
        drop(std::fs::remove_dir_all(self.pins()));
    }
}

/// Observe, plan, apply, observe again: then all is as desired and there is nothing to do.
pub async fn reach(kernel: &impl Kernel, desired: &Desired) -> Plan {
    let before = kernel.observe().await.unwrap();
    let plan = diff(desired, &before);
    let applied = kernel.apply(&plan).await;
    assert!(applied.failures.is_empty(), "{:#?}\nof\n{plan}", applied.failures);
    let observed = kernel.observe().await.unwrap();
    let passage = before.passage.right_for(desired);
    let expected = match &observed.gate {
        // A kernel that cannot have programs says so when it is asked to.
        GateSeen::Impossible(_) => bare(desired, observed.gate.clone()),
        GateSeen::Missing | GateSeen::Holds { .. } => {
            Observed { gate: before.gate.right_for(desired), ..Observed::from(desired) }
        }
    };
    assert_eq!(observed, Observed { passage, ..expected }, "after\n{plan}");
    assert_eq!(diff(desired, &observed), Plan::default());
    plan
}

/// What is seen where nobody looks whose addresses a port lets out.
fn bare(desired: &Desired, gate: GateSeen) -> Observed {
    let mut bare = Observed { gate, ..Observed::from(desired) };
    let networks = bare.segments.values_mut().map(|segment| &mut segment.ports);
    let ports = networks.chain(bare.egress.iter_mut().map(|egress| &mut egress.ports));
    ports.flat_map(|ports| ports.values_mut()).for_each(|port| port.addresses = None);
    bare
}

#[track_caller]
pub fn run(netns: &Netns, command: &str) -> String {
    let output = netns.run(|| Command::new("sh").args(["-c", command]).output()).unwrap().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{command}` fails: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn vni(number: u32) -> Vni {
    number.try_into().unwrap()
}

pub fn mac(last: u8) -> MacAddr {
    MacAddr([0x02, 0, 0, 0, 0, last])
}

pub fn v4(text: &str) -> IpAddr {
    IpAddr::V4(text.parse::<Ipv4Addr>().unwrap())
}

/// One network with one endpoint here and one at 192.0.2.2.
pub fn segment(number: u32) -> Segment {
    let endpoint = EndpointId::from_random(u128::from(number) << 96 | 7 << 84);
    let port = Port {
        peer: IfName::peer(endpoint),
        mac: mac(1),
        addresses: [v4("10.9.0.1"), "fd00::1".parse().unwrap()].into(),
        forwards: false,
    };
    Segment {
        vni: vni(number),
        mtu: Mtu::ETHERNET.inner(v4("192.0.2.1")),
        local: Vtep(v4("192.0.2.1")),
        udp_port: 4789,
        ports: [(IfName::port(endpoint), port)].into(),
        neighbors: [(v4("10.9.0.2"), mac(2)), ("fd00::2".parse().unwrap(), mac(2))].into(),
        fdb: [(mac(2), Vtep(v4("192.0.2.2")))].into(),
    }
}

/// A host with some networks.
pub fn desired(numbers: &[u32]) -> Desired {
    Desired {
        segments: numbers.iter().map(|&number| (vni(number), segment(number))).collect(),
        guard: Guard {
            udp_port: 4789,
            peers: [v4("192.0.2.2"), "2001:db8::2".parse().unwrap()].into(),
        },
        local: Some(v4("192.0.2.1")),
        doors: [Door::Udp(4788), Door::Tcp(9478)].into(),
        egress: None,
        engine: Engine::Bridge,
    }
}

/// The same with an egress bridge and one workload at it.
pub fn with_egress(mut wanted: Desired) -> Desired {
    let port = Port {
        peer: "wxtest".parse().unwrap(),
        mac: mac(9),
        addresses: [v4("172.30.0.9")].into(),
        forwards: false,
    };
    wanted.egress = Some(Egress {
        bridge: IfName::egress(),
        address: "172.30.0.1/16".parse().unwrap(),
        ports: [("wetest".parse().unwrap(), port)].into(),
    });
    wanted
}

/// What is at the bottom of an error.
pub fn root(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |&error| error.source()).last().unwrap().to_string()
}
