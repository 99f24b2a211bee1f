//! Leases of one network's addresses on one node.
//!
//! ```text
//!            lease                release             `rest` has passed
//!  free ───────────────▶ leased ──────────▶ resting ────────────────────▶ free
//! ```
//!
//! **Invariant:** an address is in exactly one of the three states, or not in this node's blocks.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use weft_model::Subnet;

use crate::span::addresses;
use crate::{BlockInUse, NoAddress, NotLeasable};

/// So many addresses of one block are used at most; claimed blocks are a thousand times smaller.
const BLOCK_LIMIT: usize = 1 << 16;

/// Leases addresses from the blocks that this node owns of one subnet.
///
/// An address that comes free rests before it is leased again, and the one that rested longest is
/// leased first: caches elsewhere forget it in the meantime.
#[derive(Clone, Debug)]
pub struct Lessor {
    pub(crate) subnet: Subnet,
    pub(crate) rest: Duration,
    pub(crate) blocks: BTreeSet<IpNet>,
    pub(crate) leased: BTreeSet<IpAddr>,
    /// Ordered by the end of the rest.
    pub(crate) resting: VecDeque<(Instant, IpAddr)>,
    /// The longest-rested first.
    pub(crate) free: VecDeque<IpAddr>,
}

impl Lessor {
    /// Starts without any block.
    #[must_use]
    pub const fn new(subnet: Subnet, rest: Duration) -> Self {
        Self {
            subnet,
            rest,
            blocks: BTreeSet::new(),
            leased: BTreeSet::new(),
            resting: VecDeque::new(),
            free: VecDeque::new(),
        }
    }

    /// Takes over a block that the registry gave to this node. Adding it again changes nothing.
    pub fn add_block(&mut self, range: IpNet) {
        if !self.blocks.insert(range) {
            return;
        }
        let fresh: Vec<IpAddr> = self.assignable(range).filter(|a| self.is_unknown(*a)).collect();
        for address in fresh.into_iter().rev() {
            self.free.push_front(address);
        }
    }

    /// Forgets a block: it was given back, or an administrator took it away.
    ///
    /// A block that was split is removed once its parts were added.
    /// Give back only what [`Self::idle_blocks`] names: other blocks may hold addresses that rest.
    ///
    /// # Errors
    ///
    /// [`BlockInUse`] if an address of it, and of no other block, is leased; nothing has changed then.
    pub fn remove_block(&mut self, range: IpNet) -> Result<(), BlockInUse> {
        let mut others = self.blocks.clone();
        others.remove(&range);
        let lost = |address: &IpAddr| {
            range.contains(address) && !others.iter().any(|other| other.contains(address))
        };
        if let Some(&address) = self.leased.iter().find(|address| lost(address)) {
            return Err(BlockInUse { range, address });
        }
        self.blocks.remove(&range);
        let blocks = &self.blocks;
        self.free.retain(|address| blocks.iter().any(|block| block.contains(address)));
        Ok(())
    }

    /// The blocks of this node, ordered.
    pub fn blocks(&self) -> impl Iterator<Item = IpNet> {
        self.blocks.iter().copied()
    }

    /// Leases the address that has been free for longest.
    ///
    /// # Errors
    ///
    /// [`NoAddress`] says whether another block or only some time is needed.
    pub fn lease(&mut self, now: Instant) -> Result<IpAddr, NoAddress> {
        self.wake(now);
        let Some(address) = self.free.pop_front() else {
            return Err(self.why_none());
        };
        self.leased.insert(address);
        Ok(address)
    }

    /// Leases a certain address.
    ///
    /// # Errors
    ///
    /// [`NotLeasable`] says why it cannot be had; nothing has changed then.
    pub fn lease_exact(&mut self, now: Instant, address: IpAddr) -> Result<(), NotLeasable> {
        self.wake(now);
        if !self.subnet.is_assignable(address) {
            return Err(NotLeasable::NotAssignable(address));
        }
        if self.leased.contains(&address) {
            return Err(NotLeasable::Leased(address));
        }
        if !self.owns(address) {
            return Err(NotLeasable::NotInBlocks(address));
        }
        if let Some((until, _)) = self.resting.iter().find(|(_, resting)| *resting == address) {
            return Err(NotLeasable::Resting { address, until: *until });
        }
        self.restore(address);
        Ok(())
    }

    /// Leases an address again that the durable record says is leased, whatever state it is in.
    ///
    /// Also for addresses outside the blocks: whoever has one keeps it. Doing it twice changes nothing.
    pub fn restore(&mut self, address: IpAddr) {
        self.forget(address);
        self.leased.insert(address);
    }

    /// Ends a lease; the address rests from now on. Without a lease nothing changes.
    pub fn release(&mut self, now: Instant, address: IpAddr) {
        if self.leased.contains(&address) {
            self.rest_again(now, address);
        }
    }

    /// Lets an address rest anew that the durable record says was resting before a restart.
    pub fn rest_again(&mut self, now: Instant, address: IpAddr) {
        self.wake(now);
        self.leased.remove(&address);
        self.forget(address);
        let until = now + self.rest;
        let place = self.resting.partition_point(|(other, _)| *other <= until);
        self.resting.insert(place, (until, address));
    }

    /// Whether somebody has this address.
    #[must_use]
    pub fn is_leased(&self, address: IpAddr) -> bool {
        self.leased.contains(&address)
    }

    /// The leased addresses, ordered.
    pub fn leased(&self) -> impl Iterator<Item = IpAddr> {
        self.leased.iter().copied()
    }

    /// What was leased a moment ago, the longest ago first.
    pub fn resting(&self) -> impl Iterator<Item = IpAddr> {
        self.resting.iter().map(|(_, address)| *address)
    }

    /// Whether another block should be claimed: there is none, or three quarters are in use.
    #[must_use]
    pub fn wants_block(&self) -> bool {
        let free = self.free.len();
        let used = self.leased.iter().chain(self.resting.iter().map(|(_, address)| address));
        let used = used.filter(|address| self.owns(**address)).count();
        self.blocks.is_empty() || used.saturating_mul(4) >= (used + free).saturating_mul(3)
    }

    /// Moves addresses that have rested enough to the end of the free ones.
    fn wake(&mut self, now: Instant) {
        while let Some((_, address)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            if self.owns(address) {
                self.free.push_back(address);
            }
        }
    }

    fn why_none(&self) -> NoAddress {
        let resting = self.resting.iter().find(|(_, address)| self.owns(*address));
        match resting {
            _ if self.blocks.is_empty() => NoAddress::NoBlock,
            Some((until, _)) => NoAddress::AllResting { until: *until },
            None => NoAddress::AllLeased,
        }
    }

    fn owns(&self, address: IpAddr) -> bool {
        self.blocks.iter().any(|block| block.contains(&address))
    }

    pub(crate) fn assignable(&self, range: IpNet) -> impl Iterator<Item = IpAddr> {
        addresses(range).take(BLOCK_LIMIT).filter(|address| self.subnet.is_assignable(*address))
    }

    fn is_unknown(&self, address: IpAddr) -> bool {
        !self.leased.contains(&address)
            && !self.free.contains(&address)
            && !self.resting.iter().any(|(_, resting)| *resting == address)
    }

    /// Takes an address out of the free and the resting ones.
    fn forget(&mut self, address: IpAddr) {
        self.free.retain(|free| *free != address);
        self.resting.retain(|(_, resting)| *resting != address);
    }
}

#[cfg(test)]
mod tests;
