//! Between which revisions an operation was under way.

use crate::{Operation, Revision, Time};

/// What others were told before and after.
#[derive(Debug)]
pub(super) struct Windows {
    /// By the time of the answer: the greatest revision that was told until then.
    told: Vec<(Time, Revision)>,
    /// By the time of the question: the least revision that is told to those who ask from then on.
    asked: Vec<(Time, Revision)>,
}

impl Windows {
    pub(super) fn new(operations: &[Operation]) -> Self {
        let answered = || operations.iter().filter_map(|op| Some((op, op.revision()?)));
        let mut told: Vec<_> = answered().map(|(op, at)| (op.completed, at)).collect();
        told.sort_unstable();
        let mut greatest = 0;
        for (_time, revision) in &mut told {
            greatest = greatest.max(*revision);
            *revision = greatest;
        }
        let mut asked: Vec<_> = answered().map(|(op, at)| (op.invoked, at)).collect();
        asked.sort_unstable();
        let mut least = Revision::MAX;
        for (_time, revision) in asked.iter_mut().rev() {
            least = least.min(*revision);
            *revision = least;
        }
        Self { told, asked }
    }

    /// The greatest revision that somebody was told before this was asked.
    pub(super) fn before(&self, operation: &Operation) -> Option<Revision> {
        let ended = self.told.partition_point(|(time, _)| *time < operation.invoked);
        self.told.get(ended.checked_sub(1)?).map(|(_time, revision)| *revision)
    }

    /// The least revision that is told to whoever asks after this was answered.
    pub(super) fn after(&self, operation: &Operation) -> Revision {
        let begun = self.asked.partition_point(|(time, _)| *time <= operation.completed);
        self.asked.get(begun).map_or(Revision::MAX, |(_time, revision)| *revision)
    }
}
