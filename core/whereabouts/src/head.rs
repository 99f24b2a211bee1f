//! How far an owner's word is known, and the sums by which two nodes find out that they differ.

use serde::{Deserialize, Serialize};
use weft_model::NodeId;

/// A place in an owner's history: of two, the greater is the later.
///
/// An `epoch` is one run of the owner's agent. Versions count all of that run's changes, on all
/// its networks. Nothing has the epoch 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Head {
    /// The owner's run.
    pub epoch: u64,
    /// Its change.
    pub version: u64,
}

/// Owners are spread over so many sums, so that a difference is found without listing all.
pub(crate) const BUCKETS: usize = 64;

/// One sum of heads a bucket. It does not depend on the order in which they became known, and
/// costs the same to keep however many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums([u64; BUCKETS]);

impl Sums {
    pub(crate) const fn new() -> Self {
        Self([0; BUCKETS])
    }

    /// The owner's word is known up to `new` instead of `old`.
    pub(crate) fn replace(&mut self, owner: NodeId, old: Head, new: Head) {
        if let Some(sum) = self.0.get_mut(bucket(owner)) {
            *sum = sum.wrapping_sub(fingerprint(owner, old)).wrapping_add(fingerprint(owner, new));
        }
    }

    /// Equal for equal knowledge; a difference is overlooked once in 2⁶⁴ times.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, sum| mix(total ^ sum))
    }

    pub(crate) fn to_vec(&self) -> Vec<u64> {
        self.0.to_vec()
    }

    /// The buckets that differ, one bit each.
    pub(crate) fn differing(&self, theirs: &[u64]) -> u64 {
        let differs = |at: &usize| self.0.get(*at) != theirs.get(*at);
        (0..BUCKETS).filter(differs).fold(0, |bits, at| bits | 1 << at)
    }
}

/// Whether `owner`'s bucket is one of those that the bits name.
pub(crate) fn is_in(owner: NodeId, buckets: u64) -> bool {
    buckets >> bucket(owner) & 1 == 1
}

fn bucket(owner: NodeId) -> usize {
    usize::try_from(folded(owner) % 64).unwrap_or_default()
}

fn fingerprint(owner: NodeId, head: Head) -> u64 {
    if head == Head::default() {
        return 0;
    }
    mix(mix(folded(owner) ^ head.epoch) ^ head.version)
}

/// A node's id in 64 bits.
pub(crate) fn folded(node: NodeId) -> u64 {
    let halves = node.to_bytes().into_iter().fold((0, 0), |(high, low): (u64, u64), byte| {
        (high << 8 | low >> 56, low << 8 | u64::from(byte))
    });
    mix(mix(halves.0) ^ halves.1)
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014): each bit of the input moves all.
pub(crate) const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn head(epoch: u64, version: u64) -> Head {
        Head { epoch, version }
    }

    #[test]
    fn sums_are_equal_for_equal_knowledge_in_whatever_order_it_came() {
        let nodes: Vec<NodeId> = (1..200).map(NodeId::from_random).collect();
        let (mut one, mut other) = (Sums::new(), Sums::new());
        for &node in &nodes {
            one.replace(node, Head::default(), head(1, 5));
        }
        for &node in nodes.iter().rev() {
            other.replace(node, Head::default(), head(1, 2));
            other.replace(node, head(1, 2), head(1, 5));
        }
        assert_eq!((one.total(), one.differing(&other.to_vec())), (other.total(), 0));
    }

    #[test]
    fn one_difference_is_in_one_bucket() {
        let (node, mut one) = (NodeId::from_random(7), Sums::new());
        let other = one.clone();
        one.replace(node, Head::default(), head(3, 9));
        assert_ne!(one.total(), other.total());
        let differing = one.differing(&other.to_vec());
        assert_eq!(differing.count_ones(), 1);
        assert!(is_in(node, differing));
        one.replace(node, head(3, 9), Head::default());
        assert_eq!(one, other);
    }

    #[test]
    fn owners_are_spread_over_all_buckets() {
        let all = (0..4_000).fold(0, |bits, id| bits | 1 << bucket(NodeId::from_random(id)));
        assert_eq!(all, u64::MAX);
    }
}
