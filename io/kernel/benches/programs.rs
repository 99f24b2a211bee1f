//! What the programs of networks without bridges take of a packet, as the kernel counts it
//! (`BPF_ENABLE_STATS`, which takes part of it itself), on packets that are really sent: two hosts
//! on one cable, and two workloads on one of them.
//!
//! `cargo bench -p weft-kernel --bench programs -- OTHER.o…` sets other builds of `bpf/guard.c`
//! beside this one, as long as their tables are alike: all take turns in the same places.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a program for the one who measures"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aya::EbpfLoader;
use aya::programs::SchedClassifier;
use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::tc::SchedClassifierLink;
use aya::sys::{Stats, enable_stats};
use support::pair::{Side, mac, overlay, pair_of, socket, wire};
use support::vni;
use weft_kernel::Netns;
use weft_model::EndpointId;
use weft_plan::{Engine, IfName, Port};

/// Of `bpf/guard.c`, as this build has it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/guard.o"));
/// How often each takes its turn.
const TURNS: usize = 15;
/// How long a turn lasts, for each kind of traffic.
const SPAN: Duration = Duration::from_millis(300);
/// The payload of a datagram, in bytes.
const SIZE: usize = 64;
const DUTIES: [&str; 2] = ["weave", "arrival"];

/// One build's programs for one host, in the order of [`DUTIES`].
struct Programs([SchedClassifier; 2]);

/// One build.
struct Build {
    name: String,
    hosts: [Programs; 2],
    /// Nanoseconds a packet, turn by turn, of every figure.
    taken: Vec<Vec<f64>>,
}

/// Where a program of a duty stands: the pin of its link.
type Place = (usize, PathBuf);

fn load(object: &[u8], pins: &Path) -> Programs {
    let sets = std::fs::read_dir(pins).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("maps-");
    let set = sets.into_iter().find(named).unwrap();
    let mut object = EbpfLoader::new().default_map_pin_directory(set).load(object).unwrap();
    Programs(DUTIES.map(|duty| {
        let program: &mut SchedClassifier = object.program_mut(duty).unwrap().try_into().unwrap();
        program.load().unwrap();
        let pin = pins.join("programs").join(format!("bench-{duty}"));
        program.pin(&pin).unwrap();
        let program = SchedClassifier::from_pin(&pin).unwrap();
        std::fs::remove_file(pin).unwrap();
        program
    }))
}

fn link(pin: &Path) -> FdLink {
    PinnedLink::from_pin(pin).unwrap().into()
}

/// Where the host's own programs stand.
fn places(pins: &Path) -> Vec<Place> {
    let standing = DUTIES.map(|duty| {
        let program = SchedClassifier::from_pin(pins.join("programs").join(duty)).unwrap();
        program.info().unwrap().id()
    });
    let links = std::fs::read_dir(pins.join("links")).unwrap().map(|entry| entry.unwrap().path());
    let duty = |pin: &Path| {
        let program = link(pin).info().unwrap().program_id();
        standing.iter().position(|id| *id == program)
    };
    links.filter_map(|pin| Some((duty(&pin)?, pin))).collect()
}

fn install(programs: &mut Programs, places: &[Place]) {
    for (duty, pin) in places {
        let program = &mut programs.0[*duty];
        let link = SchedClassifierLink::try_from(link(pin)).unwrap();
        let link = program.attach_to_link(link).unwrap();
        // The pin keeps it.
        drop(program.take_link(link).unwrap());
    }
}

/// What a program has taken by now, and for how many packets.
fn spent(program: &SchedClassifier) -> (f64, f64) {
    let info = program.info().unwrap();
    (info.run_time().as_secs_f64() * 1e9, f64::from(u32::try_from(info.run_count()).unwrap()))
}

/// What these programs take of a packet while something is sent.
fn measure<const N: usize>(programs: [&SchedClassifier; N], send: impl FnOnce()) -> [f64; N] {
    let before = programs.map(spent);
    send();
    std::array::from_fn(|at| {
        let ((time, count), (time_before, count_before)) = (spent(programs[at]), before[at]);
        (time - time_before) / (count - count_before)
    })
}

