//! Keys and seals without cryptography: nobody here looks for another statement of the same sum.

use std::sync::Arc;

use weft_model::{NodeId, PublicKey};
use weft_whereabouts::{Notary, Seal, Whereabouts};

/// Signs by summing up.
#[derive(Debug)]
struct Summing(PublicKey);

impl Notary for Summing {
    fn seal(&self, statement: &[u8]) -> Option<Seal> {
        Some(sum(&self.0, statement))
    }

    fn is_sealed(&self, key: &PublicKey, statement: &[u8], seal: &Seal) -> bool {
        sum(key, statement) == *seal
    }
}

/// FNV-1a, 64 bit.
fn sum(key: &PublicKey, statement: &[u8]) -> Seal {
    let bytes = key.as_bytes().iter().chain(statement);
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut seal = [0; 64];
    seal[..8].copy_from_slice(&sum.to_be_bytes());
    Seal(seal)
}

/// A node's.
pub(crate) fn key_of(node: NodeId) -> PublicKey {
    let mut point = [[0; 32]; 2];
    point[0][..16].copy_from_slice(&node.to_bytes());
    PublicKey::from_point(point)
}

/// A run of a node's.
pub(crate) fn machine(node: NodeId, epoch: u64, seed: u64) -> Whereabouts {
    Whereabouts::new(node, epoch, seed, Arc::new(Summing(key_of(node))))
}
