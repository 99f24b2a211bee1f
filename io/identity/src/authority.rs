//! The cluster's certificate authority, on managers.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SanType,
};
use ring::hmac;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::OffsetDateTime;
use weft_model::{NodeId, Role};

use crate::name::{NotANode, cluster_uri, node_name, uri_of};
use crate::pem::{PemError, certificates, pem_of, private_key};
use crate::token::{Token, digest};

/// Certificates begin this long before they are made: hosts' clocks differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(3600);
/// How long the CA's own certificate is good for.
const CA_LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Signs nodes' certificates and makes join tokens.
pub struct Authority {
    cluster: String,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// The same name and key, signed by the CA before this one: shown to whoever knows only that.
    cross: Option<CertificateDer<'static>>,
}

/// Why the CA could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Making or signing a certificate failed, or the request was not one.
    #[error("sign a certificate")]
    Sign(#[from] rcgen::Error),
    /// The CA's file is not one.
    #[error("read the cluster's CA")]
    Pem(#[from] PemError),
    /// The CA's file has no certificate in it.
    #[error("the cluster's CA has no certificate")]
    Empty,
    /// The CA's certificate is not one that Weft made.
    #[error("read the cluster's name from its CA")]
    Foreign(#[from] NotANode),
}

impl Authority {
    /// Makes the CA of a new cluster.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn create(cluster: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = ca_params(cluster)?.self_signed(&key)?.der().clone();
        Self::assemble(certificate, None, key)
    }

    /// Makes the CA that comes after this one: for the same cluster, with another key.
    ///
    /// Certificates that it signs come with a certificate of itself that this CA has signed, so that
    /// they are good for hosts that have not heard of it yet.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn successor(&self) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let params = ca_params(&self.cluster)?;
        let certificate = params.self_signed(&key)?.der().clone();
        let cross = params.signed_by(&key, &self.issuer)?.der().clone();
        Self::assemble(certificate, Some(cross), key)
    }

    /// Reads a CA back from [`Self::pem`].
    ///
    /// # Errors
    ///
    /// If the text is not that of a CA of Weft's.
    pub fn from_pem(pem: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::try_from(&private_key(pem)?)?;
        let mut certificates = certificates(pem)?.into_iter();
        let certificate = certificates.next().ok_or(AuthorityError::Empty)?;
        Self::assemble(certificate, certificates.next(), key)
    }

    fn assemble(
        certificate: CertificateDer<'static>,
        cross: Option<CertificateDer<'static>>,
        key: KeyPair,
    ) -> Result<Self, AuthorityError> {
        let cluster = uri_of(&certificate)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self { cluster, issuer, certificate, cross })
    }

    /// The CA with its key, PEM. To be kept in a file that root alone reads.
    #[must_use]
    pub fn pem(&self) -> String {
        let certificates: Vec<Vec<u8>> =
            std::iter::once(self.der()).chain(self.cross_der()).collect();
        self.issuer.key().serialize_pem() + &pem_of(&certificates)
    }

    /// The CA's certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        pem_of(&[self.der()])
    }

    /// The CA's certificate, DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        self.certificate.to_vec()
    }

    fn cross_der(&self) -> Option<Vec<u8>> {
        self.cross.as_ref().map(|certificate| certificate.to_vec())
    }

    /// Signs the key of `request` (DER) as `node`'s; whatever else the request says is ignored.
    ///
    /// Answers the node's certificate, the CA's, and the CA's by the one before it if there was one;
    /// DER, in this order.
    ///
    /// # Errors
    ///
    /// If the request is not one, or was not made with its key.
    pub fn sign(
        &self,
        request: &[u8],
        node: NodeId,
        role: Role,
        lifetime: Duration,
    ) -> Result<Vec<Vec<u8>>, AuthorityError> {
        let request = CertificateSigningRequestDer::from(request.to_vec());
        let mut asked = CertificateSigningRequestParams::from_der(&request)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, node.to_string());
        params.distinguished_name.push(DnType::OrganizationalUnitName, role_word(role));
        params.subject_alt_names = vec![node_name(&self.cluster, node)?];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        validity(&mut params, lifetime);
        asked.params = params;
        let signed = asked.signed_by(&self.issuer)?;
        let authority = std::iter::once(self.der()).chain(self.cross_der());
        Ok(std::iter::once(signed.der().to_vec()).chain(authority).collect())
    }

    /// The token of a role. The same salt makes the same token, so that none need be stored.
    #[must_use]
    pub fn token(&self, role: Role, salt: &str) -> Token {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.issuer.key().serialized_der());
        let mac = hmac::sign(&key, format!("join {} {salt}", role_word(role)).as_bytes());
        let secret: String = mac.as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
        Token { ca_sha256: digest(&self.certificate), secret }
    }
}

