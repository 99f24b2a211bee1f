//! The admin API's contract: request and response shapes, and its client.
//!
//! HTTP with JSON over a unix socket, every route under [`PREFIX`]. This crate decides nothing:
//! the agent answers with these shapes, the command line reads them. A `{ref}` in a route is a
//! name, a full id, or the beginning of an id that only one thing has.

mod attachment;
mod backup;
mod ca;
mod capture;
mod client;
mod cluster;
mod docker;
mod drops;
mod endpoint;
mod events;
mod guard;
mod network;
mod node;
mod path;
mod problem;
mod reconcile;
mod status;
mod store;
mod tables;
mod token;
mod top;
mod trace;
mod verify;

pub use attachment::{AttachmentCreate, AttachmentView};
pub use backup::BackupView;
pub use ca::{CaRetire, CaView};
pub use capture::{CaptureQuestion, FrameView};
pub use client::{CallError, Client, Lines};
pub use cluster::{ClusterInit, ClusterJoin, ClusterLeave, ClusterView, Done};
pub use docker::DockerView;
pub use drops::{DropCount, DropView, DropsView};
pub use endpoint::{EndpointFilter, EndpointKind, EndpointView};
pub use events::{
    BeliefQuestion, BeliefView, BelievedEndpoint, BelievedNetwork, BelievedNode, EventFilter,
    EventView, EventsOf, EventsView,
};
pub use guard::GuardView;
pub use network::{BlockView, NetworkCreate, NetworkView};
pub use node::{NodeRemove, NodeView, RoleChange, RoleChanged, Standing};
pub use path::PathQuestion;
pub use problem::{ApiProblem, ProblemKind};
pub use reconcile::{FailureView, ReconcileView};
pub use status::{DegradedView, Status};
pub use store::{EtcdChoice, StoreKind, StoreMove, StoreView};
pub use tables::{AddressRow, HomeRow, NetworkTables};
pub use token::{TokenRotate, TokenView};
pub use top::{FlowView, LoadView, PeerView, TopQuestion, TopView};
pub use trace::{Protocol, TraceQuestion};
pub use verify::{HostVerified, Verification};

/// What every route begins with.
pub const PREFIX: &str = "/v1";
/// Where the agent listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/weft/weft.sock";
