//! Addresses: leased from this node's own blocks, durable before anybody hears of them.

use std::net::IpAddr;
use std::time::Instant;

use weft_addresses::{Lessor, NotLeasable};
use weft_api::{ApiProblem, ProblemKind};
use weft_model::NetworkId;

use super::{LeaseRefused, State};
use crate::local::Held;
use crate::problem::{Answer, not_found, problem};

impl State {
    /// Leases an address, `want` or any.
    ///
    /// Who wants a certain one that still rests here gets it all the same: a container with a fixed
    /// address is restarted. An address that was leased here before has its last MAC again: containers
    /// keep what they know of their neighbors for longer than any address rests.
    pub(super) async fn lease(
        &mut self,
        network: NetworkId,
        want: Option<IpAddr>,
    ) -> Result<IpAddr, LeaseRefused> {
        let (now, known) = (Self::now(), self.newest_block(network));
        let lessor = self
            .lessors
            .get_mut(&network)
            .ok_or_else(|| LeaseRefused::Refused(not_found("network", &network.to_string())))?;
        let address = match want {
            None => lessor
                .lease(now)
                .map_err(|none| LeaseRefused::NeedsNext { known, rest: none.until() })?,
            Some(address) => match lessor.lease_exact(now, address) {
                Ok(()) => address,
                Err(NotLeasable::Resting { .. }) => {
                    lessor.restore(address);
                    address
                }
                Err(error) => return Err(not_leasable(&error, address)),
            },
        };
        self.keep(network, address).await?;
        Ok(address)
    }

    /// Leases an address for nobody here; one that rests is refused.
    pub(super) async fn hold_back(
        &mut self,
        network: NetworkId,
        address: IpAddr,
    ) -> Result<(), LeaseRefused> {
        let now = Self::now();
        let lessor = self
            .lessors
            .get_mut(&network)
            .ok_or_else(|| LeaseRefused::Refused(not_found("network", &network.to_string())))?;
        lessor.lease_exact(now, address).map_err(|error| not_leasable(&error, address))?;
        self.keep(network, address).await
    }

    /// Writes a lease down; it is none if that fails.
    async fn keep(&mut self, network: NetworkId, address: IpAddr) -> Result<(), LeaseRefused> {
        let held = Held { network, address };
        if let Err(problem) = self.local.lease(held, false).await {
            let now = Self::now();
            self.lessor(network, |lessor| lessor.release(now, address));
            return Err(LeaseRefused::Refused(problem));
        }
        Ok(())
    }

    /// Lets an address rest.
    pub(super) async fn release(&mut self, network: NetworkId, address: IpAddr) -> Answer<()> {
        let leased = self.lessors.get(&network).is_some_and(|lessor| lessor.is_leased(address));
        if !leased {
            return Ok(());
        }
        self.local.lease(Held { network, address }, true).await?;
        let now = Self::now();
        self.lessor(network, |lessor| lessor.release(now, address));
        Ok(())
    }

    fn lessor(&mut self, network: NetworkId, act: impl FnOnce(&mut Lessor)) {
        if let Some(lessor) = self.lessors.get_mut(&network) {
            act(lessor);
        }
    }
}

fn not_leasable(error: &NotLeasable, address: IpAddr) -> LeaseRefused {
    match error {
        NotLeasable::NotInBlocks(_) => LeaseRefused::NeedsHolding(address),
        NotLeasable::Leased(_) => refused(
            ProblemKind::Conflict,
            format!("address {address} is in use"),
            "leave the address out, or see who has it: weft endpoint ls",
        ),
        NotLeasable::Resting { until, .. } => {
            let left = until.saturating_duration_since(Instant::now()).as_secs() + 1;
            refused(
                ProblemKind::Conflict,
                format!("address {address} was in use a moment ago and rests for {left} s"),
                "wait, or leave the address out",
            )
        }
        NotLeasable::NotAssignable(_) => refused(
            ProblemKind::BadInput,
            format!("address {address} is not one that an endpoint of this network may have"),
            "take one of the subnet that is neither the gateway nor reserved",
        ),
    }
}

fn refused(kind: ProblemKind, what: String, hint: &str) -> LeaseRefused {
    let problem: ApiProblem = problem(kind, what, hint);
    LeaseRefused::Refused(problem)
}
