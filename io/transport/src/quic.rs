//! The UDP socket and how QUIC behaves on it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    AckFrequencyConfig, ClientConfig, Endpoint, EndpointConfig, IdleTimeout, ServerConfig,
    TokioRuntime, TransportConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;

use crate::tls::CredentialsError;

/// A peer that was silent for this long is gone.
const IDLE_MS: u32 = 1_500;
/// A connection is never silent for longer than this while its peer lives: six packets in a row
/// have to get lost before it is given up.
const KEEP_ALIVE: Duration = Duration::from_millis(250);
/// What a round trip is thought to take before one was measured: a lost first packet is sent again
/// after three times that, then after twice that again.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);
/// A peer acknowledges within this time, and what is not acknowledged soon after is sent again. QUIC's own
/// 25 ms (RFC 9000 §18.2) are made for bulk: here each packet is news, and the next may be a second away.
const ACKNOWLEDGED: Duration = Duration::from_millis(5);
/// Streams that a peer may have open at once.
const STREAMS: u32 = 1_024;

/// Why a connection is closed, as the other side reads it.
pub(crate) mod close {
    use quinn::VarInt;

    /// The node ends, or does not need the connection any more.
    pub(crate) const BYE: VarInt = VarInt::from_u32(0);
    /// The certificate is not a member's.
    pub(crate) const NO_MEMBER: VarInt = VarInt::from_u32(1);
    /// There is a newer connection to the same node.
    pub(crate) const REPLACED: VarInt = VarInt::from_u32(2);
    /// The certificate has run out: it is good for asking for a new one, and for nothing else.
    pub(crate) const EXPIRED: VarInt = VarInt::from_u32(3);
    /// Another agent, which answers, is that node.
    pub(crate) const CLONE: VarInt = VarInt::from_u32(4);
}

/// Why the mesh cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The UDP port cannot be had.
    #[error("listen for other nodes on UDP {address}")]
    Socket {
        /// What was asked for.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The node cannot show who it is.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl BindError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Socket { address, .. } => format!(
                "see who has the port (ss -lunp sport = :{}), or take another: weft agent --listen",
                address.port()
            ),
            Self::Credentials(_) => {
                "join the cluster again: weft leave --force, weft join".to_owned()
            }
        }
    }
}

fn transport() -> Arc<TransportConfig> {
    let mut acknowledgements = AckFrequencyConfig::default();
    acknowledgements.max_ack_delay(Some(ACKNOWLEDGED));
    let mut config = TransportConfig::default();
    config
        .ack_frequency_config(Some(acknowledgements))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(FIRST_ROUND_TRIP)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(STREAMS));
    Arc::new(config)
}

/// Listens on `address`.
///
/// The node's key makes its connection ids and resets, so that after a restart the node tells its
/// peers at once that their old connections are dead (RFC 9000 §10.3) instead of leaving them to
/// find out by silence.
pub(crate) fn listen(
    address: SocketAddr,
    config: QuicServerConfig,
    node_key: &[u8],
) -> Result<Endpoint, BindError> {
    let config = serving(config);
    let failed = |source| BindError::Socket { address, source };
    let socket = UdpSocket::bind(address).map_err(failed)?;
    Endpoint::new(lasting(node_key), Some(config), socket, Arc::new(TokioRuntime)).map_err(failed)
}

/// How to serve.
pub(crate) fn serving(config: QuicServerConfig) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(Arc::new(config));
    config.transport_config(transport());
    config
}

/// Ids and resets that a restart does not change.
fn lasting(node_key: &[u8]) -> EndpointConfig {
    let reset = hmac::Key::new(hmac::HMAC_SHA256, node_key);
    let tag = hmac::sign(&reset, b"connection ids");
    let ids = tag.as_ref().iter().take(8).fold(0, |ids, byte| ids << 8 | u64::from(*byte));
    let mut config = EndpointConfig::new(Arc::new(reset));
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
    config
}

/// An endpoint that only dials.
pub(crate) fn dialer(family_of: SocketAddr) -> io::Result<Endpoint> {
    let any = if family_of.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    Endpoint::client(any.parse().map_err(io::Error::other)?)
}

/// How to dial.
pub(crate) fn dialing(config: QuicClientConfig) -> ClientConfig {
    let mut config = ClientConfig::new(Arc::new(config));
    config.transport_config(transport());
    config
}
