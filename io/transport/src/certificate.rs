//! What a node's certificate says; it was verified before.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use weft_model::NodeId;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The node in a certificate's `weft://<cluster>/node/<id>`.
pub(crate) fn node_of(certificate: &CertificateDer<'_>) -> Option<NodeId> {
    let (_rest, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let uri = names.value.general_names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix("weft://"),
        _ => None,
    })?;
    uri.split_once("/node/")?.1.parse().ok()
}

/// The last second in which a certificate is good.
pub(crate) fn until(certificate: &CertificateDer<'_>) -> Option<UnixTime> {
    let (_rest, parsed) = X509Certificate::from_der(certificate).ok()?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

/// Whether a certificate has run out by now.
pub(crate) fn has_run_out(certificate: &CertificateDer<'_>) -> bool {
    until(certificate).is_none_or(|last| last.as_secs() < UnixTime::now().as_secs())
}
