//! Keys and seals without cryptography: nobody here looks for another statement of the same sum.
//!
//! For tests and simulations only, which include this file: no crate that a user runs can name it.

use std::sync::Arc;

use weft_model::{NodeId, PublicKey};
use weft_whereabouts::{Notary, Seal};

/// Signs by summing up.
#[derive(Debug)]
struct Summing(PublicKey);

/// A node's.
pub(crate) fn notary_of(node: NodeId) -> Arc<dyn Notary> {
    Arc::new(Summing(key_of(node)))
}

/// A node's, as the registry has it.
pub(crate) fn key_of(node: NodeId) -> PublicKey {
    let [mut x, y] = [[0; 32]; 2];
    for (to, from) in x.iter_mut().zip(node.to_bytes()) {
        *to = from;
    }
    PublicKey::from_point([x, y])
}

impl Notary for Summing {
    fn seal(&self, statement: &[u8]) -> Option<Seal> {
        Some(sum(&self.0, statement))
    }

    fn is_sealed(&self, key: &PublicKey, statement: &[u8], seal: &Seal) -> bool {
        sum(key, statement) == *seal
    }
}

fn sum(key: &PublicKey, statement: &[u8]) -> Seal {
    // FNV-1a, by words: of long statements it takes the most of a run otherwise.
    let words = key.as_bytes().chunks(8).chain(statement.chunks(8));
    let sum = words.fold(0xcbf2_9ce4_8422_2325_u64, |sum, word| {
        let word = word.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        (sum ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
    });
    let mut seal = [0; 64];
    for (to, from) in seal.iter_mut().zip(sum.to_le_bytes()) {
        *to = from;
    }
    Seal(seal)
}
