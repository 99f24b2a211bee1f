//! A container's questions reach Weft's resolver while it lives, and Docker's when it does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    missing_docs,
    reason = "integration tests"
)]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use weft_kernel::{Netns, dns};

const RESOLVER: &str = "127.0.0.11:53";
/// A busy machine asks at least once within it.
const SHORT: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(600);
const PATIENCE: Duration = Duration::from_secs(10);

/// A container: its namespace has Docker's resolver and Docker's rules.
fn container() -> Netns {
    assert!(nix::unistd::geteuid().is_root(), "kernel tests make namespaces: run them as root");
    let netns = Netns::unnamed().unwrap();
    shell(&netns, "ip link set lo up");
    let docker = netns.run(|| UdpSocket::bind("127.0.0.11:0").unwrap()).unwrap();
    let docker_tcp = netns.run(|| TcpListener::bind("127.0.0.11:0").unwrap()).unwrap();
    let port = docker.local_addr().unwrap().port();
    let tcp_port = docker_tcp.local_addr().unwrap().port();
    let rules = format!(
        "nft 'table ip docker {{ chain out {{ type nat hook output priority -100;
         ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:{port};
         ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:{tcp_port};
         }}
         }}'"
    );
    shell(&netns, &rules);
    answer_udp(docker, b"docker");
    answer_tcp(docker_tcp, b"docker");
    netns
}

fn shell(netns: &Netns, command: &str) {
    let status = netns.run(|| Command::new("sh").args(["-c", command]).status().unwrap()).unwrap();
    assert!(status.success(), "`{command}` fails");
}

fn answer_udp(socket: UdpSocket, text: &'static [u8]) {
    socket.set_nonblocking(false).unwrap();
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((_, from)) = socket.recv_from(&mut question) {
            drop(socket.send_to(text, from));
        }
    });
}

fn answer_tcp(listener: TcpListener, text: &'static [u8]) {
    listener.set_nonblocking(false).unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            drop(stream.write_all(text));
        }
    });
}

fn client(netns: &Netns) -> UdpSocket {
    netns
        .run(|| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(RESOLVER).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        })
        .unwrap()
}

