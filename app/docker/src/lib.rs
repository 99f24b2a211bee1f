//! Docker's remote network and IPAM drivers, the mirror of networks, the watcher of names.

mod aliases;
mod beyond;
mod docker;
mod driver;
mod exits;
pub mod fake;
mod mirror;
mod options;
mod overlay;
mod plugin;
mod presence;
mod protocol;
mod refusal;
pub mod sandbox;
mod watcher;

pub use docker::Docker;
pub use overlay::{
    Answer, Attachment, Beyond, ClusterNetwork, ClusterNetworks, Degraded, DockerEndpoint,
    DockerEndpointId, DockerJoin, DockerNetwork, DockerNetworkId, Names, Overlay, PoolRequest,
};
pub use plugin::{DEFAULT_PLUGIN_SOCKET, PluginSocket, SocketError};
pub use refusal::Refusal;
