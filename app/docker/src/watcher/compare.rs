//! The overlay's endpoints beside Docker's own list: names that changed, endpoints that are gone.

use std::collections::BTreeSet;
use std::time::Instant;

use weft_docker_api::{ApiError, Network};
use weft_life::Life;

use super::{LIST_WITHIN, Watcher};
use crate::Attachment;
use crate::mirror::DRIVER;

/// Which containers' names are known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All have just been asked for.
    All,
    /// Those are not whose name has changed without our seeing it, nor those that Docker has although
    /// we think that they have ended.
    Doubtful,
}

impl Watcher {
    /// Compares the overlay's endpoints with Docker's; if Docker does not tell all, not at all.
    pub(super) async fn compare(&mut self, known: Known) {
        match self.weft_networks().await {
            Ok(networks) => {
                if known == Known::Doubtful {
                    self.ask_doubtful(&networks).await;
                }
                self.forget_missing(&networks).await;
            }
            Err(error) => tracing::debug!(%error, "docker does not tell its endpoints"),
        }
    }

    async fn weft_networks(&self) -> Result<Vec<Network>, ApiError> {
        let mut networks = Vec::new();
        for listed in self.engine.networks(Some(DRIVER), LIST_WITHIN).await? {
            match self.engine.network(&listed.id, LIST_WITHIN).await {
                Ok(network) => networks.push(network),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(networks)
    }

    async fn ask_doubtful(&mut self, networks: &[Network]) {
        let attachments = self.overlay.attachments().await;
        for (key, entry) in networks.iter().flat_map(|network| &network.containers) {
            let name = |a: &Attachment| a.names.name.as_ref().map(ToString::to_string);
            let ours = attachments.iter().find(|a| a.endpoint.as_str() == entry.endpoint_id);
            let told = Some(entry.name.to_ascii_lowercase());
            let doubtful = |a: &Attachment| name(a) != told || a.life == Life::Ended;
            if !key.starts_with("ep-") && ours.is_some_and(doubtful) {
                self.ask(key.clone());
            }
        }
    }

    async fn forget_missing(&mut self, networks: &[Network]) {
        let told: BTreeSet<_> = networks
            .iter()
            .flat_map(|network| &network.containers)
            .flat_map(|(key, entry)| [entry.endpoint_id.as_str(), key.trim_start_matches("ep-")])
            .collect();
        let attachments = self.overlay.attachments().await;
        let now = Instant::now();
        for id in self.missing.look(now, &attachments, |id| told.contains(id.as_str())) {
            tracing::info!(endpoint = %id, "docker lost an endpoint");
            if let Err(refusal) = self.overlay.forget(&id).await {
                tracing::warn!(%refusal, "a lost endpoint stays");
            }
        }
    }
}
