//! First hop: when the agent is gone, Docker's own resolver answers, and nobody is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Container, Kind, eventually, holds};
use weft_kernel::Netns;

const RESOLVER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11)), 53);
/// A name of the cluster, and one of the world outside.
const OURS: &str = "c2";
const OUTSIDE: &str = "outside.test";
/// A client asks again after this time.
const PATIENCE: Duration = Duration::from_millis(200);
/// After a kill the redirect lives for six seconds more.
const FALLBACK: Duration = Duration::from_secs(8);
/// After an orderly end there is nothing to wait for.
const AT_ONCE: Duration = Duration::from_millis(500);
const BACK: Duration = Duration::from_secs(10);
/// The agent ends so often in this test, each time with at most one question of each TCP client.
const ENDS: usize = 3;
const TCP_CLIENTS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn questions_fall_back_to_dockers_resolver_and_none_is_refused() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    cluster.container("h2", "app", OURS).await.unwrap();
    let clients = Clients::start(&c1).await;
    clients.hear(OURS, Answer::Found, BACK).await;
    clients.hear(OUTSIDE, Answer::Found, BACK).await;

    let killed = Instant::now();
    c1.host.kill_agent().await.unwrap();
    c1.host.start_agent().await.unwrap();
    println!("at once: ours answers after {:?}", clients.hear(OURS, Answer::Found, BACK).await);
    // Before that the name may have been on its way here.
    let lost = clients.all(OURS, Answer::NoSuchName).into_iter().filter(|asked| asked.at > killed);
    let lost: Vec<_> = lost.map(|asked| (asked.way, asked.at - killed)).collect();
    assert!(lost.is_empty(), "a short restart lost a name: {lost:?}");

    c1.host.kill_agent().await.unwrap();
    let fallen = clients.hear(OUTSIDE, Answer::Found, FALLBACK).await;
    println!("killed: Docker's resolver answers after {fallen:?}");
    clients.hear(OURS, Answer::NoSuchName, FALLBACK).await;
    c1.host.start_agent().await.unwrap();
    println!("started: ours answers after {:?}", clients.hear(OURS, Answer::Found, BACK).await);
    clients.hear(OUTSIDE, Answer::Found, BACK).await;

    c1.host.stop_agent().await.unwrap();
    let fallen = clients.hear(OUTSIDE, Answer::Found, AT_ONCE).await;
    println!("stopped: Docker's resolver answers after {fallen:?}");
    clients.hear(OURS, Answer::NoSuchName, AT_ONCE).await;
    c1.host.start_agent().await.unwrap();
    println!("started: ours answers after {:?}", clients.hear(OURS, Answer::Found, BACK).await);

    let cut = clients.all(OURS, Answer::Cut).len() + clients.all(OUTSIDE, Answer::Cut).len();
    assert!(cut <= ENDS * TCP_CLIENTS, "{cut} questions were cut off");
    let refused = clients.finish();
    assert!(refused.is_empty(), "{refused:#?}");
    cluster.down().await.unwrap();
}

/// What came of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Found,
    NoSuchName,
    Nothing,
    /// The agent ended with the question in its hands.
    Cut,
    Failed(ErrorKind),
}

/// How a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Udp,
    /// From one socket for ever.
    OldSocket,
    Tcp,
}

/// One question.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    way: Way,
    name: &'static str,
    answer: Answer,
}

/// Clients inside a container that ask both names again and again, in every way.
struct Clients {
    stop: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Asked>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    async fn start(container: &Container<'_>) -> Self {
        let netns = container.netns().await.unwrap();
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let start = |(way, name)| {
            let (netns, stop, asked) = (netns.clone(), Arc::clone(&stop), Arc::clone(&asked));
            thread::spawn(move || ask_again_and_again(way, name, &netns, &stop, &asked))
        };
        let ways = [Way::Udp, Way::OldSocket, Way::Tcp].into_iter();
        let all = ways.flat_map(|way| [(way, OURS), (way, OUTSIDE)]);
        let threads = all.map(start).collect();
        Self { stop, asked, threads }
    }

