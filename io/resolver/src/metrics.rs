//! What became of the questions.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// What became of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Ours: addresses or a name were given.
    Answered,
    /// Ours, but nothing of this kind.
    Empty,
    /// Ours, and known not to be there.
    Nonexistent,
    /// Not ours, and the asker has no way out.
    Refused,
    /// Not ours: handed to the asker's own resolver.
    Forwarded,
    /// Forwarded, and no answer came: SERVFAIL.
    Unanswered,
    /// Not forwarded, since too many questions of this container are under way: SERVFAIL.
    Overloaded,
    /// No question that can be read.
    Malformed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Answered,
        Self::Empty,
        Self::Nonexistent,
        Self::Refused,
        Self::Forwarded,
        Self::Unanswered,
        Self::Overloaded,
        Self::Malformed,
    ];

    /// The label's value.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Empty => "empty",
            Self::Nonexistent => "nonexistent",
            Self::Refused => "refused",
            Self::Forwarded => "forwarded",
            Self::Unanswered => "unanswered",
            Self::Overloaded => "overloaded",
            Self::Malformed => "malformed",
        }
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.word().encode(encoder)
    }
}

/// The labels of [`Queries`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueryLabels {
    /// What became of the question.
    pub outcome: Outcome,
}

/// Questions by outcome; clones count into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Queries(Family<QueryLabels, Counter>);

impl Queries {
    /// The metric's name, for the registry of metrics.
    pub const NAME: &'static str = "resolver_queries";
    /// The metric's help text, for the registry of metrics.
    pub const HELP: &'static str = "Questions of containers to the name server. unanswered: look \
        at the host's name servers; overloaded: a container asks more than can be forwarded; \
        malformed: a container sends what is not DNS";

    /// All zero.
    #[must_use]
    pub fn new() -> Self {
        let queries = Self::default();
        for outcome in Outcome::ALL {
            drop(queries.0.get_or_create(&QueryLabels { outcome }));
        }
        queries
    }

    /// The family to register.
    #[must_use]
    pub fn family(&self) -> Family<QueryLabels, Counter> {
        self.0.clone()
    }

    /// How many questions ended so.
    #[must_use]
    pub fn get(&self, outcome: Outcome) -> u64 {
        self.0.get_or_create(&QueryLabels { outcome }).get()
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.0.get_or_create(&QueryLabels { outcome }).inc();
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn every_outcome_is_there_from_the_start() {
        let queries = Queries::new();
        queries.count(Outcome::Refused);
        let mut registry = Registry::default();
        registry.register(Queries::NAME, Queries::HELP, queries.family());
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for outcome in Outcome::ALL {
            let count = u64::from(outcome == Outcome::Refused);
            let line = format!("resolver_queries_total{{outcome=\"{}\"}} {count}", outcome.word());
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }
}
