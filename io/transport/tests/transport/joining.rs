//! A host's way into a cluster.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use weft_model::{Name, PublicKey, Role, Vtep};
use weft_registry::{Entry, Snapshot};
use weft_transport::{JoinError, JoinRefused, JoinRequest, JoinResponse, MeshEvent, join};

use crate::world::{A, Authority, B, C, Node};

fn request() -> JoinRequest {
    JoinRequest {
        secret: "s3cret".into(),
        csr_der: vec![1, 2, 3],
        name: Name::label("host-c").unwrap(),
        vtep: Some([192, 0, 2, 3].into()),
        control_port: 7946,
        node: C,
    }
}

fn response(authority: &Authority) -> JoinResponse {
    let node = weft_model::Node {
        id: C,
        key: PublicKey::from_point([[3; 32]; 2]),
        name: Name::label("host-c").unwrap(),
        role: Role::Worker,
        vtep: Vtep([192, 0, 2, 3].into()),
        control: "192.0.2.3:7946".parse().unwrap(),
    };
    let entry = Entry { key: "/cluster".into(), value: b"{}".to_vec(), modified: 1 };
    JoinResponse {
        certificate_chain: vec![vec![9; 700], authority.certificate.to_vec()],
        ca: authority.certificate.to_vec(),
        node,
        snapshot: Snapshot { revision: 5, entries: vec![entry] },
    }
}

#[tokio::test]
async fn a_host_that_recognises_the_ca_is_let_in() {
    let authority = Authority::new();
    let mut manager = Node::start(authority.credentials(A));
    let asked = tokio::spawn(join(manager.address(), authority.sha256(), request()));
    let MeshEvent::Joining(from, heard, reply) = manager.next().await else { panic!("nobody") };
    assert_eq!((from.ip(), heard), (manager.address().ip(), request()));
    reply.send(Ok(response(&authority))).unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), response(&authority));
}

#[tokio::test]
async fn a_refusal_comes_with_its_reason_and_a_hint() {
    let authority = Authority::new();
    let mut manager = Node::start(authority.credentials(A));
    let asked = tokio::spawn(join(manager.address(), authority.sha256(), request()));
    let MeshEvent::Joining(_, _, reply) = manager.next().await else { panic!("nobody") };
    let refused = JoinRefused { error: "the token has expired".into(), hint: "make one".into() };
    reply.send(Err(refused.clone())).unwrap();
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.hint(), "make one");
    assert!(matches!(error, JoinError::Refused(said) if said == refused));
}

#[tokio::test]
async fn a_worker_says_that_it_is_no_manager() {
    let authority = Authority::new();
    let mut worker = Node::start(authority.credentials(A));
    let asked = tokio::spawn(join(worker.address(), authority.sha256(), request()));
    let MeshEvent::Joining(_, _, reply) = worker.next().await else { panic!("nobody") };
    drop(reply);
    assert!(matches!(asked.await.unwrap(), Err(JoinError::Refused(_))));
}

/// The manager is never asked, so it never had the secret.
async fn check_wrong_cluster(mut manager: Node, pin: [u8; 32]) {
    let error = join(manager.address(), pin, request()).await.unwrap_err();
    assert!(matches!(error, JoinError::WrongCluster(at) if at == manager.address()), "{error:?}");
    manager.sees_nothing().await;
}

#[tokio::test]
async fn the_secret_is_not_sent_to_another_cluster() {
    let manager = Node::start(Authority::new().credentials(A));
    check_wrong_cluster(manager, Authority::new().sha256()).await;
}

#[tokio::test]
async fn the_secret_is_not_sent_to_whom_only_shows_the_right_ca() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut impostor = theirs.credentials(A);
    impostor.chain[1] = ours.certificate.clone();
    check_wrong_cluster(Node::start(impostor), ours.sha256()).await;
}

#[tokio::test]
async fn a_silent_address_is_unreachable_within_its_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let begin = Instant::now();
    let error = join(address, [0; 32], request()).await.unwrap_err();
    assert!(matches!(error, JoinError::Unreachable { address: at, .. } if at == address));
    assert!(error.hint().contains(&address.port().to_string()), "{}", error.hint());
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn joining_does_not_disturb_members() {
    let authority = Authority::new();
    let mut manager = Node::start(authority.credentials(A));
    let mut b = Node::start(authority.credentials(B));
    crate::world::introduce(&manager, A, &b, B);
    manager.sees_up(B).await;
    b.sees_up(A).await;
    let address: SocketAddr = manager.address();
    let asked = tokio::spawn(join(address, authority.sha256(), request()));
    let MeshEvent::Joining(_, _, reply) = manager.next().await else { panic!("nobody") };
    reply.send(Ok(response(&authority))).unwrap();
    asked.await.unwrap().unwrap();
    b.sees_nothing().await;
}
