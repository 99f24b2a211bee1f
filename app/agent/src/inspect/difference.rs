//! Desired less observed, now.

use serde::{Deserialize, Serialize};
use weft_api::ProblemKind;
use weft_kernel::Kernel as _;

use super::Desk;
use crate::problem::{Answer, because};

/// How far a node's kernel is from what the cluster means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// The changes that would mend it, in words; none: it is as it should be.
    pub(crate) changes: Vec<String>,
    /// What the last pass could not mend, and why, in words.
    pub(crate) failures: Vec<String>,
    /// Whether somebody has told the node to leave its kernel alone.
    pub(crate) paused: bool,
}

impl Desk {
    /// Reads the whole kernel state and changes nothing of it.
    pub(super) async fn difference(&self) -> Answer<Difference> {
        let observed = self.kernel.observe().await.map_err(|error| {
            let what = "the kernel's state could not be read";
            because(ProblemKind::Internal, what, &error, error.hint())
        })?;
        let plan = crate::reconcile::plan(&self.target.borrow(), &observed);
        let pass = self.fabric.reconciled.borrow().clone();
        let failures = pass.iter().flat_map(|pass| &pass.failures);
        Ok(Difference {
            changes: plan.changes.iter().map(ToString::to_string).collect(),
            failures: failures.map(|f| format!("{}: {}", f.what, f.why)).collect(),
            paused: self.fabric.pause.is_set(),
        })
    }
}
