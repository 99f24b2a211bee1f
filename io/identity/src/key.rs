//! A node's own key: made on the node, and never leaving it.

use rcgen::{CertificateParams, KeyPair};
use weft_model::PublicKey;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509CertificationRequest};

/// A node's private key.
#[derive(Debug)]
pub struct NodeKey(KeyPair);

/// Why a key or a request could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make a node's key")]
pub struct KeyError(#[from] rcgen::Error);

/// Why a request for a certificate is for no key of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// It is no request.
    #[error("not a request for a certificate")]
    Unreadable,
    /// Its key is of another kind.
    #[error("a request for a certificate of another key than one on P-256")]
    OtherKind,
}

/// The key that a request (DER) asks a certificate for. Whether it was made with that key is not looked at.
///
/// # Errors
///
/// [`NotAKey`] if there is none that nodes have.
pub fn asked_for(request: &[u8]) -> Result<PublicKey, NotAKey> {
    let (_rest, parsed) =
        X509CertificationRequest::from_der(request).map_err(|_unreadable| NotAKey::Unreadable)?;
    let key = &parsed.certification_request_info.subject_pki.subject_public_key;
    PublicKey::from_bytes(&key.data).ok_or(NotAKey::OtherKind)
}

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

    /// What others check its signatures with.
    ///
    /// # Errors
    ///
    /// If it is of another kind than [`Self::generate`] makes.
    pub fn public(&self) -> Result<PublicKey, NotAKey> {
        PublicKey::from_bytes(self.0.public_key_raw()).ok_or(NotAKey::OtherKind)
    }

    /// As the system's libraries have keys (PKCS #8, DER).
    pub(crate) fn der(&self) -> &[u8] {
        self.0.serialized_der()
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

    #[test]
    fn a_request_is_for_the_key_that_made_it() {
        let key = NodeKey::generate().unwrap();
        assert_eq!(asked_for(&key.request().unwrap()), key.public());
        assert_eq!(asked_for(b"x"), Err(NotAKey::Unreadable));
        let other = NodeKey(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap());
        assert_eq!(asked_for(&other.request().unwrap()), Err(NotAKey::OtherKind));
        assert_eq!(other.public(), Err(NotAKey::OtherKind));
    }
}
