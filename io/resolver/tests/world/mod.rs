//! A resolver on loopback with two networks behind it, an upstream that records, and a client.

#[path = "../../../../test/loopback.rs"]
mod loopback;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name as DnsName, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket as AsyncUdpSocket};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use weft_model::{Name, NetworkId};
use weft_names::{Asker, Zone, Zones};
use weft_resolver::{Outcome, Resolver, Sockets, Upstream, plain_udp};

pub(crate) use loopback::own_loopback;

/// What the servers outside say of every name.
pub const OUTSIDE: [u8; 4] = [192, 0, 2, 80];
/// Longer than any of these tests may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct World {
    pub address: SocketAddr,
    pub resolver: Resolver,
    pub zones: watch::Sender<Arc<Zones>>,
    pub asker: watch::Sender<Asker>,
    pub upstream: Arc<Scripted>,
    pub stop: CancellationToken,
    pub task: tokio::task::JoinHandle<()>,
}

/// An upstream whose sockets lead wherever the test says.
#[derive(Default)]
pub struct Scripted {
    pub server: Mutex<Option<SocketAddr>>,
    pub opened: Mutex<usize>,
    pub failed: Mutex<usize>,
}

impl Scripted {
    pub fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap() = Some(server);
    }

    fn server(&self) -> io::Result<SocketAddr> {
        *self.opened.lock().unwrap() += 1;
        self.server.lock().unwrap().ok_or_else(|| io::ErrorKind::NetworkUnreachable.into())
    }
}

impl Upstream for Scripted {
    fn udp(&self) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(self.server()?)?;
        Ok(socket)
    }

    fn tcp(&self) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(async { TcpStream::connect(self.server()?).await })
    }

    fn beyond(&self, server: SocketAddr, count: usize) -> io::Result<Vec<UdpSocket>> {
        (0..count).map(|_| plain_udp(server)).collect()
    }

    fn failed(&self) {
        *self.failed.lock().unwrap() += 1;
    }
}

impl World {
    /// `app` is open, `vault` is internal; the asker is on `app`.
    pub fn new() -> Self {
        let (zones, zones_seen) = watch::channel(Arc::new(Zones::build([app(), vault()])));
        let (asker, asker_seen) = watch::channel(on(&[1]));
        let udp = UdpSocket::bind((own_loopback(), 0)).unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).unwrap();
        let resolver = Resolver::new(zones_seen, || {}).unwrap();
        let (upstream, stop) = (Arc::new(Scripted::default()), CancellationToken::new());
        let behind: Arc<dyn Upstream> = Arc::<Scripted>::clone(&upstream);
        let task = resolver.serve(Sockets { udp, tcp }, asker_seen, behind, stop.clone());
        Self { address, resolver, zones, asker, upstream, stop, task }
    }

    /// A client of another container of the same host, on the same network.
    pub fn neighbor(&self) -> Client {
        let udp = UdpSocket::bind((own_loopback(), 0)).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(udp.local_addr().unwrap()).unwrap();
        client.set_nonblocking(true).unwrap();
        let tcp = TcpListener::bind(udp.local_addr().unwrap()).unwrap();
        let behind: Arc<dyn Upstream> = Arc::<Scripted>::clone(&self.upstream);
        let asker = self.asker.subscribe();
        drop(self.resolver.serve(Sockets { udp, tcp }, asker, behind, self.stop.clone()));
        Client(AsyncUdpSocket::from_std(client).unwrap())
    }

    pub async fn client(&self) -> Client {
        let socket = AsyncUdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(self.address).await.unwrap();
        Client(socket)
    }

    /// Asks over UDP.
    pub async fn ask(&self, name: &str, kind: RecordType) -> Message {
        self.client().await.exchange(&question(name, kind)).await
    }

    /// Asks over TCP.
    pub async fn ask_tcp(&self, name: &str, kind: RecordType) -> Message {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let id = question(name, kind);
        write(&mut stream, &id.to_vec().unwrap()).await;
        Message::from_vec(&read(&mut stream).await).unwrap()
    }

    /// These outcomes were counted, and no others.
    #[track_caller]
    pub fn counted(&self, expected: &[(Outcome, u64)]) {
        let expected: BTreeMap<String, u64> =
            expected.iter().map(|(outcome, count)| (format!("{outcome:?}"), *count)).collect();
        let queries = self.resolver.queries();
        let seen: BTreeMap<String, u64> = Outcome::ALL
            .into_iter()
            .map(|outcome| (format!("{outcome:?}"), queries.get(outcome)))
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(seen, expected);
    }
}