    /// Waits until questions that are asked from now on are answered so, whichever way they are
    /// asked; answers how long that took.
    async fn hear(&self, name: &str, answer: Answer, within: Duration) -> Duration {
        let began = Instant::now();
        let all = || async {
            for way in [Way::Udp, Way::OldSocket, Way::Tcp] {
                let asked = self.asked.lock().unwrap();
                let mut since = asked.iter().filter(|a| a.at >= began && a.way == way);
                let heard = since.any(|a| a.name == name && a.answer == answer);
                holds(heard, || format!("no {answer:?} for {name} by {way:?}"))?;
            }
            Ok(())
        };
        eventually(within, all).await.unwrap();
        began.elapsed()
    }

    /// The questions about a name that were answered so.
    fn all(&self, name: &str, answer: Answer) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|a| a.name == name && a.answer == answer).copied().collect()
    }

    /// The questions that were refused, or answered wrongly.
    fn finish(self) -> Vec<Asked> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let asked = self.asked.lock().unwrap();
        println!("{} questions", asked.len());
        let is_bad = |a: &&Asked| {
            let lost = a.name == OUTSIDE && a.answer == Answer::NoSuchName;
            lost || matches!(a.answer, Answer::Failed(_))
        };
        asked.iter().filter(is_bad).copied().collect()
    }
}

fn ask_again_and_again(
    way: Way,
    name: &'static str,
    netns: &Netns,
    stop: &AtomicBool,
    asked: &Mutex<Vec<Asked>>,
) {
    let old = udp(netns).unwrap();
    while !stop.load(Ordering::Relaxed) {
        let at = Instant::now();
        let answer = match way {
            Way::Udp => udp(netns).and_then(|socket| ask_by_udp(&socket, name)),
            Way::OldSocket => ask_by_udp(&old, name),
            Way::Tcp => ask_by_tcp(netns, name),
        };
        let answer = answer.unwrap_or_else(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Answer::Nothing,
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => Answer::Cut,
            kind => Answer::Failed(kind),
        });
        asked.lock().unwrap().push(Asked { at, way, name, answer });
        thread::sleep(Duration::from_millis(10));
    }
}

fn udp(netns: &Netns) -> io::Result<UdpSocket> {
    let socket = netns.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))??;
    socket.connect(RESOLVER)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn ask_by_udp(socket: &UdpSocket, name: &str) -> io::Result<Answer> {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    socket.send(&question(id, name))?;
    let mut reply = [0; 512];
    loop {
        // The answer to an earlier question may come late.
        let length = socket.recv(&mut reply)?;
        if reply[..2] == id.to_be_bytes() {
            return read(&reply[..length]);
        }
    }
}

fn ask_by_tcp(netns: &Netns, name: &str) -> io::Result<Answer> {
    let mut stream = netns.run(|| TcpStream::connect_timeout(&RESOLVER, PATIENCE))??;
    stream.set_read_timeout(Some(PATIENCE))?;
    let question = question(7, name);
    let length = u16::try_from(question.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], &question].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    read(&reply)
}

/// RFC 1035: recursion desired, one question, type A, class IN.
fn question(id: u16, name: &str) -> Vec<u8> {
    let mut packet = id.to_be_bytes().to_vec();
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend(label.bytes());
    }
    packet.extend([0, 0, 1, 0, 1]);
    packet
}

fn read(reply: &[u8]) -> io::Result<Answer> {
    let answers = u16::from_be_bytes([reply[6], reply[7]]);
    match (reply[3] & 0xf, answers) {
        (0, 1..) => Ok(Answer::Found),
        (3, 0) => Ok(Answer::NoSuchName),
        (code, _) => Err(io::Error::other(format!("code {code}, {answers} answers"))),
    }
}
