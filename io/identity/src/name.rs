//! What a certificate calls its owner.

use rcgen::SanType;
use weft_model::NodeId;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Why a certificate is no node's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANode {
    /// It is no X.509 certificate.
    #[error("not an X.509 certificate")]
    Unreadable,
    /// It has no `weft://` URI, or one of another form.
    #[error("a certificate without a node's identity")]
    Nameless,
    /// It is another cluster's.
    #[error("a certificate of another cluster: {0}")]
    OtherCluster(String),
}

const SCHEME: &str = "weft://";

/// `weft://<cluster>`, the CA's own name.
pub(crate) fn cluster_uri(cluster: &str) -> String {
    format!("{SCHEME}{cluster}")
}

/// A node's name as a subject alternative name.
pub(crate) fn node_name(cluster: &str, node: NodeId) -> Result<SanType, rcgen::Error> {
    Ok(SanType::URI(format!("{SCHEME}{cluster}/node/{node}").try_into()?))
}

/// The node of `cluster` whose certificate (DER) this is. It is not verified here.
///
/// # Errors
///
/// [`NotANode`] if it does not name one.
pub fn node_of(certificate: &[u8], cluster: &str) -> Result<NodeId, NotANode> {
    let uri = uri_of(certificate)?;
    let (of, node) = uri.split_once("/node/").ok_or(NotANode::Nameless)?;
    if of != cluster {
        return Err(NotANode::OtherCluster(of.to_owned()));
    }
    node.parse().map_err(|_not_an_id| NotANode::Nameless)
}

/// What stands behind `weft://` in a certificate.
pub(crate) fn uri_of(certificate: &[u8]) -> Result<String, NotANode> {
    let (_rest, parsed) =
        X509Certificate::from_der(certificate).map_err(|_unreadable| NotANode::Unreadable)?;
    let names = parsed.subject_alternative_name().map_err(|_unreadable| NotANode::Unreadable)?;
    let names = names.ok_or(NotANode::Nameless)?;
    let uri = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => uri.strip_prefix(SCHEME).map(str::to_owned),
        _ => None,
    };
    names.value.general_names.iter().find_map(uri).ok_or(NotANode::Nameless)
}
