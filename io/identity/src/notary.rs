//! Signatures under rows: ECDSA on P-256 with SHA-256, by the key of the node's certificate.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use weft_model::PublicKey;
use weft_whereabouts::{Notary, Seal};

use crate::{KeyError, NodeKey};

/// Signs with a node's key.
#[derive(Debug)]
pub struct KeyNotary {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl KeyNotary {
    /// With the key of a membership, from [`NodeKey::pem`].
    ///
    /// # Errors
    ///
    /// If the text is no key on P-256.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (key, random) = (NodeKey::from_pem(pem)?, SystemRandom::new());
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.der(), &random)
            .map_err(|rejected| rcgen::Error::RingKeyRejected(rejected.to_string()))?;
        Ok(Self { key, random })
    }
}

impl Notary for KeyNotary {
    /// The system may have no randomness for a moment.
    fn seal(&self, statement: &[u8]) -> Option<Seal> {
        let signature = self.key.sign(&self.random, statement).ok()?;
        signature.as_ref().try_into().ok().map(Seal)
    }

    /// A key that is no point of the curve has signed nothing.
    fn is_sealed(&self, key: &PublicKey, statement: &[u8], seal: &Seal) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.as_bytes());
        key.verify(statement, &seal.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_has_signed_is_checked_with_its_public_key_alone() {
        let [one, other] = [(), ()].map(|()| NodeKey::generate().unwrap());
        let notary = KeyNotary::from_pem(&one.pem()).unwrap();
        let checks = KeyNotary::from_pem(&other.pem()).unwrap();
        let (key, seal) = (one.public().unwrap(), notary.seal(b"all that I have").unwrap());
        assert!(checks.is_sealed(&key, b"all that I have", &seal));
        assert!(!checks.is_sealed(&key, b"all that I had", &seal));
        assert!(!checks.is_sealed(&other.public().unwrap(), b"all that I have", &seal));
        assert!(!checks.is_sealed(&key, b"all that I have", &Seal([0; 64])));
    }

    #[test]
    fn a_key_that_is_none_has_signed_nothing() {
        let key = NodeKey::generate().unwrap();
        let notary = KeyNotary::from_pem(&key.pem()).unwrap();
        let seal = notary.seal(b"x").unwrap();
        for point in [[[0; 32]; 2], [[0xff; 32]; 2], [[1; 32], [2; 32]]] {
            assert!(!notary.is_sealed(&PublicKey::from_point(point), b"x", &seal));
        }
        assert!(KeyNotary::from_pem("x").is_err());
    }
}
