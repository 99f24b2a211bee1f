//! Which nodes may connect: those with a certificate of the cluster's, be it one that has run out.
//!
//! A host that was off for longer than its certificate lives comes back by itself: the handshake
//! proves that it still has its key, and all that it may do then is to ask for a new certificate.
//! [`crate::connection`] sees to that.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use crate::certificate::until;
use crate::tls::{CredentialsError, not_spoken, provider, unusable};

/// As the library's own verifier, but for certificates that were good and have run out.
#[derive(Debug)]
struct Clients(Arc<dyn ClientCertVerifier>);

/// Takes certificates of `roots`, and hosts without any, which want to join.
pub(crate) fn clients(
    roots: RootCertStore,
) -> Result<Arc<dyn ClientCertVerifier>, CredentialsError> {
    let known = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(unusable)?;
    Ok(Arc::new(Clients(known)))
}

impl ClientCertVerifier for Clients {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.0.verify_client_cert(end_entity, intermediates, now) {
            Err(error) if has_run_out(&error) => {
                // Everything else about it must have been right at its last moment.
                let last = until(end_entity).filter(|last| last.as_secs() < now.as_secs());
                let last = last.ok_or(error)?;
                self.0.verify_client_cert(end_entity, intermediates, last)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        not_spoken()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

const fn has_run_out(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. }
        )
    )
}
