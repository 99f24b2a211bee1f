//! Attachments: durable first, then known to the others and to the kernel's target.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use weft_docker::{DockerEndpointId, Names};
use weft_model::{EndpointId, NetworkId};

use super::State;
use crate::local::{Attachment, Held, Workload};
use crate::problem::Answer;

impl State {
    /// Attaches a workload or takes over what changed of it.
    pub(super) async fn attach(&mut self, attachment: Attachment) -> Answer<u64> {
        self.local.attach(&attachment).await?;
        let id = attachment.endpoint.id;
        self.unkept_lives.remove(&id);
        self.since.entry(id).or_insert_with(Self::now);
        self.attachments.insert(id, attachment.clone());
        if attachment.joined {
            self.announce(&attachment);
        } else {
            self.withdraw(attachment.network, id);
        }
        Ok(self.publish())
    }

    /// Tells the others of a workload that has its interface, whether it runs or not.
    pub(super) fn announce(&mut self, attachment: &Attachment) {
        self.whereabouts.join(attachment.network);
        let row = attachment.life.told(&attachment.endpoint);
        self.whereabouts.put(attachment.network, row);
    }

    /// Detaches a workload.
    pub(super) async fn detach(&mut self, id: EndpointId) -> Answer<Option<(Attachment, u64)>> {
        if !self.attachments.contains_key(&id) {
            return Ok(None);
        }
        self.local.detach(id).await?;
        self.since.remove(&id);
        self.unkept_lives.remove(&id);
        let Some(attachment) = self.attachments.remove(&id) else { return Ok(None) };
        let (network, mac) = (attachment.network, attachment.endpoint.mac);
        let held = |address: &IpAddr| (Held { network, address: *address }, mac);
        Arc::make_mut(&mut self.last_macs).extend(attachment.endpoint.addresses.iter().map(held));
        self.withdraw(attachment.network, id);
        Ok(Some((attachment, self.publish())))
    }

    /// Takes an endpoint's row back; without rows this node takes part in the network no more.
    pub(super) fn withdraw(&mut self, network: NetworkId, id: EndpointId) {
        self.whereabouts.remove(network, id);
        let others = self.attachments.values().any(|a| a.network == network && a.joined);
        if !others {
            self.whereabouts.leave(Self::now(), network);
        }
    }

    /// Gives an endpoint of Docker's other names.
    pub(super) async fn rename(&mut self, of: &DockerEndpointId, names: Names) -> Answer<()> {
        let found = self.attachments.values().find(|a| is_docker(&a.workload, of)).cloned();
        let Some(mut attachment) = found else { return Ok(()) };
        attachment.endpoint.name = names.name;
        attachment.endpoint.aliases = names.aliases;
        if self.attachments.get(&attachment.endpoint.id) != Some(&attachment) {
            self.attach(attachment).await?;
        }
        Ok(())
    }

    /// Detaches plain workloads whose namespaces are gone, and releases their addresses.
    pub(super) async fn sweep(&mut self, gone: &[PathBuf]) {
        let of = |a: &&Attachment| matches!(&a.workload, Workload::Plain { netns, .. } if gone.contains(netns));
        let swept: Vec<Attachment> = self.attachments.values().filter(of).cloned().collect();
        for attachment in swept {
            tracing::info!(endpoint = %attachment.endpoint.id, "the workload is gone: detached");
            if let Err(problem) = self.let_go(&attachment).await {
                tracing::warn!(error = %problem, "a workload that is gone could not be detached");
            }
        }
    }

    async fn let_go(&mut self, attachment: &Attachment) -> Answer<()> {
        self.detach(attachment.endpoint.id).await?;
        for address in &attachment.endpoint.addresses {
            self.release(attachment.network, *address).await?;
        }
        Ok(())
    }
}

/// Whether `workload` is the one that Docker calls `endpoint`.
pub(super) fn is_docker(workload: &Workload, id: &DockerEndpointId) -> bool {
    matches!(workload, Workload::Docker { endpoint, .. } if endpoint == id)
}
