//! Asks nodes, each within the same short time.

use std::collections::BTreeMap;

use futures::future::join_all;
use ipnet::IpNet;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use weft_model::{EndpointId, NodeId};
use weft_transport::{MeshHandle, Request, Response};

use super::{Desk, Inquiry};
use crate::problem::problem;

/// Why a node did not say what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node {node} does not answer: {why}")]
pub(crate) struct Unanswered {
    /// The node's name.
    pub(crate) node: String,
    /// What came instead.
    pub(crate) why: String,
    /// What to try.
    pub(crate) hint: String,
}

impl From<Unanswered> for weft_api::ApiProblem {
    fn from(unanswered: Unanswered) -> Self {
        let what = unanswered.to_string();
        problem(weft_api::ProblemKind::Unavailable, what, unanswered.hint)
    }
}

/// Asks any node, this one included.
#[derive(Clone, Debug)]
pub(crate) struct Inspector {
    desk: Desk,
}

impl Inspector {
    /// Answers for this node come from `desk`, for the others through its mesh.
    pub(crate) const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Where answers for this node come from.
    pub(crate) const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Asks one node.
    ///
    /// # Errors
    ///
    /// [`Unanswered`] if it cannot be asked, takes too long, refuses or is not understood.
    pub(crate) async fn ask<A: DeserializeOwned>(
        &self,
        node: NodeId,
        inquiry: &Inquiry,
    ) -> Result<A, Unanswered> {
        let patience = inquiry.patience();
        let answer = match timeout(patience, self.bytes(node, inquiry)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err((format!("nothing came within {patience:?}"), HINT.to_owned())),
        };
        let answer = answer.and_then(|bytes| {
            let later = |error: serde_json::Error| (error.to_string(), SAME_VERSION.to_owned());
            serde_json::from_slice(&bytes).map_err(later)
        });
        answer.map_err(|(why, hint)| Unanswered { node: self.name(node), why, hint })
    }

    /// Asks several nodes at once.
    pub(crate) async fn ask_all<A: DeserializeOwned>(
        &self,
        nodes: impl IntoIterator<Item = NodeId>,
        inquiry: &Inquiry,
    ) -> BTreeMap<NodeId, Result<A, Unanswered>> {
        let asked = nodes.into_iter().map(async |node| (node, self.ask(node, inquiry).await));
        join_all(asked).await.into_iter().collect()
    }

    async fn bytes(&self, node: NodeId, inquiry: &Inquiry) -> Result<Vec<u8>, (String, String)> {
        if node == self.desk.fabric.state.picture().me.id {
            // An answer may need others' answers, and so on; but not without end.
            let answer = Box::pin(self.desk.answer(inquiry)).await;
            return answer.map_err(|problem| (problem.error, problem.hint));
        }
        remote(&self.desk.mesh, node, inquiry).await
    }

    fn name(&self, node: NodeId) -> String {
        let view = self.desk.fabric.view();
        view.node(node).map_or_else(|| node.short(), |node| node.name.to_string())
    }
}

/// What other nodes route, as far as they answer in time.
pub(crate) async fn routes_elsewhere(
    mesh: &MeshHandle,
    nodes: impl IntoIterator<Item = NodeId>,
) -> Vec<IpNet> {
    let asked = nodes.into_iter().map(async |node| {
        let asked = Inquiry::Routes;
        let answer = timeout(asked.patience(), remote(mesh, node, &asked)).await.ok()?.ok()?;
        serde_json::from_slice::<Vec<IpNet>>(&answer).ok()
    });
    join_all(asked).await.into_iter().flatten().flatten().collect()
}

/// Waits until other nodes' kernels know the way to an endpoint, as far as they do in time.
pub(crate) async fn known_elsewhere(
    mesh: &MeshHandle,
    nodes: impl IntoIterator<Item = NodeId>,
    endpoint: EndpointId,
) {
    let asked = &Inquiry::Has { endpoint };
    let each = nodes.into_iter().map(|node| timeout(asked.patience(), remote(mesh, node, asked)));
    // Who does not know it then hears of it all the same.
    drop(join_all(each).await);
}

/// An answer of another node, or why there is none and what to try.
async fn remote(
    mesh: &MeshHandle,
    node: NodeId,
    inquiry: &Inquiry,
) -> Result<Vec<u8>, (String, String)> {
    let question = serde_json::to_vec(inquiry).unwrap_or_default();
    match mesh.request(node, Request::Inspect { question }).await {
        Ok(Response::Inspected { answer }) => Ok(answer),
        Ok(Response::Refused { error, hint }) => Err((error, hint)),
        Ok(_other) => Err(("it does not know such questions".into(), SAME_VERSION.into())),
        Err(error) => Err((error.to_string(), HINT.to_owned())),
    }
}

const HINT: &str = "see whether the host and its agent are up: weft node ls, and \
                    `systemctl status weft` there";
const SAME_VERSION: &str = "run the same version of Weft on every host";
