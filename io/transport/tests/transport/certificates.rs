//! Certificates that are renewed, that have run out, that are another cluster's.

use std::sync::Arc;
use std::time::Duration;

use weft_registry::Command;
use weft_transport::{MeshEvent, Refusal, Request, RequestError, Response, ask_once};

use crate::world::{A, Authority, B, C, Node, introduce, run_out};

#[tokio::test]
async fn a_new_certificate_is_shown_to_whom_comes_next_and_ends_no_connection() {
    let authority = Authority::new();
    let mut a = Node::start(authority.good_for(Duration::from_secs(2), A));
    let mut b = Node::start(authority.credentials(B));
    introduce(&a, A, &b, B);
    a.sees_up(B).await;
    b.sees_up(A).await;
    let old = a.own.send_replace(Arc::new(authority.credentials(A)));
    run_out(&old).await;
    let mut c = Node::start(authority.credentials(C));
    introduce(&a, A, &c, C);
    a.sees_up(C).await;
    c.sees_up(A).await;
    b.sees_nothing().await;
}

#[tokio::test]
async fn nodes_that_know_only_one_of_two_cas_talk_while_the_new_one_is_signed_by_the_old() {
    let old = Authority::new();
    let new = old.successor();
    let mut a = Node::start(old.credentials(A));
    // B has renewed and believes both; A has not heard of the new one.
    let mut renewed = new.credentials(B);
    renewed.roots.push(old.certificate.clone());
    let mut b = Node::start(renewed);
    introduce(&a, A, &b, B);
    a.sees_up(B).await;
    b.sees_up(A).await;
    // Once nobody shows a certificate of the old one it can go.
    let mut both = new.credentials(A);
    both.roots.push(old.certificate.clone());
    a.own.send_replace(Arc::new(both));
    b.own.send_replace(Arc::new(new.credentials(B)));
    let mut c = Node::start(new.credentials(C));
    for (node, id) in [(&a, A), (&b, B)] {
        introduce(node, id, &c, C);
    }
    a.sees_up(C).await;
    b.sees_up(C).await;
    c.sees_up_in_any_order(&[A, B]).await;
    // A certificate of the old one is worth nothing to whom believes the new one alone.
    let stolen = old.credentials(A);
    assert!(ask_once(&stolen, B, b.address(), Request::Renew { csr_der: vec![1] }).await.is_err());
    b.refuses(None, Refusal::Foreign).await;
}

#[tokio::test]
async fn a_node_whose_certificate_has_run_out_is_refused_wherever_it_dials() {
    let authority = Authority::new();
    let mut a = Node::start(authority.expired(A).await);
    let mut b = Node::start(authority.credentials(B));
    introduce(&a, A, &b, B);
    b.refuses(Some(A), Refusal::Expired).await;
    a.sees_nothing().await;
    b.lets_nobody_in().await;
}

#[tokio::test]
async fn a_node_whose_certificate_has_run_out_is_refused_by_whoever_dials_it() {
    let authority = Authority::new();
    let mut a = Node::start(authority.credentials(A));
    let b = Node::start(authority.expired(B).await);
    introduce(&a, A, &b, B);
    a.refuses(Some(B), Refusal::Expired).await;
    // With its new certificate it is as good as ever.
    b.own.send_replace(Arc::new(authority.credentials(B)));
    a.sees_up(B).await;
}

#[tokio::test]
async fn with_a_certificate_that_has_run_out_a_new_one_can_be_asked_for() {
    let authority = Authority::new();
    let late = authority.expired(C).await;
    let mut manager = Node::start(authority.credentials(A));
    let address = manager.address();
    let renew = Request::Renew { csr_der: vec![1, 2, 3] };
    let asked = tokio::spawn({
        let renew = renew.clone();
        async move { ask_once(&late, A, address, renew).await }
    });
    let event = manager.next().await;
    let MeshEvent::Asked(by, heard, reply) = event else { panic!("{event:?}") };
    assert_eq!((by, heard), (C, renew));
    let chain = Response::Certificate { chain: vec![vec![7]] };
    reply.send(chain.clone()).unwrap();
    assert_eq!(asked.await.unwrap(), Ok(chain));
}

#[tokio::test]
async fn whom_a_new_certificate_is_refused_is_told_of() {
    let authority = Authority::new();
    let late = authority.expired(C).await;
    let mut manager = Node::start(authority.credentials(A));
    let address = manager.address();
    let renew = Request::Renew { csr_der: vec![1, 2, 3] };
    let asked = tokio::spawn(async move { ask_once(&late, A, address, renew).await });
    let event = manager.next().await;
    let MeshEvent::Asked(_, _, reply) = event else { panic!("{event:?}") };
    let refused = Response::Refused { error: "no member".into(), hint: "join".into() };
    reply.send(refused.clone()).unwrap();
    assert_eq!(asked.await.unwrap(), Ok(refused));
    manager.refuses(Some(C), Refusal::Expired).await;
}

#[tokio::test]
async fn with_a_certificate_that_has_run_out_nothing_else_can_be_asked_for() {
    let authority = Authority::new();
    let late = authority.expired(C).await;
    let mut manager = Node::start(authority.credentials(A));
    let remove = Request::Command(Command::RemoveNode { id: A, force: true });
    let asked = ask_once(&late, A, manager.address(), remove).await;
    assert_eq!(asked, Err(RequestError::Lost));
    manager.refuses(Some(C), Refusal::Expired).await;
}

#[tokio::test]
async fn a_certificate_of_another_cluster_that_has_run_out_is_foreign_all_the_same() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut late = theirs.expired(C).await;
    late.roots = vec![ours.certificate.clone()];
    let mut manager = Node::start(ours.credentials(A));
    let renew = Request::Renew { csr_der: vec![1, 2, 3] };
    assert!(ask_once(&late, A, manager.address(), renew).await.is_err());
    manager.refuses(None, Refusal::Foreign).await;
    manager.lets_nobody_in().await;
}
