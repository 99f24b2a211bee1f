//! A registry as it is where it is kept next.

use crate::{Cluster, Keeping, Key, Snapshot, View, ViewError};

/// The same registry, saying that it is kept so.
///
/// # Errors
///
/// [`ViewError`] if the registry cannot be read.
pub fn with_keeping(registry: &Snapshot, keeping: Keeping) -> Result<Snapshot, ViewError> {
    let view = View::from_snapshot(registry)?;
    let Some(cluster) = view.cluster() else { return Ok(registry.clone()) };
    let cluster = Cluster { keeping, ..cluster.clone() };
    let mut next = registry.clone();
    let key = Key::Cluster.to_string();
    for entry in next.entries.iter_mut().filter(|entry| entry.key == key) {
        // Types of the registry always write.
        entry.value = serde_json::to_vec(&cluster).unwrap_or_default();
    }
    Ok(next)
}
