//! The IPAM driver: pools and addresses. A pool is its subnet; nothing else is remembered here.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use weft_model::{Subnet, SubnetError};

use super::Drivers;
use crate::protocol::ipam::{
    Address, AddressSpaces, Capabilities, GATEWAY, Pool, REQUEST_TYPE, ReleaseAddress, ReleasePool,
    RequestAddress, RequestPool,
};
use crate::protocol::{Nothing, text};
use crate::{PoolRequest, Refusal};

/// Docker's names of the two address spaces that this driver serves.
pub(crate) const SPACES: AddressSpaces = AddressSpaces { local: "weftlocal", global: "weftglobal" };

const POOL_PREFIX: &str = "weft/";

pub(crate) async fn capabilities(_: Drivers, _: Nothing) -> Result<Capabilities, Refusal> {
    Ok(Capabilities { requires_mac_address: false, requires_request_replay: true })
}

pub(crate) async fn address_spaces(_: Drivers, _: Nothing) -> Result<AddressSpaces, Refusal> {
    Ok(SPACES)
}

pub(crate) async fn request_pool(drivers: Drivers, asked: RequestPool) -> Result<Pool, Refusal> {
    if asked.v6 {
        return Err(Refusal::new(
            "IPv6 inside overlay networks is not there yet",
            "without --ipv6",
        ));
    }
    if !asked.sub_pool.is_empty() {
        let what = format!("--ip-range {} is not possible", asked.sub_pool);
        let hint = "without it; --aux-address keeps single addresses free";
        return Err(Refusal::new(what, hint).because("weft divides a subnet among hosts by itself"));
    }
    let subnet = match asked.pool.as_str() {
        "" => None,
        pool => Some(subnet(pool)?),
    };
    let pool = drivers.overlay.offer_pool(PoolRequest { subnet }).await?;
    Ok(Pool { pool_id: format!("{POOL_PREFIX}{pool}"), pool: pool.to_string(), data: Nothing {} })
}

pub(crate) async fn release_pool(drivers: Drivers, gone: ReleasePool) -> Result<Nothing, Refusal> {
    drivers.overlay.release_pool(pool(&gone.pool_id)?).await?;
    Ok(Nothing {})
}

pub(crate) async fn request_address(
    drivers: Drivers,
    asked: RequestAddress,
) -> Result<Address, Refusal> {
    let pool = pool(&asked.pool_id)?;
    let want = match asked.address.as_str() {
        "" => None,
        text => Some(address(text)?),
    };
    let is_gateway = asked.options.get(REQUEST_TYPE).map(text).as_deref() == Some(GATEWAY);
    let given = match want {
        _ if is_gateway => gateway(pool, want)?,
        Some(held) if asked.options.is_empty() => {
            drivers.overlay.claim_address(pool, held).await?;
            held
        }
        want => drivers.overlay.lease(pool, want).await?,
    };
    Ok(Address { address: format!("{given}/{}", pool.prefix_len()), data: Nothing {} })
}

pub(crate) async fn release_address(
    drivers: Drivers,
    gone: ReleaseAddress,
) -> Result<Nothing, Refusal> {
    drivers.overlay.release(pool(&gone.pool_id)?, address(&gone.address)?).await?;
    Ok(Nothing {})
}

/// No endpoint ever has a network's gateway, so nothing is leased.
fn gateway(pool: IpNet, want: Option<IpAddr>) -> Result<IpAddr, Refusal> {
    Subnet::new(pool, want, BTreeSet::new())
        .map(|subnet| subnet.gateway)
        .map_err(|error| Refusal::new(error.to_string(), "leave --gateway out"))
}

fn subnet(text: &str) -> Result<IpNet, Refusal> {
    let refuse = |hint: &str| Refusal::new(format!("subnet {text} is not possible"), hint);
    let range: IpNet =
        text.parse().map_err(|error| refuse("--subnet 10.99.0.0/16").because(error))?;
    let checked = Subnet::new(range, None, BTreeSet::new());
    checked.map(|subnet| subnet.range).map_err(|error| refuse(&better(&error)).because(error))
}

fn better(error: &SubnetError) -> String {
    match error {
        SubnetError::HostBits { meant, .. } => format!("--subnet {meant}"),
        _ => "--subnet 10.99.0.0/16, or leave it out: weft picks a free one".to_owned(),
    }
}

fn pool(id: &str) -> Result<IpNet, Refusal> {
    let subnet = id.strip_prefix(POOL_PREFIX).and_then(|subnet| subnet.parse().ok());
    let hint = "remove the network and make it anew: docker network rm NAME";
    subnet.ok_or_else(|| Refusal::new(format!("pool `{id}` is none of weft's"), hint))
}

/// Docker sends addresses without, some versions with a prefix length.
fn address(text: &str) -> Result<IpAddr, Refusal> {
    let bare = text.split('/').next().unwrap_or(text);
    let hint = "an address such as 10.99.0.7";
    bare.parse().map_err(|_invalid| Refusal::new(format!("`{text}` is not an address"), hint))
}
