//! Docker's address management: pools are networks' subnets, addresses are leases.

use std::net::IpAddr;
use std::sync::Mutex;

use ipnet::IpNet;
use weft_addresses::next_subnet;
use weft_api::ProblemKind;
use weft_docker::PoolRequest;
use weft_model::Subnet;

use crate::fabric::Fabric;
use crate::problem::{Answer, because, not_found, problem};

/// Docker asks again until it likes an offer: this many are not repeated.
const REMEMBERED: usize = 512;

/// The pools that were offered lately and may still become networks.
#[derive(Debug, Default)]
pub(super) struct Offers(Mutex<Vec<IpNet>>);

impl Offers {
    /// A range for a network that does not exist yet, or the one that is asked for.
    pub(super) async fn offer(&self, fabric: &Fabric, request: PoolRequest) -> Answer<IpNet> {
        match request.subnet {
            Some(subnet) => Subnet::new(subnet, None, std::collections::BTreeSet::new())
                .map(|checked| checked.range)
                .map_err(|error| {
                    because(ProblemKind::BadInput, "the subnet is of no use", &error, HINT)
                }),
            None => self.any(fabric).await,
        }
    }

    async fn any(&self, fabric: &Fabric) -> Answer<IpNet> {
        let view = fabric.view();
        let cluster = view.cluster().ok_or_else(crate::problem::no_member)?;
        let taken = fabric.taken_ranges().await;
        let mut offered = self.lock();
        let subnet = next_subnet(&cluster.pools, cluster.subnet_prefix, &taken, &offered)
            .or_else(|| {
                // All were offered: begin anew behind the one that was offered last.
                let last = offered.pop();
                offered.clear();
                offered.extend(last);
                next_subnet(&cluster.pools, cluster.subnet_prefix, &taken, &offered)
            })
            .ok_or_else(|| {
                problem(ProblemKind::Conflict, "no subnet is left in the pools", HINT)
            })?;
        if offered.len() == REMEMBERED {
            offered.remove(0);
        }
        offered.push(subnet);
        Ok(subnet)
    }

    /// Docker does not want this one: others are offered first.
    pub(super) fn withdraw(&self, subnet: IpNet) {
        let mut offered = self.lock();
        if !offered.contains(&subnet) {
            offered.push(subnet);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<IpNet>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

const HINT: &str =
    "name a free one, such as --subnet 10.99.0.0/24; see what is taken: weft network ls";

/// Holds an address that is in use or kept free; before its network exists there is nothing to do.
pub(super) async fn claim(fabric: &Fabric, subnet: IpNet, address: IpAddr) -> Answer<()> {
    let Some(network) = fabric.network_with(subnet) else { return Ok(()) };
    let reserved = network.subnets.iter().any(|s| !s.is_assignable(address));
    if reserved || fabric.state.picture().holds(network.id, address) {
        return Ok(());
    }
    fabric.lease(network.id, Some(address)).await.map(|_address| ())
}

/// Leases an address for a container.
pub(super) async fn lease(fabric: &Fabric, subnet: IpNet, want: Option<IpAddr>) -> Answer<IpAddr> {
    let network =
        fabric.network_with(subnet).ok_or_else(|| not_found("network", &subnet.to_string()))?;
    fabric.lease(network.id, want).await
}

/// Lets an address rest.
pub(super) async fn release(fabric: &Fabric, subnet: IpNet, address: IpAddr) -> Answer<()> {
    let Some(network) = fabric.network_with(subnet) else { return Ok(()) };
    if fabric.state.picture().with_address(network.id, address).is_some() {
        // A second container asked for it and was refused: the first one keeps it.
        return Ok(());
    }
    fabric.state.release(network.id, address).await
}
