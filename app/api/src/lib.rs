//! The admin API's contract: request and response shapes, and its client.
//!
//! HTTP with JSON over a unix socket, every route under [`PREFIX`]. This crate decides nothing:
//! the agent answers with these shapes, the command line reads them. A `{ref}` in a route is a
//! name, a full id, or the beginning of an id that only one thing has.

mod attachment;
mod client;
mod cluster;
mod docker;
mod endpoint;
mod network;
mod node;
mod path;
mod problem;
mod reconcile;
mod status;
mod token;

pub use attachment::{AttachmentCreate, AttachmentView};
pub use client::{CallError, Client};
pub use cluster::{ClusterInit, ClusterJoin, ClusterLeave, ClusterView, Done};
pub use docker::DockerView;
pub use endpoint::{EndpointFilter, EndpointKind, EndpointView};
pub use network::{BlockView, NetworkCreate, NetworkView};
pub use node::{NodeRemove, NodeView, Standing};
pub use path::PathQuestion;
pub use problem::{ApiProblem, ProblemKind};
pub use reconcile::{FailureView, ReconcileView};
pub use status::{DegradedView, Status};
pub use token::{TokenRotate, TokenView};

/// What every route begins with.
pub const PREFIX: &str = "/v1";
/// Where the agent listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/weft/weft.sock";