fn ask(client: &UdpSocket) -> String {
    client.send(b"who?").unwrap();
    let mut answer = [0; 512];
    let length = client.recv(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn ask_tcp(netns: &Netns) -> String {
    let mut answer = String::new();
    let mut stream = netns.run(|| TcpStream::connect(RESOLVER).unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Weft's resolver; its ports.
async fn weft(netns: &Netns, ttl: Duration) {
    let at: SocketAddr = "127.0.0.11:0".parse().unwrap();
    let (udp, tcp) = dns::open_sockets(netns, at).unwrap();
    let ports = (udp.local_addr().unwrap().port(), tcp.local_addr().unwrap().port());
    answer_udp(udp, b"weft");
    answer_tcp(tcp, b"weft");
    dns::install(netns, ports.0, ports.1, ttl).await.unwrap();
}

#[tokio::test]
async fn questions_reach_wefts_resolver_by_udp_and_tcp() {
    let netns = container();
    let client = client(&netns);
    weft(&netns, LONG).await;
    assert_eq!(ask(&client), "weft");
    assert_eq!(ask(&client), "weft");
    assert_eq!(ask_tcp(&netns), "weft");
}

#[tokio::test]
async fn marked_questions_reach_dockers_resolver() {
    let netns = container();
    weft(&netns, LONG).await;
    let marked = client(&netns);
    setsockopt(&marked, sockopt::Mark, &dns::MARK).unwrap();
    assert_eq!(ask(&marked), "docker");
    assert_eq!(ask(&client(&netns)), "weft");
}

#[tokio::test]
async fn a_client_that_asked_weft_is_answered_by_docker_when_nobody_renews() {
    let netns = container();
    weft(&netns, SHORT).await;
    let client = client(&netns);
    let deadline = Instant::now() + PATIENCE;
    assert_eq!(ask(&client), "weft");
    while ask(&client) == "weft" {
        assert!(Instant::now() < deadline, "the redirection outlives its time");
        thread::yield_now();
    }
    assert_eq!(ask(&client), "docker");
    assert_eq!(ask_tcp(&netns), "docker");
    dns::renew(&netns, LONG).await.unwrap();
    // Docker's rules have made an entry for this socket meanwhile; a new one is Weft's at once.
    assert_eq!(ask(&self::client(&netns)), "weft");
    assert_eq!(ask_tcp(&netns), "weft");
}

#[tokio::test]
async fn a_renewed_redirection_outlives_its_first_time() {
    let netns = container();
    weft(&netns, SHORT).await;
    dns::renew(&netns, LONG).await.unwrap();
    let client = client(&netns);
    let deadline = Instant::now() + SHORT + SHORT / 2;
    while Instant::now() < deadline {
        assert_eq!(ask(&client), "weft");
    }
}

#[tokio::test]
async fn a_removed_redirection_ends_at_once() {
    let netns = container();
    weft(&netns, LONG).await;
    let client = client(&netns);
    assert_eq!(ask(&client), "weft");
    dns::remove(&netns).await.unwrap();
    assert_eq!(ask(&client), "docker");
    dns::remove(&netns).await.unwrap();
}

#[tokio::test]
async fn an_agent_that_comes_back_lets_no_question_pass_by() {
    let netns = container();
    weft(&netns, LONG).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (asking, until) = (netns.clone(), Arc::clone(&stop));
    let asker = thread::spawn(move || {
        let mut answers = BTreeMap::new();
        while !until.load(Ordering::Relaxed) {
            let client = client(&asking);
            // Who is answered by the former resolver when its rules are gone asks again.
            client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            client.send(b"who?").unwrap();
            let mut answer = [0; 16];
            if let Ok(length) = client.recv(&mut answer) {
                *answers.entry(answer[..length].to_vec()).or_insert(0) += 1;
            }
        }
        answers
    });
    for _again in 0..10 {
        weft(&netns, LONG).await;
    }
    stop.store(true, Ordering::Relaxed);
    let answers: Vec<_> = asker.join().unwrap().into_keys().collect();
    assert_eq!(answers, [b"weft".to_vec()]);
}

#[tokio::test]
async fn nobody_is_refused_while_the_resolver_is_dead() {
    let netns = container();
    let (udp, tcp) = dns::open_sockets(&netns, "127.0.0.11:0".parse().unwrap()).unwrap();
    let ports = (udp.local_addr().unwrap().port(), tcp.local_addr().unwrap().port());
    dns::install(&netns, ports.0, ports.1, LONG).await.unwrap();
    drop((udp, tcp));
    let client = client(&netns);
    client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    client.send(b"who?").unwrap();
    let silence = client.recv(&mut [0; 64]).unwrap_err();
    assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silence}");
    let at: SocketAddr = RESOLVER.parse().unwrap();
    let wait = Duration::from_millis(200);
    let silence = netns.run(|| TcpStream::connect_timeout(&at, wait)).unwrap().unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::TimedOut, "{silence}");
    dns::remove(&netns).await.unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(ask(&client), "docker");
}

#[tokio::test]
async fn other_ports_are_refused_as_ever() {
    let netns = container();
    weft(&netns, LONG).await;
    let client = netns.run(|| UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.connect("127.0.0.11:1").unwrap();
    client.send(b"who?").unwrap();
    let refused = client.recv(&mut [0; 64]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn the_sockets_answer_from_their_own_address_though_lo_was_down_before() {
    let netns = Netns::unnamed().unwrap();
    weft(&netns, LONG).await;
    assert_eq!(ask(&client(&netns)), "weft");
}

#[tokio::test]
async fn a_redirection_that_is_not_there_cannot_be_renewed() {
    let netns = container();
    let error = dns::renew(&netns, LONG).await.unwrap_err();
    assert!(error.hint().contains("installed again"), "{error:?}");
}
