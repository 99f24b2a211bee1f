//! A node's own key: made on the node, and never leaving it.

use rcgen::{CertificateParams, KeyPair};

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
