//! What became of the questions.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::mpsc;

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
    /// Not read: the container asks faster than it is answered, or than its share while others ask.
    Dropped,
    /// No question that can be read.
    Malformed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Answered,
        Self::Empty,
        Self::Nonexistent,
        Self::Refused,
        Self::Forwarded,
        Self::Unanswered,
        Self::Overloaded,
        Self::Dropped,
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
            Self::Dropped => "dropped",
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
pub struct Queries {
    family: Family<QueryLabels, Counter>,
    complaints: Option<Complaints>,
}

/// Where it is told that one container asks for more than its share.
#[derive(Clone, Debug)]
pub struct Complaints {
    /// What the container is called there.
    pub about: Arc<Path>,
    /// Who hears it, if there is room: all are counted, some are told.
    pub to: mpsc::Sender<Arc<Path>>,
}

impl Queries {
    /// The metric's name, for the registry of metrics.
    pub const NAME: &'static str = "resolver_queries";
    /// The metric's help text, for the registry of metrics.
    pub const HELP: &'static str = "Questions of containers to the name server. unanswered: look \
        at the host's name servers; overloaded: a container asks more than can be forwarded; \
        dropped: a container asks faster than it is answered; malformed: a container sends what is not DNS";

    /// All zero.
    #[must_use]
    pub fn new() -> Self {
        let queries = Self::default();
        for outcome in Outcome::ALL {
            drop(queries.family.get_or_create(&QueryLabels { outcome }));
        }
        queries
    }

    /// The family to register.
    #[must_use]
    pub fn family(&self) -> Family<QueryLabels, Counter> {
        self.family.clone()
    }

    /// How many questions ended so.
    #[must_use]
    pub fn get(&self, outcome: Outcome) -> u64 {
        self.family.get_or_create(&QueryLabels { outcome }).get()
    }

    /// Counts into the same numbers, and tells `complaints` of each question that is too many.
    pub(crate) fn telling(&self, complaints: Complaints) -> Self {
        Self { family: self.family.clone(), complaints: Some(complaints) }
    }

    /// How many questions were too many: [`Outcome::Overloaded`] and [`Outcome::Dropped`].
    #[must_use]
    pub fn too_many(&self) -> u64 {
        self.get(Outcome::Overloaded) + self.get(Outcome::Dropped)
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.count_by(outcome, 1);
    }

    pub(crate) fn count_by(&self, outcome: Outcome, by: u64) {
        let is_too_many = matches!(outcome, Outcome::Overloaded | Outcome::Dropped);
        if let Some(complaints) = self.complaints.as_ref().filter(|_| is_too_many && by > 0) {
            // Whoever listens need not hear of each.
            let _heard = complaints.to.try_send(Arc::clone(&complaints.about));
        }
        self.family.get_or_create(&QueryLabels { outcome }).inc_by(by);
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn only_a_question_too_many_is_told_and_a_full_channel_stops_nobody() {
        let (to, mut heard) = mpsc::channel(1);
        let about: Arc<Path> = Path::new("/run/netns/web").into();
        let queries = Queries::new().telling(Complaints { about: Arc::clone(&about), to });
        queries.count(Outcome::Answered);
        queries.count_by(Outcome::Dropped, 0);
        assert!(heard.try_recv().is_err());
        queries.count(Outcome::Overloaded);
        queries.count_by(Outcome::Dropped, 2);
        assert_eq!(queries.too_many(), 3);
        assert_eq!(heard.try_recv(), Ok(about));
        assert!(heard.try_recv().is_err());
    }

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