/// Datagrams without a pause.
fn datagrams(from: &Netns, to: &Netns, at: &str) {
    let (sender, receiver) = (socket(from, "0.0.0.0:0"), socket(to, at));
    sender.connect(at).unwrap();
    receiver.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                drop(receiver.recv(&mut [0; SIZE]));
            }
        });
        let began = Instant::now();
        while began.elapsed() < SPAN {
            drop(sender.send(&[0; SIZE]));
        }
        ended.store(true, Ordering::Relaxed);
    });
}

/// One stream, as fast as it goes.
fn stream(from: &Netns, to: &Netns, at: &str) {
    let listener = to.run(|| TcpListener::bind(at).unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, mut buffer) = (listener.accept().unwrap().0, vec![0; 1 << 17]);
            while stream.read(&mut buffer).unwrap() > 0 {}
        });
        let mut stream = from.run(|| TcpStream::connect(address).unwrap()).unwrap();
        let (began, buffer) = (Instant::now(), vec![0; 1 << 17]);
        while began.elapsed() < SPAN {
            stream.write_all(&buffer).unwrap();
        }
    });
}

/// What is measured, in the order of [`turn`]'s answers.
const FIGURES: [&str; 6] = [
    "UDP, out to another host (weave)",
    "UDP, in from another host (arrival)",
    "UDP, to a workload of the same host (weave)",
    "TCP, super-packets out (weave)",
    "TCP, super-packets in (arrival)",
    "TCP, super-packets to a workload of the same host (weave)",
];

fn turn(hosts: &[Programs; 2], sides: [&Side; 2], near: &Netns) -> Vec<f64> {
    let [[weave, _], [_, arrival]] = [&hosts[0].0, &hosts[1].0];
    let [from, to] = sides.map(|side| &side.workload);
    let [out, r#in] = measure([weave, arrival], || datagrams(from, to, "10.9.0.2:7000"));
    let [here] = measure([weave], || datagrams(from, near, "10.9.0.3:7000"));
    let [more_out, more_in] = measure([weave, arrival], || stream(from, to, "10.9.0.2:0"));
    let [more_here] = measure([weave], || stream(from, near, "10.9.0.3:0"));
    vec![out, r#in, here, more_out, more_in, more_here]
}

/// A second workload on a host.
async fn neighbor(side: &mut Side) -> Netns {
    let endpoint = EndpointId::from_random(3 << 120);
    let port = Port {
        peer: IfName::peer(endpoint),
        mac: mac(3),
        addresses: overlay(3).into(),
        forwards: false,
    };
    let segment = side.desired.segments.get_mut(&vni(support::pair::VNI)).unwrap();
    segment.ports.insert(IfName::port(endpoint), port.clone());
    side.host.reach(&side.desired).await;
    wire(&side.host, &port.peer, &side.desired, 3).await
}

fn builds(sides: [&Side; 2]) -> Vec<Build> {
    let build = |name: String, object: &[u8]| {
        let hosts = sides.map(|side| load(object, &side.host.pins()));
        Build { name, hosts, taken: Vec::new() }
    };
    let others = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let others = others.map(|path| {
        let object = std::fs::read(&path).unwrap_or_else(|error| panic!("read {path}: {error}"));
        build(path, &object)
    });
    std::iter::once(build("this build".to_owned(), OBJECT)).chain(others).collect()
}

#[tokio::main]
async fn main() {
    let (mut a, b) = pair_of(Engine::Bpf, Engine::Bpf).await;
    let near = neighbor(&mut a).await;
    let sides = [&a, &b];
    let places = sides.map(|side| places(&side.host.pins()));
    let mut builds = builds(sides);
    let _counted = enable_stats(Stats::RunTime).unwrap();
    for number in 0..TURNS {
        if number % 2 == 1 {
            builds.reverse();
        }
        for Build { hosts, taken, .. } in &mut builds {
            for (programs, places) in hosts.iter_mut().zip(&places) {
                install(programs, places);
            }
            taken.push(turn(hosts, sides, &near));
        }
        if number % 2 == 1 {
            builds.reverse();
        }
    }
    print(&builds);
}

/// Medians and the lowest, in nanoseconds a packet.
fn print(builds: &[Build]) {
    for (at, figure) in FIGURES.iter().enumerate() {
        println!("{figure}");
        for build in builds {
            let mut taken: Vec<f64> = build.taken.iter().map(|turn| turn[at]).collect();
            taken.sort_by(f64::total_cmp);
            let (median, least) = (taken[taken.len() / 2], taken[0]);
            println!("  {median:5.0} ns, at least {least:5.0}  {}", build.name);
        }
    }
}