/// A client asks again after this time.
const AGAIN: Duration = Duration::from_millis(500);

pub struct Client(pub AsyncUdpSocket);

impl Client {
    pub async fn send(&self, bytes: &[u8]) {
        self.0.send(bytes).await.unwrap();
    }

    pub async fn receive(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_535];
        let length =
            tokio::time::timeout(PATIENCE, self.0.recv(&mut buffer)).await.unwrap().unwrap();
        buffer.truncate(length);
        buffer
    }

    /// Asks until it is answered, as every client does whose question may be lost.
    pub async fn insist(&self, request: &Message) -> Message {
        let (began, bytes) = (Instant::now(), request.to_vec().unwrap());
        loop {
            self.send(&bytes).await;
            if let Ok(reply) = tokio::time::timeout(AGAIN, self.receive()).await {
                return Message::from_vec(&reply).unwrap();
            }
            assert!(began.elapsed() < PATIENCE, "nobody answers");
        }
    }

    pub async fn exchange(&self, request: &Message) -> Message {
        self.send(&request.to_vec().unwrap()).await;
        let reply = Message::from_vec(&self.receive().await).unwrap();
        assert_eq!(reply.metadata.id, request.metadata.id);
        assert_eq!(reply.metadata.message_type, MessageType::Response);
        reply
    }
}

pub fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(DnsName::from_ascii(name).unwrap(), kind));
    message
}

pub fn with_edns(mut message: Message, payload: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(payload);
    message.set_edns(edns);
    message
}

/// The texts of all answers, sorted.
pub fn texts(reply: &Message) -> Vec<String> {
    let text = |data: &RData| match data {
        RData::A(a) => a.0.to_string(),
        RData::AAAA(aaaa) => aaaa.0.to_string(),
        other => other.to_string(),
    };
    let mut texts: Vec<String> = reply.answers.iter().map(|record| text(&record.data)).collect();
    texts.sort();
    texts
}

pub fn on(networks: &[u128]) -> Asker {
    let networks = networks.iter().map(|id| NetworkId::from_random(*id)).collect();
    Asker { networks, ..Asker::default() }
}

fn app() -> Zone {
    let crowd: Vec<String> = (1..=200).map(|last| format!("10.7.1.{last}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let records = [
        ("web", vec!["10.7.0.2", "10.7.0.3", "fd00::2"]),
        ("db_1", vec!["10.7.0.4"]),
        ("crowd", crowd),
    ];
    let mut zone = zone(1, "app", false, &records);
    zone.subnets = vec!["10.7.0.0/16".parse().unwrap()];
    zone.pointers.insert("10.7.0.4".parse().unwrap(), "db_1".parse().unwrap());
    zone
}

fn vault() -> Zone {
    zone(2, "vault", true, &[("safe", vec!["10.8.0.2"])])
}

fn zone(id: u128, name: &str, internal: bool, records: &[(&str, Vec<&str>)]) -> Zone {
    let addresses = |texts: &Vec<&str>| -> BTreeSet<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let records: BTreeMap<Name, BTreeSet<IpAddr>> =
        records.iter().map(|(name, texts)| (name.parse().unwrap(), addresses(texts))).collect();
    Zone {
        network: NetworkId::from_random(id),
        name: Some(name.parse().unwrap()),
        internal,
        subnets: vec![],
        records,
        pointers: BTreeMap::new(),
        ended: BTreeSet::new(),
    }
}

pub async fn write(stream: &mut TcpStream, message: &[u8]) {
    stream.write_u16(u16::try_from(message.len()).unwrap()).await.unwrap();
    stream.write_all(message).await.unwrap();
}

pub async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let whole = async {
        let length = stream.read_u16().await.unwrap();
        let mut message = vec![0; length.into()];
        stream.read_exact(&mut message).await.unwrap();
        message
    };
    tokio::time::timeout(PATIENCE, whole).await.unwrap()
}

/// The next question to a server, and where from.
pub async fn receive(server: &AsyncUdpSocket) -> (Message, SocketAddr) {
    let mut buffer = [0; 4096];
    let received = tokio::time::timeout(PATIENCE, server.recv_from(&mut buffer)).await;
    let (length, from) = received.unwrap().unwrap();
    (Message::from_vec(&buffer[..length]).unwrap(), from)
}

/// That server's answer.
pub fn answer_to(asked: &Message) -> Message {
    let mut reply = asked.clone();
    reply.metadata.message_type = MessageType::Response;
    let name = asked.queries[0].name().clone();
    reply.add_answer(Record::from_rdata(name, 60, RData::A(A(OUTSIDE.into()))));
    reply
}