impl std::fmt::Debug for Authority {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Manager => "manager",
        Role::Worker => "worker",
    }
}

fn ca_params(cluster: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("Weft cluster {cluster}"));
    params.subject_alt_names = vec![SanType::URI(cluster_uri(cluster).try_into()?)];
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, CA_LIFETIME);
    Ok(params)
}

fn validity(params: &mut CertificateParams, lifetime: Duration) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + lifetime;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NodeKey, node_of};

    const LIFETIME: Duration = Duration::from_secs(3600);

    #[test]
    fn a_node_is_found_in_the_certificate_that_its_cluster_signed() {
        let authority = Authority::create("c1").unwrap();
        let node = NodeId::from_random(7);
        let request = NodeKey::generate().unwrap().request().unwrap();
        let chain = authority.sign(&request, node, Role::Worker, LIFETIME).unwrap();
        assert_eq!(chain[1], authority.der());
        assert_eq!(node_of(&chain[0], "c1"), Ok(node));
        assert_eq!(node_of(&chain[0], "c2"), Err(NotANode::OtherCluster("c1".into())));
        assert_eq!(node_of(&chain[1], "c1"), Err(NotANode::Nameless));
        assert_eq!(node_of(b"x", "c1"), Err(NotANode::Unreadable));
    }

    #[test]
    fn an_authority_reads_back_and_makes_the_same_tokens() {
        let authority = Authority::create("c1").unwrap();
        let again = Authority::from_pem(&authority.pem()).unwrap();
        let token = authority.token(Role::Worker, "salt");
        assert_eq!(again.token(Role::Worker, "salt"), token);
        assert_ne!(again.token(Role::Manager, "salt"), token);
        assert_ne!(again.token(Role::Worker, "other"), token);
    }

    #[test]
    fn a_successor_has_another_key_and_shows_that_the_one_before_knows_it() {
        let first = Authority::create("c1").unwrap();
        let second = Authority::from_pem(&first.successor().unwrap().pem()).unwrap();
        assert_ne!(second.der(), first.der());
        assert_ne!(second.token(Role::Worker, "salt"), first.token(Role::Worker, "salt"));
        let request = NodeKey::generate().unwrap().request().unwrap();
        let node = NodeId::from_random(7);
        let chain = second.sign(&request, node, Role::Worker, LIFETIME).unwrap();
        assert_eq!(node_of(&chain[0], "c1"), Ok(node));
        assert_eq!((chain.len(), &chain[1]), (3, &second.der()));
        let key = |der: &[u8]| {
            let parsed = x509_parser::parse_x509_certificate(der).unwrap().1;
            parsed.public_key().subject_public_key.data.to_vec()
        };
        assert_eq!(key(&chain[2]), key(&second.der()));
        assert_ne!(chain[2], second.der());
    }

    #[test]
    fn garbage_is_no_request() {
        let authority = Authority::create("c1").unwrap();
        let node = NodeId::from_random(7);
        assert!(authority.sign(b"garbage", node, Role::Worker, LIFETIME).is_err());
    }
}
