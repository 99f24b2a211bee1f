//! What this host's Docker calls the cluster's networks.

use weft_docker::DockerNetworkId;
use weft_model::NetworkId;

use super::State;
use crate::problem::Answer;

impl State {
    /// Remembers or forgets one name of Docker's.
    pub(super) async fn docker_network(
        &mut self,
        id: DockerNetworkId,
        network: Option<NetworkId>,
    ) -> Answer<()> {
        match network {
            Some(network) => {
                self.local.docker_network(&id, network).await?;
                self.docker_networks.insert(id, network);
            }
            None => {
                self.local.forget_docker_network(&id).await?;
                self.docker_networks.remove(&id);
            }
        }
        self.publish();
        Ok(())
    }
}
