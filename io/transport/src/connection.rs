//! One connection: what comes in is sorted, what goes out is written.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::{Connection, ConnectionError, Endpoint, Incoming, RecvStream, SendStream};
use rustls::pki_types::CertificateDer;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use weft_model::NodeId;

use crate::certificate::{has_run_out, node_of};
use crate::convert::message;
use crate::event::{
    JoinRefused, JoinRequest, MeshEvent, Refusal, Request, Response, Stranger, WatchItem,
};
use crate::frame::{GUEST_LONGEST, ReadError, read, read_up_to, write};
use crate::instance::Instance;
use crate::mesh::{Inner, Said};
use crate::quic::close;
use crate::refusal::refusal;
use crate::wire::{Body, Join};

/// Items of a followed registry that wait for the network.
const WATCH_QUEUE: usize = 256;
/// Handshakes and guests that may be there at once; further ones are refused.
const GUESTS: usize = 256;
/// A node whose certificate has run out asks within this time, or is told why it is sent away.
const LATE_PATIENCE: Duration = Duration::from_secs(2);
/// A guest that says nothing for this long is sent away.
const GUEST_PATIENCE: Duration = Duration::from_secs(5);

/// Takes connections until the endpoint is closed.
pub(crate) async fn accept(
    endpoint: Endpoint,
    events: mpsc::Sender<MeshEvent>,
    mesh: mpsc::Sender<Inner>,
) {
    let mut guests = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        if guests.len() >= GUESTS {
            incoming.refuse();
            while guests.try_join_next().is_some() {}
            continue;
        }
        guests.spawn(receive(incoming, events.clone(), mesh.clone()));
        while guests.try_join_next().is_some() {}
    }
}

/// A certificate makes a node, one that has run out a late node, and none a host that wants to join.
async fn receive(incoming: Incoming, events: mpsc::Sender<MeshEvent>, mesh: mpsc::Sender<Inner>) {
    let from = incoming.remote_address();
    let connection = match incoming.await {
        Ok(connection) => connection,
        Err(error) => return refused(&events, from, &error),
    };
    let shown = connection.peer_identity();
    let shown = shown.and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let shown = shown.as_ref().and_then(|chain| chain.first());
    match shown.map(|certificate| (node_of(certificate), has_run_out(certificate))) {
        // The mesh may be gone.
        Some((Some(node), false)) => {
            drop(mesh.send(Inner::Connected(node, connection, None)).await);
        }
        Some((Some(node), true)) => late(node, connection, events).await,
        Some((None, _)) => connection.close(close::NO_MEMBER, b"a certificate without a node id"),
        None => guest(from, connection, events).await,
    }
}

/// Tells the owner of a stranger; when the owner does not keep up there are too many to tell of.
fn refused(events: &mpsc::Sender<MeshEvent>, at: SocketAddr, error: &ConnectionError) {
    tracing::debug!(from = %at, %error, "a connection was refused");
    if let Some(why) = refusal(error) {
        drop(events.try_send(MeshEvent::Refused(Stranger { at, node: None, why })));
    }
}

/// A node whose certificate has run out may ask one thing: to have a new one.
async fn late(node: NodeId, connection: Connection, events: mpsc::Sender<MeshEvent>) {
    let Ok(Some((mut out, csr_der))) = timeout(LATE_PATIENCE, renewal(&connection)).await else {
        let (at, why) = (connection.remote_address(), Refusal::Expired);
        drop(events.try_send(MeshEvent::Refused(Stranger { at, node: Some(node), why })));
        return connection.close(close::EXPIRED, b"the certificate has run out: ask for a new one");
    };
    let response = answer(node, Body::Renew(csr_der), &events).await;
    if matches!(response, Response::Refused { .. }) {
        let (at, why) = (connection.remote_address(), Refusal::Expired);
        drop(events.try_send(MeshEvent::Refused(Stranger { at, node: Some(node), why })));
    }
    finish(&connection, &mut out, response.into()).await;
}

