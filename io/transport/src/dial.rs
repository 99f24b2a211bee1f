//! Keeps one connection to one peer alive for as long as it is wanted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, ConnectionError, Endpoint, RecvStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use weft_model::NodeId;

use crate::Credentials;
use crate::event::{Refusal, Stranger};
use crate::instance::Instance;
use crate::mesh::Inner;
use crate::refusal::refusal;
use crate::{quic, tls};

/// The pause after an attempt that failed.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause after a connection was lost: shorter than its loss goes unnoticed.
const AT_ONCE: Duration = Duration::from_millis(50);
/// How long the first word of a peer may take to come.
///
/// Within an attempt the pauses between packets double: short ones find a peer soon after it is
/// back. With these a packet is sent at least every 400 ms.
const SHORT: Duration = Duration::from_millis(600);
/// Every so many attempts one goes on beside the others for longer: for peers that are far away or
/// very busy.
const LONG: Duration = Duration::from_secs(3);
const LONG_EVERY: u32 = 4;
/// A peer that takes this node for a member says so within this time.
const GREETING: Duration = Duration::from_secs(3);
/// How long the first word of a peer may take that is knocked at.
const KNOCK: Duration = Duration::from_secs(3);

/// Who dials.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) endpoint: Endpoint,
    pub(crate) own: watch::Receiver<Arc<Credentials>>,
    pub(crate) instance: Option<Instance>,
}

/// Dials once, for a node that is dialled by `peer` but has not been for long: it may be taken for
/// no member there, or packets pass in one direction only.
pub(crate) async fn knock(
    caller: Caller,
    (peer, address): (NodeId, SocketAddr),
    mesh: mpsc::Sender<Inner>,
) {
    let told = match dial(&caller, (peer, address), KNOCK).await {
        Ok((connection, first)) => Inner::Connected(peer, connection, Some(first)),
        Err(error) => {
            tracing::debug!(node = %peer, %address, %error, "no answer");
            match said(&*error) {
                Some(Refusal::NoMember) => Inner::Disowned(peer),
                Some(why) => Inner::Refused(Stranger { at: address, node: Some(peer), why }),
                None => Inner::Missed(peer),
            }
        }
    };
    // The mesh may be gone.
    drop(mesh.send(told).await);
}

/// Dials until it is aborted.
pub(crate) async fn keep(
    caller: Caller,
    (peer, address): (NodeId, SocketAddr),
    mesh: mpsc::Sender<Inner>,
) {
    let mut before = None;
    let mut number = 0_u32;
    loop {
        number = number.wrapping_add(1);
        let pause = match attempt(&caller, (peer, address), number).await {
            Ok((connection, first)) => {
                number = 0;
                before = None;
                let connected = Inner::Connected(peer, connection.clone(), Some(first));
                if mesh.send(connected).await.is_err() {
                    return;
                }
                let reason = connection.closed().await;
                tracing::debug!(node = %peer, %reason, "connection closed");
                AT_ONCE
            }
            Err(error) => {
                tracing::debug!(node = %peer, %address, %error, "not reached");
                let why = said(&*error);
                let told = match why {
                    Some(Refusal::NoMember) => Some(Inner::Disowned(peer)),
                    // Told once, not with each attempt.
                    Some(why) if before != Some(why) => {
                        Some(Inner::Refused(Stranger { at: address, node: Some(peer), why }))
                    }
                    _ => None,
                };
                before = why;
                if let Some(told) = told
                    && mesh.send(told).await.is_err()
                {
                    return;
                }
                PAUSE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

fn said(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Refusal> {
    error.downcast_ref::<ConnectionError>().and_then(refusal)
}

type Dialled = Result<(Connection, RecvStream), Box<dyn std::error::Error + Send + Sync>>;

/// A short attempt, or a long one with short ones beside it: its packets are too far between to find
/// a peer soon that has just come back.
async fn attempt(caller: &Caller, to: (NodeId, SocketAddr), number: u32) -> Dialled {
    if !number.is_multiple_of(LONG_EVERY) {
        return dial(caller, to, SHORT).await;
    }
    let beside = async {
        tokio::time::sleep(SHORT).await;
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Ok(dialled) = dial(caller, to, SHORT).await {
                return dialled;
            }
        }
    };
    tokio::select! {
        long = dial(caller, to, LONG) => long,
        short = beside => Ok(short),
    }
}

async fn dial(
    Caller { endpoint, own, instance }: &Caller,
    (peer, address): (NodeId, SocketAddr),
    within: Duration,
) -> Dialled {
    let own = Arc::clone(&own.borrow());
    let config = quic::dialing(tls::client(&own, peer)?);
    let mut connecting =
        endpoint.connect_with(config, address, &Instance::server_name(*instance))?;
    // What comes after the first word has the time that a connection may be silent.
    drop(timeout(within, connecting.handshake_data()).await?);
    let connection = connecting.await?;
    // Who does not take this node for a member closes instead.
    let first = timeout(GREETING, connection.accept_uni()).await??;
    Ok((connection, first))
}
