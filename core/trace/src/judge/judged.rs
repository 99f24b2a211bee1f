//! What a hop comes to.

use crate::{Silence, Standing, Verdict};

/// A verdict, what it is based on, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) kernel: String,
    pub(super) cause: Option<String>,
    pub(super) remedy: Option<String>,
}

/// What mends what is Weft's own, unless the host was told to leave it.
const MENDED: &str = "its agent mends it within a second, and within half a minute what is in tables of \
                      programs: trace again; if it stays, see `weft verify`, and `weft status` there";

impl Judged {
    pub(super) fn ok(kernel: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, kernel: kernel.into(), cause: None, remedy: None }
    }

    pub(super) fn failed(
        kernel: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Failed,
            kernel: kernel.into(),
            cause: Some(cause.into()),
            remedy: Some(remedy.into()),
        }
    }

    /// Something of Weft's is not as it should be: what to do depends on why it is not mended.
    pub(super) fn differs(
        kernel: impl Into<String>,
        cause: impl Into<String>,
        standing: &Standing,
    ) -> Self {
        let cause = cause.into();
        match (standing.paused, standing.failures.first()) {
            (true, _) => Self::failed(
                kernel,
                format!("{cause}, and reconciling is paused on that host"),
                "let its agent mend it, on that host: weft reconcile resume",
            ),
            (false, Some(failure)) => Self::failed(
                kernel,
                format!("{cause}, and its kernel refuses what would mend it: {failure}"),
                "see `weft status` on that host",
            ),
            (false, None) => Self::failed(kernel, cause, MENDED),
        }
    }

    pub(super) fn unknown(
        kernel: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Unknown, ..Self::failed(kernel, cause, remedy) }
    }

    pub(super) fn silent(host: &str, silence: &Silence) -> Self {
        let cause = format!("{host} does not answer: {}", silence.why);
        Self::unknown("not read", cause, silence.hint.clone())
    }

    pub(super) fn left_out() -> Self {
        let kernel = "nothing: the packet stays on the host".to_owned();
        Self { verdict: Verdict::LeftOut, kernel, cause: None, remedy: None }
    }

    pub(super) fn not_reached() -> Self {
        let kernel = "not read".to_owned();
        Self { verdict: Verdict::NotReached, kernel, cause: None, remedy: None }
    }

    /// The same, with the reason of a decision to drop if it has none of its own.
    pub(super) fn because(self, told: &str, hint: &str) -> Self {
        let own = self.cause.as_ref().is_some_and(|cause| !cause.is_empty());
        if own {
            return self;
        }
        Self { cause: Some(told.to_owned()), remedy: Some(hint.to_owned()), ..self }
    }
}
