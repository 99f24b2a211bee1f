//! One method a route.

use serde_json::Value;
use weft_model::Role;

use super::{CallError, Client};
use crate::{
    AttachmentCreate, AttachmentView, ClusterInit, ClusterJoin, ClusterLeave, Done, EndpointFilter,
    EndpointView, NetworkCreate, NetworkView, NodeRemove, NodeView, PathQuestion, Status,
    TokenRotate, TokenView,
};

type Answer<A> = Result<A, CallError>;

/// Every method fails with a [`CallError`].
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Client {
    /// Founds a cluster.
    pub async fn init(&self, init: &ClusterInit) -> Answer<Status> {
        self.post(&["cluster", "init"], init).await
    }

    /// Joins a cluster.
    pub async fn join(&self, join: &ClusterJoin) -> Answer<Status> {
        self.post(&["cluster", "join"], join).await
    }

    /// Leaves the cluster.
    pub async fn leave(&self, leave: ClusterLeave) -> Answer<Done> {
        self.post(&["cluster", "leave"], &leave).await
    }

    /// The token that nodes join with as `role`.
    pub async fn token(&self, role: Role) -> Answer<TokenView> {
        self.get(&["tokens", role_word(role)], &[]).await
    }

    /// Replaces the token that nodes join with as `role`.
    pub async fn rotate_token(&self, role: Role, rotate: TokenRotate) -> Answer<TokenView> {
        self.post(&["tokens", role_word(role), "rotate"], &rotate).await
    }

    /// The node's state at a glance.
    pub async fn status(&self) -> Answer<Status> {
        self.get(&["status"], &[]).await
    }

    /// The cluster's nodes.
    pub async fn nodes(&self) -> Answer<Vec<NodeView>> {
        self.get(&["nodes"], &[]).await
    }

    /// One node.
    pub async fn node(&self, reference: &str) -> Answer<NodeView> {
        self.get(&["nodes", reference], &[]).await
    }

    /// Removes a node from the cluster.
    pub async fn remove_node(&self, reference: &str, remove: NodeRemove) -> Answer<Done> {
        let force = if remove.force { "true" } else { "false" };
        self.delete(&["nodes", reference], &[("force", force)]).await
    }

    /// The cluster's networks.
    pub async fn networks(&self) -> Answer<Vec<NetworkView>> {
        self.get(&["networks"], &[]).await
    }

    /// One network.
    pub async fn network(&self, reference: &str) -> Answer<NetworkView> {
        self.get(&["networks", reference], &[]).await
    }

    /// Creates a network.
    pub async fn create_network(&self, create: &NetworkCreate) -> Answer<NetworkView> {
        self.post(&["networks"], create).await
    }

    /// Removes a network.
    pub async fn remove_network(&self, reference: &str) -> Answer<Done> {
        self.delete(&["networks", reference], &[]).await
    }

    /// The endpoints that the node knows of.
    pub async fn endpoints(&self, filter: &EndpointFilter) -> Answer<Vec<EndpointView>> {
        let network = filter.network.as_deref().map(|network| ("network", network));
        self.get(&["endpoints"], network.as_slice()).await
    }

    /// One endpoint.
    pub async fn endpoint(&self, reference: &str) -> Answer<EndpointView> {
        self.get(&["endpoints", reference], &[]).await
    }

    /// Puts a network namespace on a network.
    pub async fn attach(&self, create: &AttachmentCreate) -> Answer<AttachmentView> {
        self.post(&["attachments"], create).await
    }

    /// Takes a network namespace off its network.
    pub async fn detach(&self, reference: &str) -> Answer<Done> {
        self.delete(&["attachments", reference], &[]).await
    }

    /// What happens to a packet: `core/path`'s journey as it is in JSON.
    pub async fn path(&self, question: &PathQuestion) -> Answer<Value> {
        let PathQuestion { from, to } = question;
        self.get(&["path"], &[("from", from), ("to", to)]).await
    }

    /// The document that describes all routes (`openapi.json`).
    pub async fn openapi(&self) -> Answer<Value> {
        self.get(&["openapi.json"], &[]).await
    }
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Manager => "manager",
        Role::Worker => "worker",
    }
}
