//! Certificates and keys in files.

use pem::Pem;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a text holds no certificate or key.
#[derive(Debug, thiserror::Error)]
#[error("read {what} from PEM")]
pub struct PemError {
    what: &'static str,
    #[source]
    source: rustls::pki_types::pem::Error,
}

/// All certificates of a text, in order.
///
/// # Errors
///
/// If one cannot be read.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, PemError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|source| PemError { what: "a certificate", source })
}

/// The private key of a text.
///
/// # Errors
///
/// If there is none.
pub fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|source| PemError { what: "a private key", source })
}

/// Certificates (DER) as a text.
#[must_use]
pub fn pem_of(certificates: &[Vec<u8>]) -> String {
    let blocks: Vec<Pem> =
        certificates.iter().map(|der| Pem::new("CERTIFICATE", der.as_slice())).collect();
    pem::encode_many(&blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_or_a_key_is_told() {
        assert!(certificates("").unwrap().is_empty());
        assert!(private_key("").unwrap_err().to_string().contains("private key"));
    }
}
