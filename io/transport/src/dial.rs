//! Keeps one connection to one peer alive for as long as it is wanted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, Endpoint};
use tokio::sync::mpsc;
use weft_model::NodeId;

use crate::Credentials;
use crate::mesh::Inner;
use crate::{quic, tls};

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
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
    let mut pause = FIRST_PAUSE;
    loop {
        match dial(&endpoint, &own, peer, address).await {
            Ok(connection) => {
                pause = FIRST_PAUSE;
                let connected = Inner::Connected(peer, connection.clone());
                if mesh.send(connected).await.is_err() {
                    return;
                }
                let reason = connection.closed().await;
                tracing::debug!(node = %peer, %reason, "connection closed");
            }
            Err(error) => tracing::debug!(node = %peer, %address, %error, "not reached"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn dial(
    endpoint: &Endpoint,
    own: &Credentials,
    peer: NodeId,
    address: SocketAddr,
) -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
    let config = quic::dialing(tls::client(own, peer)?);
    Ok(endpoint.connect_with(config, address, SERVER_NAME)?.await?)
}
