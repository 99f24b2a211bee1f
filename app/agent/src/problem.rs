//! Why the agent did not do what it was asked: what failed, why, and what to try.

use std::error::Error;

use weft_api::{ApiProblem, ProblemKind};

/// What operations of the agent answer.
pub(crate) type Answer<T> = Result<T, ApiProblem>;

/// A problem as an error, where errors are passed up.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Told(pub(crate) ApiProblem);

/// A problem without a deeper cause.
pub(crate) fn problem(
    kind: ProblemKind,
    what: impl Into<String>,
    hint: impl Into<String>,
) -> ApiProblem {
    ApiProblem { error: what.into(), cause: Vec::new(), hint: hint.into(), kind }
}

/// A problem that is another error's consequence.
pub(crate) fn because(
    kind: ProblemKind,
    what: impl Into<String>,
    error: &dyn Error,
    hint: impl Into<String>,
) -> ApiProblem {
    ApiProblem { cause: chain(error), ..problem(kind, what, hint) }
}

/// Something that names nothing.
pub(crate) fn not_found(noun: &str, reference: &str) -> ApiProblem {
    let what = format!("there is no {noun} `{reference}`");
    problem(ProblemKind::NotFound, what, format!("see what there is: weft {noun} ls"))
}

/// This host is not in a cluster.
pub(crate) fn no_member() -> ApiProblem {
    let hint = "found a cluster with `weft init`, or join one with `weft join TOKEN MANAGER`";
    problem(ProblemKind::Unavailable, "this host is not in a cluster", hint)
}

/// A part of the agent is gone, which happens at shutdown only.
pub(crate) fn stopping() -> ApiProblem {
    problem(ProblemKind::Unavailable, "the agent is stopping", "try again in a moment")
}

/// The texts of an error and of everything below it.
pub(crate) fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts
}
