//! Hosts and nodes that do not keep to the rules.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint};
use rustls::RootCertStore;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::time::timeout;
use weft_transport::{Credentials, Refusal};

use crate::world::{A, Authority, B, C, DEADLINE, Node, introduce, pair};

/// Believes anybody.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

async fn connect(to: SocketAddr, own: Option<Credentials>) -> (Endpoint, Connection) {
    connect_from("127.0.0.1:0", to, own).await
}

async fn connect_from(
    from: &str,
    to: SocketAddr,
    own: Option<Credentials>,
) -> (Endpoint, Connection) {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(RootCertStore::empty());
    let mut tls = match own {
        Some(own) => tls.with_client_auth_cert(own.chain, own.key).unwrap(),
        None => tls.with_no_client_auth(),
    };
    tls.dangerous().set_certificate_verifier(Arc::new(Gullible));
    tls.alpn_protocols = vec![b"weft/1".to_vec()];
    let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let endpoint = Endpoint::client(from.parse().unwrap()).unwrap();
    let connection = endpoint.connect_with(config, to, "weft").unwrap().await.unwrap();
    (endpoint, connection)
}

/// The mesh is none the worse for it: another node connects and talks.
async fn check_alive(authority: &Authority, node: &mut Node) {
    let mut c = Node::start(authority.credentials(C));
    introduce(node, B, &c, C);
    node.sees_up(C).await;
    c.sees_up(B).await;
}

const GARBAGE: [&[u8]; 6] = [
    b"",
    b"\0\0",
    b"\0\0\0\x04\xff\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x09\x82\x01\x06\x1a\x04abcd",
    b"GET / HTTP/1.1\r\n\r\n",
];

#[tokio::test]
async fn a_host_without_a_certificate_can_say_nothing_but_that_it_wants_to_join() {
    let authority = Authority::new();
    let mut b = Node::start(authority.credentials(B));
    b.wants(A, "127.0.0.1:1".parse().unwrap());
    for garbage in GARBAGE {
        let (_endpoint, connection) = connect(b.address(), None).await;
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        // A server that has closed already has made up its mind.
        drop(send.write_all(garbage).await);
        drop(send.finish());
        let closed = timeout(DEADLINE, connection.closed()).await;
        assert!(closed.is_ok(), "{garbage:?} is answered with patience");
    }
    check_alive(&authority, &mut b).await;
}

#[tokio::test]
async fn a_host_without_a_certificate_that_says_nothing_is_sent_away() {
    let authority = Authority::new();
    let b = Node::start(authority.credentials(B));
    let (_endpoint, connection) = connect(b.address(), None).await;
    let closed = timeout(DEADLINE, connection.closed()).await;
    assert!(closed.is_ok(), "a stranger may stay for as long as it likes");
}

#[tokio::test]
async fn a_host_without_a_certificate_cannot_announce_more_than_a_join_request_is_long() {
    let authority = Authority::new();
    let b = Node::start(authority.credentials(B));
    let (_endpoint, connection) = connect(b.address(), None).await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(&(32_u32 << 20).to_be_bytes()).await.unwrap();
    let closed = timeout(Duration::from_secs(3), connection.closed()).await;
    assert!(closed.is_ok(), "32 MiB are set aside for a stranger");
}

#[tokio::test]
async fn no_nonsense_of_a_member_ends_the_mesh() {
    let authority = Authority::new();
    let mut b = Node::start(authority.credentials(B));
    b.wants(A, "127.0.0.1:1".parse().unwrap());
    for garbage in GARBAGE {
        let (_endpoint, connection) = connect(b.address(), Some(authority.credentials(A))).await;
        b.sees_up(A).await;
        let mut messages = connection.open_uni().await.unwrap();
        drop(messages.write_all(garbage).await);
        let (mut question, mut answer) = connection.open_bi().await.unwrap();
        drop(question.write_all(garbage).await);
        drop(question.finish());
        drop(timeout(DEADLINE, answer.read_to_end(1 << 20)).await.expect("some end"));
        connection.close(0_u32.into(), b"");
        b.sees_down(A).await;
    }
    check_alive(&authority, &mut b).await;
}

#[tokio::test]
async fn a_member_without_a_node_id_in_its_certificate_is_nobody() {
    let authority = Authority::new();
    let mut b = Node::start(authority.credentials(B));
    b.wants(A, "127.0.0.1:1".parse().unwrap());
    let nameless = authority.nameless();
    let (_endpoint, connection) = connect(b.address(), Some(nameless)).await;
    timeout(DEADLINE, connection.closed()).await.expect("it is sent away");
    b.sees_nothing().await;
}

#[tokio::test]
async fn a_stolen_key_takes_no_nodes_place_by_not_saying_which_agent_it_is() {
    let (authority, _a, mut b) = pair().await;
    let stolen = Some(authority.credentials(A));
    let (_endpoint, connection) = connect_from("127.0.0.2:0", b.address(), stolen).await;
    b.refuses(Some(A), Refusal::Clone).await;
    timeout(DEADLINE, connection.closed()).await.expect("it is sent away");
    b.sees_nothing().await;
}