async fn renewal(connection: &Connection) -> Option<(SendStream, Vec<u8>)> {
    let (out, mut asked) = connection.accept_bi().await.ok()?;
    match read_up_to(&mut asked, GUEST_LONGEST).await {
        Ok(Some(Body::Renew(csr_der))) => Some((out, csr_der)),
        _ => None,
    }
}

/// Answers, and ends the connection when the answer was read or given up.
async fn finish(connection: &Connection, out: &mut SendStream, answer: Body) {
    if write(out, answer).await.is_ok() && out.finish().is_ok() {
        // Who asked closes when it has read the answer.
        drop(timeout(GUEST_PATIENCE, connection.closed()).await);
    }
    connection.close(close::BYE, b"bye");
}

/// A guest may ask one thing: to be let in.
async fn guest(from: SocketAddr, connection: Connection, events: mpsc::Sender<MeshEvent>) {
    let Ok(Some((mut out, join))) = timeout(GUEST_PATIENCE, wish(&connection)).await else {
        return connection.close(close::NO_MEMBER, b"only members may ask this");
    };
    let answer = match JoinRequest::try_from(join) {
        Err(error) => Err(JoinRefused {
            error: error.to_string(),
            hint: "run the same version of Weft on both hosts".to_owned(),
        }),
        Ok(request) => {
            let (reply, answer) = oneshot::channel();
            // A mesh without an owner drops the reply, which refuses.
            drop(events.send(MeshEvent::Joining(from, request, reply)).await);
            answer.await.unwrap_or_else(|_dropped| Err(not_a_manager()))
        }
    };
    finish(&connection, &mut out, answer.into()).await;
}

/// The one thing that a guest may say.
async fn wish(connection: &Connection) -> Option<(SendStream, Join)> {
    let (out, mut asked) = connection.accept_bi().await.ok()?;
    match read_up_to(&mut asked, GUEST_LONGEST).await {
        Ok(Some(Body::Join(join))) => Some((out, join)),
        _ => None,
    }
}

fn not_a_manager() -> JoinRefused {
    JoinRefused {
        error: "this node is not a manager".to_owned(),
        hint: "give the address of a manager: weft node ls there".to_owned(),
    }
}

/// Serves a node's connection until it ends.
pub(crate) async fn serve(
    (node, own): (NodeId, Option<Instance>),
    (connection, first): (Connection, Option<RecvStream>),
    out: mpsc::Receiver<Said>,
    events: mpsc::Sender<MeshEvent>,
    mesh: mpsc::Sender<Inner>,
) {
    let id = connection.stable_id();
    let reason = tokio::select! {
        reason = connection.closed() => reason.to_string(),
        () = send(&connection, own, out) => "nothing can be sent".to_owned(),
        () = hear(node, (&connection, first), &events, &mesh) => "nothing can be heard".to_owned(),
        () = datagrams(node, &connection, &events) => "no more datagrams".to_owned(),
        () = questions(node, &connection, &events) => "no more questions".to_owned(),
    };
    tracing::debug!(node = %node, reason, "disconnected");
    let told = connection.close_reason().and_then(|reason| refusal(&reason));
    connection.close(close::BYE, b"bye");
    // The mesh may be gone.
    drop(mesh.send(Inner::Closed(node, id)).await);
    if told == Some(Refusal::NoMember) {
        drop(mesh.send(Inner::Disowned(node)).await);
    }
}

/// All messages go through one stream, so that they arrive in order.
async fn send(connection: &Connection, own: Option<Instance>, mut out: mpsc::Receiver<Said>) {
    let Ok(mut stream) = connection.open_uni().await else { return };
    // The dialer waits for it: it shows that this node takes it for a member.
    let greeting = Body::Greeting(own.map_or(0, |Instance(number)| number));
    if write(&mut stream, greeting).await.is_err() {
        return;
    }
    while let Some(said) = out.recv().await {
        let body = match said {
            Said::Rows(message) => message.into(),
            Said::Membership(bytes) => Body::Membership(bytes),
        };
        if write(&mut stream, body).await.is_err() {
            return;
        }
    }
}

