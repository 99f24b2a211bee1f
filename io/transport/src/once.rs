//! One question to one node, for a node without a mesh.

use std::net::SocketAddr;

use weft_model::NodeId;

use crate::convert::Malformed;
use crate::event::{Request, Response};
use crate::frame::{read, write};
use crate::handle::{RequestError, lost};
use crate::quic::{close, dialer, dialing};
use crate::{Credentials, tls};

/// Asks the node `to` one thing, over a connection that ends with the answer. The caller sets the
/// deadline.
///
/// # Errors
///
/// [`RequestError`] if no answer came; whether it was carried out is not known then.
pub async fn ask_once(
    own: &Credentials,
    to: NodeId,
    address: SocketAddr,
    request: Request,
) -> Result<Response, RequestError> {
    let endpoint = dialer(address).map_err(lost)?;
    let config = dialing(tls::client(own, to).map_err(lost)?);
    let dialed = endpoint.connect_with(config, address, "weft").map_err(lost)?;
    let connection = dialed.await.map_err(|_error| RequestError::NotConnected)?;
    let (mut out, mut answer) = connection.open_bi().await.map_err(lost)?;
    write(&mut out, request.into()).await.map_err(lost)?;
    out.finish().map_err(lost)?;
    let body = read(&mut answer).await.map_err(lost)?.ok_or(Malformed("a later version"))?;
    connection.close(close::BYE, b"thank you");
    endpoint.wait_idle().await;
    Ok(Response::try_from(body)?)
}
