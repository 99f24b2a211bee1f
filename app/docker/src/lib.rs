//! Docker's remote network and IPAM drivers, the mirror of networks, the watcher of names.

mod overlay;
mod refusal;

pub use overlay::{
    Answer, Attachment, ClusterNetwork, ClusterNetworks, Degraded, DockerEndpoint, DockerEndpointId,
    DockerJoin, DockerNetwork, DockerNetworkId, Names, Overlay, PoolRequest,
};
pub use refusal::Refusal;
