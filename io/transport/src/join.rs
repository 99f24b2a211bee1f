//! A host's side of joining: the CA is known by its hash before the secret is sent.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::{ConnectionError, TransportErrorCode};
use tokio::time::timeout;

use crate::convert::{JoinResponseOrRefusal, Malformed};
use crate::event::{JoinRefused, JoinRequest, JoinResponse};
use crate::frame::{ReadError, read, write};
use crate::quic::{close, dialer, dialing};
use crate::tls;

/// How long a manager may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const SERVER_NAME: &str = "weft";

/// Why a host did not become a member; nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Nobody answers there.
    #[error("no manager answers at UDP {address}")]
    Unreachable {
        /// What was dialled.
        address: SocketAddr,
        /// Why it failed, if that is known.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Who answers is not of the cluster that the token is for. The secret was not sent.
    #[error("the manager at {0} is not of the cluster that this token is for")]
    WrongCluster(SocketAddr),
    /// The manager said no.
    #[error("the manager refuses")]
    Refused(#[from] JoinRefused),
    /// The manager's answer is not understood.
    #[error("the manager's answer is not understood")]
    Malformed(#[from] Malformed),
}

impl JoinError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { address, .. } => format!(
                "check the address, that its agent runs (weft status there), and that no firewall \
                 drops UDP port {}",
                address.port()
            ),
            Self::WrongCluster(_) => {
                "the CA's hash differs: take the token from that very cluster, and anew if its CA was \
                 rotated since (weft token); if it is from there, somebody else answers at this address"
                    .to_owned()
            }
            Self::Refused(refused) => refused.hint.clone(),
            Self::Malformed(_) => "run the same version of Weft on both hosts".to_owned(),
        }
    }
}

/// Asks the manager at `address` to let this host in.
///
/// # Errors
///
/// [`JoinError`]; no secret leaves this host unless the CA's certificate has the hash `ca_sha256`.
pub async fn join(
    address: SocketAddr,
    ca_sha256: [u8; 32],
    request: JoinRequest,
) -> Result<JoinResponse, JoinError> {
    match timeout(PATIENCE, ask(address, ca_sha256, request)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(JoinError::Unreachable { address, source: None }),
    }
}

async fn ask(
    address: SocketAddr,
    ca_sha256: [u8; 32],
    request: JoinRequest,
) -> Result<JoinResponse, JoinError> {
    let unreachable = |source| JoinError::Unreachable { address, source: Some(source) };
    let endpoint = dialer(address).map_err(|error| unreachable(error.into()))?;
    let config = tls::joiner(ca_sha256).map_err(|error| unreachable(error.into()))?;
    let dialed = endpoint
        .connect_with(dialing(config), address, SERVER_NAME)
        .map_err(|error| unreachable(error.into()))?;
    let connection = dialed.await.map_err(|error| refused_or(address, error))?;
    let (mut out, mut answer) =
        connection.open_bi().await.map_err(|error| unreachable(error.into()))?;
    write(&mut out, request.into()).await.map_err(|error| unreachable(error.into()))?;
    let body = match read(&mut answer).await {
        Ok(Some(body)) => body,
        Ok(None) => return Err(Malformed("a later version").into()),
        Err(ReadError::Malformed(malformed)) => return Err(malformed.into()),
        Err(error) => return Err(unreachable(error.into())),
    };
    let JoinResponseOrRefusal(answer) = body.try_into()?;
    connection.close(close::BYE, b"thank you");
    endpoint.wait_idle().await;
    Ok(answer?)
}

/// TLS alerts of ours mean that the certificate was not the pinned CA's.
fn refused_or(address: SocketAddr, error: ConnectionError) -> JoinError {
    match &error {
        ConnectionError::TransportError(failure) if is_tls(failure.code) => {
            JoinError::WrongCluster(address)
        }
        _ => JoinError::Unreachable { address, source: Some(error.into()) },
    }
}

/// RFC 9001 §4.8: TLS alerts are the codes 0x100 to 0x1ff.
fn is_tls(code: TransportErrorCode) -> bool {
    (0x100..=0x1ff).contains(&u64::from(code))
}
