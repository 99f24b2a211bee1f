//! A cluster's CA, nodes with meshes, and a wire between them that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use weft_model::NodeId;
use weft_transport::{
    BindError, Credentials, Mesh, MeshEvent, MeshHandle, Peers, Refusal, Stranger,
};

/// Nothing takes longer, unless it does not happen at all.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);
/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);
/// What has not happened after this time does not happen.
pub(crate) const QUIET: Duration = Duration::from_millis(1500);

pub(crate) const A: NodeId = NodeId::from_random(0xa);
pub(crate) const B: NodeId = NodeId::from_random(0xb);
pub(crate) const C: NodeId = NodeId::from_random(0xc);

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: CertificateDer<'static>,
    /// The same, signed by the one before.
    cross: Option<CertificateDer<'static>>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::signed_by(None)
    }

    /// Another one of the same name, which this one vouches for.
    pub(crate) fn successor(&self) -> Self {
        Self::signed_by(Some(&self.issuer))
    }

    fn signed_by(before: Option<&Issuer<'static, KeyPair>>) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name = common_name("test CA");
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let cross = before.map(|issuer| params.signed_by(&key, issuer).unwrap().der().clone());
        Self { issuer: Issuer::new(params, key), certificate, cross }
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        let hash = ring::digest::digest(&ring::digest::SHA256, &self.certificate);
        hash.as_ref().try_into().unwrap()
    }

    pub(crate) fn credentials(&self, node: NodeId) -> Credentials {
        self.good_for(LONG, node)
    }

    /// A node with a certificate that is good for so long from now on.
    pub(crate) fn good_for(&self, life: Duration, node: NodeId) -> Credentials {
        self.sign(node, &format!("weft://test/node/{node}"), life)
    }

    /// A node whose certificate was good and has run out.
    pub(crate) async fn expired(&self, node: NodeId) -> Credentials {
        let credentials = self.good_for(Duration::ZERO, node);
        run_out(&credentials).await;
        credentials
    }

    /// A certificate of the cluster that names no node.
    pub(crate) fn nameless(&self) -> Credentials {
        self.sign(A, "weft://test/somebody", LONG)
    }

    fn sign(&self, node: NodeId, uri: &str, life: Duration) -> Credentials {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.not_before = OffsetDateTime::now_utc() - LONG;
        params.not_after = OffsetDateTime::now_utc() + life;
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name = common_name("test node");
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Credentials {
            node,
            chain: [leaf, self.certificate.clone()].into_iter().chain(self.cross.clone()).collect(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            roots: vec![self.certificate.clone()],
        }
    }
}

