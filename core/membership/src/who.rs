//! A member as SWIM knows it: a node in one of its lives, in twelve bytes.

use weft_model::NodeId;

/// How many times a node may renew itself within one run of its agent.
const RENEWALS: u32 = 1 << 10;

/// A node's id in 64 of its random bits.
pub(crate) type Short = [u8; 8];

/// A node in one of its lives. Who was declared down is down for good, and lives on in its next
/// life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) node: Short,
    /// The run of its agent, and how often it has renewed itself within.
    pub(crate) life: u32,
}

impl Who {
    /// The first life of a run.
    pub(crate) fn new(node: NodeId, epoch: u64) -> Self {
        let epoch = u32::try_from(epoch % u64::from(u32::MAX / RENEWALS)).unwrap_or_default();
        Self { node: short(node), life: epoch * RENEWALS }
    }
}

/// Two nodes of a cluster that share these bits are as likely as two that share a MAC address
/// of a much larger space: one in 4·10¹¹ clusters of 10,000.
pub(crate) fn short(node: NodeId) -> Short {
    let [.., a, b, c, d, e, f, g, h] = node.to_bytes();
    [a, b, c, d, e, f, g, h]
}

impl foca::Identity for Who {
    type Addr = Short;

    fn renew(&self) -> Option<Self> {
        Some(Self { life: self.life.wrapping_add(1), ..*self })
    }

    fn addr(&self) -> Short {
        self.node
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.life > adversary.life
    }
}

#[cfg(test)]
mod tests {
    use foca::Identity as _;

    use super::*;

    #[test]
    fn a_later_life_wins_and_a_later_run_wins_over_all_lives_of_the_one_before() {
        let node = NodeId::from_random(0xabc);
        let (first, second) = (Who::new(node, 1), Who::new(node, 2));
        let renewed = first.renew().unwrap();
        assert!(renewed.win_addr_conflict(&first) && second.win_addr_conflict(&renewed));
        assert_eq!((first.addr(), first.node), (second.addr(), short(node)));
    }
}
