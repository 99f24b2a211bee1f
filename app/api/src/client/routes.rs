//! One method a route.

use serde_json::Value;
use weft_model::Role;

use super::{CallError, Client};
use crate::{
    AttachmentCreate, AttachmentView, BackupView, BeliefQuestion, BeliefView, CaRetire, CaView,
    CaptureQuestion, ClusterInit, ClusterJoin, ClusterLeave, Done, DropView, DropsView,
    EndpointFilter, EndpointView, EventFilter, EventView, EventsView, FrameView, Lines,
    NetworkCreate, NetworkTables, NetworkView, NodeRemove, NodeView, PathQuestion, RoleChange,
    RoleChanged, Status, StoreMove, StoreView, TokenRotate, TokenView, TopQuestion, TopView,
    TraceQuestion, Verification,
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

    /// What the cluster is begun anew with if its managers are lost. It holds private keys.
    pub async fn backup(&self) -> Answer<BackupView> {
        self.get(&["cluster", "backup"], &[]).await
    }

    /// Where the registry is kept.
    pub async fn store(&self) -> Answer<StoreView> {
        self.get(&["cluster", "store"], &[]).await
    }

    /// Moves the registry from the managers' disks into an etcd.
    pub async fn move_store(&self, to: &StoreMove) -> Answer<StoreView> {
        self.post(&["cluster", "store"], to).await
    }

    /// The token that nodes join with as `role`.
    pub async fn token(&self, role: Role) -> Answer<TokenView> {
        self.get(&["tokens", role_word(role)], &[]).await
    }

    /// Replaces the token that nodes join with as `role`.
    pub async fn rotate_token(&self, role: Role, rotate: TokenRotate) -> Answer<TokenView> {
        self.post(&["tokens", role_word(role), "rotate"], &rotate).await
    }

    /// The cluster's CA.
    pub async fn ca(&self) -> Answer<CaView> {
        self.get(&["ca"], &[]).await
    }

    /// Makes another CA the cluster's.
    pub async fn rotate_ca(&self) -> Answer<CaView> {
        self.post(&["ca", "rotate"], &Done {}).await
    }

    /// Ends the trust in the CA before the present one.
    pub async fn retire_ca(&self, retire: CaRetire) -> Answer<CaView> {
        self.post(&["ca", "retire"], &retire).await
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

    /// Makes a node a manager, or ceases to.
    pub async fn change_role(&self, reference: &str, change: RoleChange) -> Answer<RoleChanged> {
        self.post(&["nodes", reference, "role"], &change).await
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

    /// What the host's kernel holds of a network.
    pub async fn network_tables(&self, reference: &str) -> Answer<NetworkTables> {
        self.get(&["networks", reference, "tables"], &[]).await
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

    /// What happens to a packet, and why: `core/trace`'s trace as it is in JSON.
    pub async fn trace(&self, question: &TraceQuestion) -> Answer<Value> {
        let TraceQuestion { from, to, port, protocol, live } = question;
        let port = port.map(|port| port.to_string());
        let mut query = vec![("from", from.as_str()), ("to", to.as_str())];
        query.extend(port.as_deref().map(|port| ("port", port)));
        query.extend(protocol.map(|protocol| ("protocol", protocol.word())));
        query.extend(live.then_some(("live", "true")));
        self.get(&["trace"], &query).await
    }

    /// What the host has dropped.
    pub async fn drops(&self) -> Answer<DropsView> {
        self.get(&["drops"], &[]).await
    }

    /// What the host drops from now on.
    pub async fn follow_drops(&self) -> Answer<Lines<DropView>> {
        self.follow(&["drops", "follow"], &[]).await
    }

    /// What has happened.
    pub async fn events(&self, filter: &EventFilter) -> Answer<EventsView> {
        let EventFilter { host, all, since, until, kind, most } = filter;
        let most = most.map(|most| most.to_string());
        let all = all.then(|| "true".to_owned());
        let query = [
            ("host", host),
            ("all", &all),
            ("since", since),
            ("until", until),
            ("kind", kind),
            ("most", &most),
        ];
        self.get(&["events"], &given(&query)).await
    }

    /// What happens from now on, on one host.
    pub async fn follow_events(&self, filter: &EventFilter) -> Answer<Lines<EventView>> {
        let query = [("host", &filter.host), ("kind", &filter.kind)];
        self.follow(&["events", "follow"], &given(&query)).await
    }

    /// What a host believed at a moment.
    pub async fn belief(&self, question: &BeliefQuestion) -> Answer<BeliefView> {
        let at = Some(question.at.clone());
        let query = [("at", &at), ("host", &question.host)];
        self.get(&["events", "at"], &given(&query)).await
    }

    /// An endpoint's frames as they pass.
    pub async fn capture(&self, question: &CaptureQuestion) -> Answer<Lines<FrameView>> {
        let endpoint = Some(question.endpoint.clone());
        let bytes = question.bytes.map(|bytes| bytes.to_string());
        self.follow(&["capture"], &given(&[("endpoint", &endpoint), ("bytes", &bytes)])).await
    }

    /// What flows on a host, measured now.
    pub async fn top(&self, question: &TopQuestion) -> Answer<TopView> {
        let millis = question.millis.map(|millis| millis.to_string());
        self.get(&["top"], &given(&[("host", &question.host), ("millis", &millis)])).await
    }

    /// Every host's kernel against what the cluster means.
    pub async fn verify(&self) -> Answer<Verification> {
        self.get(&["verify"], &[]).await
    }

    /// What is wrong with the hosts and the ways between them: `core/doctor`'s diagnosis as it is
    /// in JSON.
    pub async fn doctor(&self) -> Answer<Value> {
        self.get(&["doctor"], &[]).await
    }

    /// Leaves the host's kernel as it is, or goes on.
    pub async fn pause(&self, paused: bool) -> Answer<Done> {
        self.post(&["reconcile", if paused { "pause" } else { "resume" }], &Done {}).await
    }

    /// The document that describes all routes (`openapi.json`).
    pub async fn openapi(&self) -> Answer<Value> {
        self.get(&["openapi.json"], &[]).await
    }
}

/// The parameters that have a value.
fn given<'a>(query: &[(&'a str, &'a Option<String>)]) -> Vec<(&'a str, &'a str)> {
    query.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))).collect()
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Manager => "manager",
        Role::Worker => "worker",
    }
}
