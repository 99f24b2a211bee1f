//! Who is at the other end: certificates of the cluster's CA, TLS 1.3, nothing else.

use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};
use weft_model::NodeId;

use crate::Credentials;
use crate::certificate::node_of;
use crate::clients::clients;

/// What both sides must speak.
const ALPN: &[u8] = b"weft/1";

/// A node's own credentials are of no use.
#[derive(Debug, thiserror::Error)]
#[error("this node's certificate, key or CA is of no use")]
pub struct CredentialsError(#[source] Box<dyn std::error::Error + Send + Sync>);

pub(crate) fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> CredentialsError {
    CredentialsError(Box::new(error))
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What this node shows to those that connect. They may come without a certificate, to join.
pub(crate) fn server(own: &Credentials) -> Result<QuicServerConfig, CredentialsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unusable)?
        .with_client_cert_verifier(clients(roots(own)?)?)
        .with_single_cert(own.chain.clone(), own.key.clone_key())
        .map_err(unusable)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    QuicServerConfig::try_from(config).map_err(unusable)
}

/// What this node shows to `peer`, and expects of it.
pub(crate) fn client(
    own: &Credentials,
    peer: NodeId,
) -> Result<QuicClientConfig, CredentialsError> {
    let verifier = Verifier { expect: Expect::Node(peer, roots(own)?), provider: provider() };
    let mut config = builder(verifier)?
        .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
        .map_err(unusable)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    QuicClientConfig::try_from(config).map_err(unusable)
}

/// What a host expects of a manager that knows nothing but the hash of the cluster's CA.
pub(crate) fn joiner(ca_sha256: [u8; 32]) -> Result<QuicClientConfig, CredentialsError> {
    let verifier = Verifier { expect: Expect::Authority(ca_sha256), provider: provider() };
    let mut config = builder(verifier)?.with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    QuicClientConfig::try_from(config).map_err(unusable)
}

/// What both sides answer to a signature of TLS 1.2, which they offer to nobody.
pub(crate) fn not_spoken() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
}

type ClientBuilder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(verifier: Verifier) -> Result<ClientBuilder, CredentialsError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

fn roots(own: &Credentials) -> Result<RootCertStore, CredentialsError> {
    let mut store = RootCertStore::empty();
    for root in &own.roots {
        store.add(root.clone()).map_err(unusable)?;
    }
    Ok(store)
}

/// What a server must show.
#[derive(Debug)]
enum Expect {
    /// A certificate of these roots that names this node.
    Node(NodeId, RootCertStore),
    /// A certificate of the CA that has this hash; the CA comes along.
    Authority([u8; 32]),
}

/// Host names are of no meaning here: nodes are known by their ids.
#[derive(Debug)]
struct Verifier {
    expect: Expect,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn roots(&self, shown: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        match &self.expect {
            Expect::Node(_peer, roots) => Ok(roots.clone()),
            Expect::Authority(pin) => {
                let hash =
                    |der: &CertificateDer<'_>| ::ring::digest::digest(&::ring::digest::SHA256, der);
                let pinned = shown.iter().find(|der| hash(der).as_ref() == pin.as_slice());
                let pinned =
                    pinned.ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
                let mut store = RootCertStore::empty();
                store.add(pinned.clone().into_owned())?;
                Ok(store)
            }
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let roots = self.roots(intermediates)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let between = intermediates;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, between, now, algorithms)?;
        match (&self.expect, node_of(end_entity)) {
            (Expect::Node(peer, _roots), Some(node)) if *peer == node => {}
            (Expect::Authority(_pin), Some(_node)) => {}
            _ => return Err(Error::InvalidCertificate(CertificateError::NotValidForName)),
        }
        Ok(ServerCertVerified::assertion())
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
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
