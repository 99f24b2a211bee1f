//! A node's own key: made on the node, and never leaving it.

use rcgen::{CertificateParams, KeyPair};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A node's private key.
#[derive(Debug)]
pub struct NodeKey(KeyPair);

/// Why a key or a request could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make a node's key")]
pub struct KeyError(#[from] rcgen::Error);

impl NodeKey {
    /// Makes a key: ECDSA on P-256.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self(KeyPair::generate()?))
    }

    /// Reads a key back from [`Self::pem`].
    ///
    /// # Errors
    ///
    /// If the text is no key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Ok(Self(KeyPair::from_pem(pem)?))
    }

    /// Whether a certificate (DER) is for this key.
    #[must_use]
    pub fn fits(&self, certificate: &[u8]) -> bool {
        let parsed = X509Certificate::from_der(certificate);
        parsed.is_ok_and(|(_rest, parsed)| {
            parsed.public_key().subject_public_key.data.as_ref() == self.0.public_key_raw()
        })
    }

    /// The request for a certificate, DER. It holds the public key; the name is the CA's to give.
    ///
    /// # Errors
    ///
    /// If it cannot be signed.
    pub fn request(&self) -> Result<Vec<u8>, KeyError> {
        let request = CertificateParams::default().serialize_request(&self.0)?;
        Ok(request.der().to_vec())
    }

    /// The key itself, PEM. To be kept in a file that root alone reads.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.serialize_pem()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weft_model::{NodeId, Role};

    use super::*;
    use crate::Authority;

    #[test]
    fn a_key_reads_back_and_knows_its_certificates() {
        let authority = Authority::create("c1").unwrap();
        let key = NodeKey::generate().unwrap();
        let again = NodeKey::from_pem(&key.pem()).unwrap();
        let (request, life) = (again.request().unwrap(), Duration::from_secs(60));
        let chain = authority.sign(&request, NodeId::from_random(7), Role::Worker, life).unwrap();
        assert!(key.fits(&chain[0]));
        assert!(!key.fits(&chain[1]));
        assert!(!key.fits(b"x"));
    }
}
