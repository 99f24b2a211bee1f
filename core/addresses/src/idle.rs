//! Which blocks a node can do without.

use std::cmp::Reverse;
use std::time::Instant;

use ipnet::IpNet;

use crate::Lessor;

impl Lessor {
    /// The blocks that may be given back: nothing of them is leased or rests.
    ///
    /// While anything is leased, so much stays that at least half is free: a block that is given back
    /// is not wanted again at once. When nothing is leased, every such block is named.
    #[must_use]
    pub fn idle_blocks(&self, now: Instant) -> Vec<IpNet> {
        let resting = self.resting.iter().filter(|(until, _)| *until > now);
        let used: Vec<_> =
            self.leased.iter().copied().chain(resting.map(|(_, address)| *address)).collect();
        let mut idle: Vec<IpNet> =
            self.blocks().filter(|block| !used.iter().any(|a| block.contains(a))).collect();
        if self.leased.is_empty() {
            return idle;
        }
        idle.sort_by_key(|block| Reverse(self.size(*block)));
        let mut capacity: usize = self.blocks().map(|block| self.size(block)).sum();
        idle.retain(|block| {
            let left = capacity.saturating_sub(self.size(*block));
            let spare = used.len().saturating_mul(2) <= left;
            if spare {
                capacity = left;
            }
            spare
        });
        idle
    }

    fn size(&self, block: IpNet) -> usize {
        self.assignable(block).count()
    }
}
