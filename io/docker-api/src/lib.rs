//! The Docker Engine's HTTP API, as far as Weft calls it.
//!
//! Paths carry no version: one binary talks to every Engine from 20.10 on, whose ranges of API
//! versions do not overlap. This crate decides nothing and never retries.

mod container;
mod engine;
mod error;
mod event;
mod network;
mod nullable;

pub use container::{
    Container, ContainerConfig, ContainerState, ContainerSummary, EndpointSettings, HostConfig,
    NetworkSettings, RestartPolicy, SummaryNetworks,
};
pub use engine::{DEFAULT_SOCKET, Engine, Info, Version};
pub use error::ApiError;
pub use event::{Actor, Event, EventStream, Filters};
pub use network::{
    Attached, CheckDuplicate, CreatedNetwork, Ipam, IpamConfig, Network, NewNetwork,
};
