//! Keeps one connection to one peer alive for as long as it is wanted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, Endpoint, RecvStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use weft_model::NodeId;

use crate::Credentials;
use crate::mesh::Inner;
use crate::{quic, tls};

/// The pause after an attempt.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the first word of a peer may take to come, attempt after attempt.
///
/// Within an attempt the pauses between packets double: short ones find a peer soon after it is
/// back. The long one is for peers that are far away or very busy.
const PATIENCE: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(1),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// A peer that takes this node for a member says so within this time.
const GREETING: Duration = Duration::from_secs(3);
/// Never looked at: nodes are known by their ids.
const SERVER_NAME: &str = "weft";

/// Dials until it is aborted.
pub(crate) async fn keep(
    endpoint: Endpoint,
    own: Arc<Credentials>,
    peer: NodeId,
    address: SocketAddr,
    mesh: mpsc::Sender<Inner>,
) {
    let mut patience = PATIENCE.into_iter().cycle();
    while let Some(within) = patience.next() {
        match dial(&endpoint, &own, (peer, address), within).await {
            Ok((connection, first)) => {
                patience = PATIENCE.into_iter().cycle();
                let connected = Inner::Connected(peer, connection.clone(), Some(first));
                if mesh.send(connected).await.is_err() {
                    return;
                }
                let reason = connection.closed().await;
                tracing::debug!(node = %peer, %reason, "connection closed");
            }
            Err(error) => tracing::debug!(node = %peer, %address, %error, "not reached"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn dial(
    endpoint: &Endpoint,
    own: &Credentials,
    (peer, address): (NodeId, SocketAddr),
    within: Duration,
) -> Result<(Connection, RecvStream), Box<dyn std::error::Error + Send + Sync>> {
    let config = quic::dialing(tls::client(own, peer)?);
    let mut connecting = endpoint.connect_with(config, address, SERVER_NAME)?;
    // What comes after the first word has the time that a connection may be silent.
    drop(timeout(within, connecting.handshake_data()).await?);
    let connection = connecting.await?;
    // Who does not take this node for a member closes instead.
    let first = timeout(GREETING, connection.accept_uni()).await??;
    Ok((connection, first))
}
