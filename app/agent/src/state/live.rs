//! What has ended is told at once and written down later: its runtime is about to take it away.

use std::collections::BTreeSet;

use weft_docker::DockerEndpointId;
use weft_life::Life;

use super::State;
use crate::local::{Attachment, Workload};

impl State {
    /// Endpoints of Docker's run or have ended. What Docker has taken off its network stays so.
    pub(super) fn live(&mut self, of: &BTreeSet<DockerEndpointId>, life: Life) {
        let meant = |a: &&mut Attachment| match &a.workload {
            Workload::Docker { endpoint, .. } => of.contains(endpoint),
            Workload::Plain { .. } => false,
        };
        let differ = self.attachments.values_mut().filter(|a| a.joined && a.life != life);
        let changed: Vec<Attachment> = differ
            .filter(meant)
            .map(|attachment| {
                attachment.life = life;
                attachment.clone()
            })
            .collect();
        for attachment in changed {
            let id = attachment.endpoint.id;
            tracing::debug!(endpoint = %id, ?life, "a container's process tells");
            self.unkept_lives.insert(id);
            self.announce(&attachment);
        }
    }

    /// Writes down what nobody has taken away yet, so that an agent that starts again knows it.
    pub(super) async fn keep_lives(&mut self) {
        for id in std::mem::take(&mut self.unkept_lives) {
            let Some(attachment) = self.attachments.get(&id) else { continue };
            if let Err(problem) = self.local.attach(attachment).await {
                tracing::warn!(endpoint = %id, error = %problem, "an end is not written down yet");
                self.unkept_lives.insert(id);
            }
        }
    }
}
