//! Backups of what should exist.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/cluster/backup`: a registry, and the keys that it takes to go on with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupView {
    /// What to keep, as it is, where nobody else can read it: it holds private keys.
    pub text: String,
    /// The registry's revision.
    pub revision: u64,
    /// How many nodes it has.
    pub nodes: u64,
    /// How many networks it has.
    pub networks: u64,
    /// Whether a majority of the managers stands behind it; else others may know more.
    pub confirmed: bool,
}

impl fmt::Debug for BackupView {
    /// Leaves the secrets out, so that they get into no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text: _, revision, nodes, networks, confirmed } = self;
        f.debug_struct("BackupView")
            .field("revision", revision)
            .field("nodes", nodes)
            .field("networks", networks)
            .field("confirmed", confirmed)
            .finish_non_exhaustive()
    }
}
