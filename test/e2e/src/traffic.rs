//! Packets that flow while something happens: none may be missing afterwards.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, connect, recv, send,
    setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike as _};
use weft_kernel::Netns;
use weft_wire::internet_checksum;

/// Between two pings, and between two pieces of a stream.
const PACE: Duration = Duration::from_millis(10);
/// How long after the last ping its answer may come.
const LATEST: Duration = Duration::from_secs(2);
/// A stream on which nothing comes for so long is broken.
const STUCK: Duration = Duration::from_secs(30);
/// What a stream sends at a time.
const PIECE: usize = 16 * 1024;
/// The echo request's header before its id.
const ECHO: [u8; 4] = [8, 0, 0, 0];
const ID: [u8; 2] = [0x77, 0x66];
/// An IP header without options; the ICMP header follows.
const IP_HEADER: usize = 20;

/// Something that goes on until it is told to end.
#[derive(Debug)]
struct Going<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<T>>,
}

impl<T: Send + 'static> Going<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> io::Result<T> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        Self { stop, thread: thread::spawn(move || work(&stopped)) }
    }

    fn finish(self) -> anyhow::Result<T> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join().map_err(|_panic| anyhow::anyhow!("the thread broke"))?;
        Ok(ended?)
    }
}

/// A ping every 10 ms.
#[derive(Debug)]
pub struct Pinging(Going<Answers>);

/// What became of the pings.
#[derive(Clone, Debug)]
pub struct Answers {
    /// How many were sent.
    pub sent: u16,
    /// Which were not answered.
    pub lost: Vec<u16>,
    /// The longest time between two answers.
    pub silence: Duration,
}

impl Pinging {
    /// Pings from inside a namespace.
    ///
    /// # Errors
    ///
    /// If no raw socket can be had there.
    pub fn start(from: &Netns, to: Ipv4Addr) -> anyhow::Result<Self> {
        let socket = from.run(|| echo_socket(to))?.context("open a raw socket")?;
        Ok(Self(Going::start(move |stop| ping(&socket, stop))))
    }

    /// Ends and counts.
    ///
    /// # Errors
    ///
    /// If a ping could not be sent.
    pub fn finish(self) -> anyhow::Result<Answers> {
        self.0.finish().context("ping")
    }
}

fn echo_socket(to: Ipv4Addr) -> nix::Result<OwnedFd> {
    let icmp = SockProtocol::Icmp;
    let socket = socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, icmp)?;
    setsockopt(&socket, ReceiveTimeout, &TimeVal::milliseconds(5))?;
    connect(socket.as_raw_fd(), &SockaddrIn::from(std::net::SocketAddrV4::new(to, 0)))?;
    Ok(socket)
}

fn ping(socket: &OwnedFd, stop: &AtomicBool) -> io::Result<Answers> {
    let mut answered: Vec<bool> = Vec::new();
    let (mut silence, mut last) = (Duration::ZERO, Instant::now());
    let (mut next, mut deadline) = (Instant::now(), None);
    loop {
        let now = Instant::now();
        if stop.load(Ordering::Relaxed) {
            let until = *deadline.get_or_insert(now + LATEST);
            if now >= until || answered.iter().all(|answered| *answered) {
                break;
            }
        } else if now >= next {
            send_echo(socket, number(answered.len())?)?;
            answered.push(false);
            next = now.max(next + PACE);
        }
        if let Some(seen) = receive_echo(socket)?.and_then(|n| answered.get_mut(usize::from(n))) {
            *seen = true;
            silence = silence.max(last.elapsed());
            last = Instant::now();
        }
    }
    let missing = answered.iter().enumerate().filter(|(_, answered)| !**answered);
    let lost = missing.map(|(n, _)| number(n)).collect::<io::Result<_>>()?;
    Ok(Answers { sent: number(answered.len())?, lost, silence: silence.max(last.elapsed()) })
}

fn number(n: usize) -> io::Result<u16> {
    u16::try_from(n).map_err(io::Error::other)
}

fn send_echo(socket: &OwnedFd, number: u16) -> io::Result<()> {
    let mut packet = [&ECHO[..], &ID, &number.to_be_bytes()].concat();
    let checksum = internet_checksum(&packet).to_be_bytes();
    packet.splice(2..4, checksum);
    send(socket.as_raw_fd(), &packet, MsgFlags::empty())?;
    Ok(())
}

/// The number of an answer that came, if one came.
fn receive_echo(socket: &OwnedFd) -> io::Result<Option<u16>> {
    let mut packet = [0; 128];
    let length = match recv(socket.as_raw_fd(), &mut packet, MsgFlags::empty()) {
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => return Ok(None),
        length => length?,
    };
    let echo = packet.get(IP_HEADER..length).and_then(|icmp| icmp.first_chunk::<8>());
    Ok(echo.and_then(|echo| match *echo {
        [0, 0, _, _, a, b, high, low] if [a, b] == ID => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }))
}

/// A TCP connection on which bytes flow from one namespace to another.
#[derive(Debug)]
pub struct Streaming {
    sender: Going<u64>,
    receiver: Going<u64>,
}

impl Streaming {
    /// Connects and begins.
    ///
    /// # Errors
    ///
    /// If there is no connection.
    pub fn start(from: &Netns, to: &Netns, address: Ipv4Addr) -> anyhow::Result<Self> {
        let listener = to.run(|| TcpListener::bind((address, 0)))?.context("listen")?;
        let at = listener.local_addr()?;
        let receiver = Going::start(move |_stop| {
            let (mut stream, _from) = listener.accept()?;
            stream.set_read_timeout(Some(STUCK))?;
            drain(&mut stream)
        });
        let connect = || TcpStream::connect_timeout(&at, Duration::from_secs(5));
        let mut stream = from.run(connect)?.context("connect")?;
        let sender = Going::start(move |stop| pour(&mut stream, stop));
        Ok(Self { sender, receiver })
    }

    /// Closes the connection in order; answers how many bytes arrived, which is all of them.
    ///
    /// # Errors
    ///
    /// If the connection broke, or bytes are missing or wrong.
    pub fn finish(self) -> anyhow::Result<u64> {
        let sent = self.sender.finish().context("send")?;
        let received = self.receiver.finish().context("receive")?;
        anyhow::ensure!(sent == received, "{received} of {sent} bytes arrived");
        Ok(received)
    }
}

fn pour(stream: &mut TcpStream, stop: &AtomicBool) -> io::Result<u64> {
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        let piece: Vec<u8> = (sent..).take(PIECE).map(byte_at).collect();
        stream.write_all(&piece)?;
        sent += piece.len() as u64;
        thread::sleep(PACE);
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    Ok(sent)
}

fn drain(stream: &mut TcpStream) -> io::Result<u64> {
    let (mut received, mut buffer) = (0, vec![0; PIECE]);
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(received);
        }
        for byte in buffer.iter().take(length) {
            if *byte != byte_at(received) {
                return Err(io::Error::other(format!("byte {received} is wrong")));
            }
            received += 1;
        }
    }
}

/// What a stream carries at a place.
fn byte_at(place: u64) -> u8 {
    let [.., low] = (place % 251).to_be_bytes();
    low
}