/// Under load they are dropped here: they are stale soon.
async fn datagrams(node: NodeId, connection: &Connection, events: &mpsc::Sender<MeshEvent>) {
    while let Ok(bytes) = connection.read_datagram().await {
        match events.try_send(MeshEvent::Membership(node, bytes.to_vec())) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
            Err(mpsc::error::TrySendError::Closed(_)) => return,
        }
    }
}

async fn hear(
    node: NodeId,
    (connection, mut first): (&Connection, Option<RecvStream>),
    events: &mpsc::Sender<MeshEvent>,
    mesh: &mpsc::Sender<Inner>,
) {
    loop {
        let mut stream = match first.take() {
            Some(stream) => stream,
            None => match connection.accept_uni().await {
                Ok(stream) => stream,
                Err(_lost) => return,
            },
        };
        loop {
            let body = match read(&mut stream).await {
                Ok(Some(body)) => body,
                Ok(None) => continue,
                Err(ReadError::Ended) => break,
                Err(error) => return tracing::debug!(node = %node, %error, "not understood"),
            };
            let event = match body {
                Body::Membership(bytes) => MeshEvent::Membership(node, bytes),
                Body::Greeting(0) => continue,
                Body::Greeting(number) => {
                    let greeted = Inner::Greeted(node, connection.stable_id(), Instance(number));
                    // The mesh may be gone.
                    drop(mesh.send(greeted).await);
                    continue;
                }
                body => match message(body) {
                    Ok(Some(message)) => MeshEvent::Message(node, message),
                    Ok(None) => continue,
                    Err(error) => return tracing::warn!(node = %node, %error, "malformed message"),
                },
            };
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

async fn questions(node: NodeId, connection: &Connection, events: &mpsc::Sender<MeshEvent>) {
    let mut under_way = JoinSet::new();
    while let Ok((out, asked)) = connection.accept_bi().await {
        under_way.spawn(question(node, out, asked, events.clone()));
        while under_way.try_join_next().is_some() {}
    }
}

async fn question(
    node: NodeId,
    mut out: SendStream,
    mut asked: RecvStream,
    events: mpsc::Sender<MeshEvent>,
) {
    match read(&mut asked).await {
        Ok(Some(Body::Watch(after))) => {
            let (sender, items) = mpsc::channel(WATCH_QUEUE);
            // A mesh without an owner drops the sender, which ends the stream.
            drop(events.send(MeshEvent::Watch(node, after, sender)).await);
            feed(&mut out, items).await;
        }
        Ok(Some(body)) => {
            let response = answer(node, body, &events).await;
            if write(&mut out, response.into()).await.is_ok() {
                // An asker that is gone needs no end of the stream.
                drop(out.finish());
            }
        }
        Ok(None) | Err(_) => {}
    }
}

async fn answer(node: NodeId, body: Body, events: &mpsc::Sender<MeshEvent>) -> Response {
    let refused = || Response::NotManager { managers: Vec::new() };
    let Ok(request) = Request::try_from(body) else { return refused() };
    let (reply, answer) = oneshot::channel();
    drop(events.send(MeshEvent::Asked(node, request, reply)).await);
    answer.await.unwrap_or_else(|_dropped| refused())
}

async fn feed(out: &mut SendStream, mut items: mpsc::Receiver<WatchItem>) {
    while let Some(item) = next(out, &mut items).await {
        if write(out, item.into()).await.is_err() {
            return;
        }
    }
}

/// The next item; none when nobody feeds, or the follower has gone. Cancel-safe.
async fn next(out: &SendStream, items: &mut mpsc::Receiver<WatchItem>) -> Option<WatchItem> {
    tokio::select! {
        item = items.recv() => item,
        _gone = out.stopped() => None,
    }
}
