//! One connection: what comes in is sorted, what goes out is written.

use std::net::SocketAddr;

use quinn::{Connection, Endpoint, Incoming, RecvStream, SendStream};
use rustls::pki_types::CertificateDer;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use weft_model::NodeId;
use weft_whereabouts::Message;

use crate::convert::message;
use crate::event::{JoinRefused, JoinRequest, MeshEvent, Request, Response, WatchItem};
use crate::frame::{ReadError, read, write};
use crate::mesh::Inner;
use crate::quic::close;
use crate::tls::node_of;
use crate::wire::Body;

/// Items of a followed registry that wait for the network.
const WATCH_QUEUE: usize = 256;

/// Takes connections until the endpoint is closed.
pub(crate) async fn accept(
    endpoint: Endpoint,
    events: mpsc::Sender<MeshEvent>,
    mesh: mpsc::Sender<Inner>,
) {
    let mut guests = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        guests.spawn(receive(incoming, events.clone(), mesh.clone()));
        while guests.try_join_next().is_some() {}
    }
}

/// A certificate makes a node, no certificate makes a host that wants to join.
async fn receive(incoming: Incoming, events: mpsc::Sender<MeshEvent>, mesh: mpsc::Sender<Inner>) {
    let from = incoming.remote_address();
    let connection = match incoming.await {
        Ok(connection) => connection,
        Err(error) => return tracing::debug!(%from, %error, "a connection was refused"),
    };
    let shown = connection.peer_identity();
    let shown = shown.and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    match shown.as_ref().and_then(|chain| chain.first()).map(node_of) {
        // The mesh may be gone.
        Some(Some(node)) => drop(mesh.send(Inner::Connected(node, connection)).await),
        Some(None) => connection.close(close::NO_MEMBER, b"a certificate without a node id"),
        None => guest(from, connection, events).await,
    }
}

/// A guest may ask one thing: to be let in.
async fn guest(from: SocketAddr, connection: Connection, events: mpsc::Sender<MeshEvent>) {
    let Ok((mut out, mut asked)) = connection.accept_bi().await else { return };
    let Ok(Some(Body::Join(join))) = read(&mut asked).await else {
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
    if write(&mut out, answer.into()).await.is_ok() && out.finish().is_ok() {
        // The guest closes when it has read the answer, or is given up as idle.
        connection.closed().await;
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
    node: NodeId,
    connection: Connection,
    out: mpsc::Receiver<Message>,
    events: mpsc::Sender<MeshEvent>,
    mesh: mpsc::Sender<Inner>,
) {
    let id = connection.stable_id();
    let reason = tokio::select! {
        reason = connection.closed() => reason.to_string(),
        () = send(&connection, out) => "nothing can be sent".to_owned(),
        () = hear(node, &connection, &events) => "nothing can be heard".to_owned(),
        () = questions(node, &connection, &events) => "no more questions".to_owned(),
    };
    tracing::debug!(node = %node, reason, "disconnected");
    connection.close(close::BYE, b"bye");
    // The mesh may be gone.
    drop(mesh.send(Inner::Closed(node, id)).await);
}

/// All messages go through one stream, so that they arrive in order.
async fn send(connection: &Connection, mut out: mpsc::Receiver<Message>) {
    let Ok(mut stream) = connection.open_uni().await else { return };
    while let Some(message) = out.recv().await {
        if write(&mut stream, message.into()).await.is_err() {
            return;
        }
    }
}

async fn hear(node: NodeId, connection: &Connection, events: &mpsc::Sender<MeshEvent>) {
    while let Ok(mut stream) = connection.accept_uni().await {
        loop {
            let body = match read(&mut stream).await {
                Ok(Some(body)) => body,
                Ok(None) => continue,
                Err(ReadError::Ended) => break,
                Err(error) => return tracing::debug!(node = %node, %error, "not understood"),
            };
            match message(body) {
                Ok(Some(message)) => {
                    if events.send(MeshEvent::Message(node, message)).await.is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error) => return tracing::warn!(node = %node, %error, "malformed message"),
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
    while let Some(item) = items.recv().await {
        if write(out, item.into()).await.is_err() {
            return;
        }
    }
}
