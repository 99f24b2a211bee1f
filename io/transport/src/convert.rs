//! Between the wire's types and the core's: what does not fit is refused here, once.

mod rows;
mod rpc;

use std::net::IpAddr;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a message of another node is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of another node is not understood: {0}")]
pub struct Malformed(pub(crate) &'static str);

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_length| Malformed(what))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn address(bytes: &[u8]) -> Result<IpAddr, Malformed> {
    match bytes.len() {
        4 => Ok(IpAddr::from(array::<4>(bytes, "an address")?)),
        16 => Ok(IpAddr::from(array::<16>(bytes, "an address")?)),
        _ => Err(Malformed("an address")),
    }
}

/// Types of the registry always write.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn parse<T: DeserializeOwned>(json: &[u8], what: &'static str) -> Result<T, Malformed> {
    serde_json::from_slice(json).map_err(|_error| Malformed(what))
}

pub(crate) use rows::message;
pub(crate) use rpc::JoinResponseOrRefusal;
