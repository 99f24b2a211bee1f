//! What a host says that it has dropped.

use std::collections::BTreeMap;

use weft_api::DropsView;
use weft_lab::Host;

use crate::Cluster;

impl Cluster {
    /// What a host has dropped, counted and told.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn drops(&self, host: &Host) -> anyhow::Result<DropsView> {
        self.json(host, &["drops"]).await
    }

    /// How much a host has dropped, by reason.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn dropped(&self, host: &Host) -> anyhow::Result<BTreeMap<String, u64>> {
        let counters = self.drops(host).await?.counters;
        Ok(counters.into_iter().map(|counter| (counter.reason, counter.count)).collect())
    }
}