/// Waits until a certificate has run out.
pub(crate) async fn run_out(credentials: &Credentials) {
    let parsed = x509_parser::parse_x509_certificate(&credentials.chain[0]).unwrap().1;
    let until = parsed.validity().not_after.timestamp();
    while OffsetDateTime::now_utc().unix_timestamp() <= until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

/// A mesh, what it tells, and whom it is to be connected with.
pub(crate) struct Node {
    pub(crate) handle: MeshHandle,
    pub(crate) events: mpsc::Receiver<MeshEvent>,
    pub(crate) peers: watch::Sender<Peers>,
    pub(crate) own: watch::Sender<Arc<Credentials>>,
}

impl Node {
    pub(crate) fn start(credentials: Credentials) -> Self {
        Self::try_start("127.0.0.1:0".parse().unwrap(), credentials).unwrap()
    }

    /// The kernel may give a port back a moment after the one that had it was closed.
    pub(crate) async fn start_at(listen: SocketAddr, own: impl Fn() -> Credentials) -> Self {
        let bound = async {
            loop {
                match Self::try_start(listen, own()) {
                    Ok(node) => return node,
                    Err(BindError::Socket { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        timeout(DEADLINE, bound).await.expect("the port is free in time")
    }

    fn try_start(listen: SocketAddr, own: Credentials) -> Result<Self, BindError> {
        let (peers, wanted) = watch::channel(Peers::default());
        let (own, shown) = watch::channel(Arc::new(own));
        let (handle, events) = Mesh::start(listen, shown, wanted)?;
        Ok(Self { handle, events, peers, own })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.local_addr().unwrap()
    }

    pub(crate) fn wants(&self, peer: NodeId, address: SocketAddr) {
        self.peers.send_modify(|peers| {
            peers.members.insert(peer, address);
        });
    }

    /// Not everybody is to be connected with, but these are.
    pub(crate) fn keeps(&self, kept: &[NodeId]) {
        self.peers.send_modify(|peers| peers.kept = Some(kept.iter().copied().collect()));
    }

    pub(crate) fn unwants(&self, peer: NodeId) {
        self.peers.send_modify(|peers| {
            peers.members.remove(&peer);
        });
    }

    #[track_caller]
    pub(crate) fn next(&mut self) -> impl Future<Output = MeshEvent> {
        let next = timeout(DEADLINE, self.events.recv());
        async { next.await.expect("an event in time").expect("a mesh that is alive") }
    }

    pub(crate) async fn sees_up(&mut self, peer: NodeId) {
        let event = self.next().await;
        assert!(matches!(event, MeshEvent::Up(node) if node == peer), "{event:?}");
    }

    pub(crate) async fn sees_up_in_any_order(&mut self, peers: &[NodeId]) {
        let mut seen = Vec::new();
        for _peer in peers {
            let event = self.next().await;
            let MeshEvent::Up(node) = event else { panic!("{event:?}") };
            seen.push(node);
        }
        seen.sort();
        assert_eq!(seen, peers);
    }

    pub(crate) async fn sees_down(&mut self, peer: NodeId) {
        let event = self.next().await;
        assert!(matches!(event, MeshEvent::Down(node) if node == peer), "{event:?}");
    }

    pub(crate) async fn hears_no_member(&mut self, by: NodeId) {
        let event = self.next().await;
        assert!(matches!(event, MeshEvent::Disowned(node) if node == by), "{event:?}");
    }

    /// Somebody is refused, and for this reason.
    pub(crate) async fn refuses(&mut self, who: Option<NodeId>, reason: Refusal) {
        let event = self.next().await;
        let MeshEvent::Refused(Stranger { node, why, .. }) = event else { panic!("{event:?}") };
        assert_eq!((node, why), (who, reason));
    }

    /// Nobody comes up and nobody is heard, whoever is refused meanwhile.
    pub(crate) async fn lets_nobody_in(&mut self) {
        let until = tokio::time::Instant::now() + QUIET;
        while let Ok(event) = tokio::time::timeout_at(until, self.events.recv()).await {
            assert!(matches!(event, Some(MeshEvent::Refused(_))), "{event:?}");
        }
    }

    pub(crate) async fn sees_nothing(&mut self) {
        let event = timeout(QUIET, self.events.recv()).await;
        assert!(event.is_err(), "{event:?}");
    }
}

/// Nodes A and B of one cluster, connected.
pub(crate) async fn pair() -> (Authority, Node, Node) {
    let (authority, mut a, mut b) = two();
    introduce(&a, A, &b, B);
    meet(&mut a, &mut b).await;
    (authority, a, b)
}

/// Nodes A and B of one cluster, which have not heard of each other.
pub(crate) fn two() -> (Authority, Node, Node) {
    let authority = Authority::new();
    let (a, b) = (Node::start(authority.credentials(A)), Node::start(authority.credentials(B)));
    (authority, a, b)
}

/// A and B see each other come.
pub(crate) async fn meet(a: &mut Node, b: &mut Node) {
    a.sees_up(B).await;
    b.sees_up(A).await;
}

/// The greater one first: the smaller one dials at once.
pub(crate) fn introduce(one: &Node, one_id: NodeId, other: &Node, other_id: NodeId) {
    other.wants(one_id, one.address());
    one.wants(other_id, other.address());
}

/// A UDP relay in front of a server; when it is cut nobody is told.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    cut: Arc<AtomicBool>,
    relay: JoinHandle<()>,
}

impl Wire {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let outside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let inside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        inside.connect(server).await.unwrap();
        let address = outside.local_addr().unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let relay = tokio::spawn(relay(outside, inside, Arc::clone(&cut)));
        Self { address, cut, relay }
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn heal(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

async fn relay(outside: UdpSocket, inside: UdpSocket, cut: Arc<AtomicBool>) {
    let mut client = None;
    let (mut there, mut back) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let (from, to, packet) = tokio::select! {
            Ok((length, from)) = outside.recv_from(&mut there) => {
                client = Some(from);
                (&outside, &inside, &there[..length])
            }
            Ok(length) = inside.recv(&mut back) => (&inside, &outside, &back[..length]),
        };
        if cut.load(Ordering::Relaxed) {
            continue;
        }
        // A packet that cannot be sent is lost, as on any wire.
        match (std::ptr::eq(from, &raw const outside), client) {
            (true, _) => drop(to.send(packet).await),
            (false, Some(client)) => drop(to.send_to(packet, client).await),
            (false, None) => {}
        }
    }
}
