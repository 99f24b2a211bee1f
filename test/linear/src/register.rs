//! One entry as a register: a search for an order, by values alone.
//!
//! The algorithm is that of Wing and Gong with the memory of Lowe ("Testing for linearizability",
//! 2017): try whatever may come next, go back when an answer cannot be explained, and never look
//! twice at the same set of operations in the same state.

use std::collections::HashSet;

use crate::{Call, Expect, Operation, Outcome, Time, Value};

/// What the search has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order.
    Linearizable,
    /// There is none.
    Not,
    /// It was given up.
    Undecided,
}

/// Searches for an order of the operations about one entry, at most so many steps.
#[must_use]
pub fn check(operations: &[&Operation], patience: usize) -> Verdict {
    let mut steps: Vec<Step> = operations.iter().filter_map(|op| Step::of(op)).collect();
    forget_what_nobody_saw(&mut steps);
    steps.sort_by_key(|step| step.invoked);
    Search::new(&steps).run(patience)
}

/// One operation, as far as the search needs it.
#[derive(Clone, Copy, Debug)]
struct Step {
    invoked: Time,
    /// Absent: it may be done at any time later, or never.
    completed: Option<Time>,
    effect: Effect,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Read(Option<Value>),
    Write(Value),
    /// Done, since the entry was as expected.
    Swap {
        from: Option<Value>,
        to: Value,
    },
    /// Not done, since it was not.
    Conflict {
        from: Option<Value>,
    },
    /// It is not this, from now on.
    Gone(Value),
    /// Done or not.
    Maybe {
        from: Option<Option<Value>>,
        to: Option<Value>,
    },
}

impl Step {
    fn of(operation: &Operation) -> Option<Self> {
        let effect = match (operation.call, operation.outcome) {
            (Call::Read, Outcome::Read { found, .. }) => Effect::Read(found.map(|s| s.value)),
            (Call::Put { value, expect }, outcome) => Effect::of_put(value, expect, outcome)?,
            (Call::Remove { value }, outcome) => Effect::of_removal(value, outcome)?,
            (Call::Read, _) => return None,
        };
        let known = !matches!(effect, Effect::Maybe { .. });
        let completed = known.then_some(operation.completed);
        Some(Self { invoked: operation.invoked, completed, effect })
    }
}

impl Effect {
    fn of_put(value: Value, expect: Expect, outcome: Outcome) -> Option<Self> {
        let from = match expect {
            Expect::Anything => None,
            Expect::Unchanged(seen) => Some(seen.map(|seen| seen.value)),
        };
        match (outcome, from) {
            (Outcome::Applied(_), None) => Some(Self::Write(value)),
            (Outcome::Applied(_), Some(from)) => Some(Self::Swap { from, to: value }),
            (Outcome::Conflict, Some(from)) => Some(Self::Conflict { from }),
            (Outcome::Unknown, from) => Some(Self::Maybe { from, to: Some(value) }),
            _ => None,
        }
    }

    const fn of_removal(value: Value, outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Applied(_) => Some(Self::Gone(value)),
            Outcome::Conflict => Some(Self::Conflict { from: Some(value) }),
            Outcome::Unknown => Some(Self::Maybe { from: Some(Some(value)), to: None }),
            Outcome::Read { .. } | Outcome::Refused => None,
        }
    }

    /// What the entry is afterwards, if this can happen now.
    fn apply(self, state: Option<Value>) -> Option<Option<Value>> {
        match self {
            Self::Read(found) => (found == state).then_some(state),
            Self::Write(to) => Some(Some(to)),
            Self::Swap { from, to } => (from == state).then_some(Some(to)),
            Self::Conflict { from } => (from != state).then_some(state),
            Self::Gone(value) => Some(state.filter(|there| *there != value)),
            Self::Maybe { from, to } if from.is_none_or(|from| from == state) => Some(to),
            Self::Maybe { .. } => Some(state),
        }
    }

    const fn sees(self) -> Option<Value> {
        match self {
            Self::Read(seen)
            | Self::Swap { from: seen, .. }
            | Self::Maybe { from: Some(seen), .. } => seen,
            Self::Write(_)
            | Self::Conflict { .. }
            | Self::Gone(_)
            | Self::Maybe { from: None, .. } => None,
        }
    }
}

/// A write of which nobody knows whether it was done, and which nobody has seen, was not done in some
/// order if it was done in one; unless it explains a conflict. Each doubles the search.
fn forget_what_nobody_saw(steps: &mut Vec<Step>) {
    if steps.iter().any(|step| matches!(step.effect, Effect::Conflict { .. })) {
        return;
    }
    let seen: HashSet<Value> = steps.iter().filter_map(|step| step.effect.sees()).collect();
    let unseen = |to: Option<Value>| to.is_some_and(|to| !seen.contains(&to));
    steps.retain(|step| !matches!(step.effect, Effect::Maybe { to, .. } if unseen(to)));
}

/// Which steps are done.
type Done = Vec<u64>;

/// A depth-first search with a memory.
#[derive(Debug)]
struct Search<'a> {
    steps: &'a [Step],
    done: Done,
    /// All before this one are done.
    first: usize,
    state: Option<Value>,
    seen: HashSet<(Done, Option<Value>)>,
}

/// How to go back: what was done, and how it was before.
#[derive(Debug)]
struct Trail {
    step: usize,
    first: usize,
    state: Option<Value>,
}

impl<'a> Search<'a> {
    fn new(steps: &'a [Step]) -> Self {
        let done = vec![0; steps.len().div_ceil(64)];
        Self { steps, done, first: 0, state: None, seen: HashSet::new() }
    }

    fn run(&mut self, patience: usize) -> Verdict {
        let mut trail: Vec<Trail> = Vec::new();
        let mut next = 0;
        for _step in 0..patience {
            if !self.must_go_on() {
                return Verdict::Linearizable;
            }
            if let Some(step) = self.find(next) {
                trail.push(self.take(step));
                next = self.first;
            } else {
                let Some(back) = trail.pop() else { return Verdict::Not };
                next = back.step + 1;
                self.undo(&back);
            }
        }
        Verdict::Undecided
    }

    /// Whether anything is left that was answered.
    fn must_go_on(&self) -> bool {
        let rest = self.steps.iter().enumerate().skip(self.first);
        rest.into_iter().any(|(at, step)| step.completed.is_some() && !self.is_done(at))
    }

    /// The first step from `from` on that can be the next, and leads to something new.
    fn find(&self, from: usize) -> Option<usize> {
        let deadline = self.deadline();
        let candidates = self.steps.iter().enumerate().skip(from.max(self.first));
        candidates
            .take_while(|(_, step)| deadline.is_none_or(|deadline| step.invoked <= deadline))
            .filter(|(at, _)| !self.is_done(*at))
            .find(|(at, step)| {
                step.effect.apply(self.state).is_some_and(|state| self.is_new(*at, state))
            })
            .map(|(at, _)| at)
    }

    /// Nothing that was asked later can come before what was answered by then.
    fn deadline(&self) -> Option<Time> {
        let rest = self.steps.iter().enumerate().skip(self.first);
        let open = rest.into_iter().filter(|(at, _)| !self.is_done(*at));
        open.filter_map(|(_, step)| step.completed).min()
    }

    fn is_new(&self, step: usize, state: Option<Value>) -> bool {
        let mut done = self.done.clone();
        set(&mut done, step, true);
        !self.seen.contains(&(done, state))
    }

    fn take(&mut self, step: usize) -> Trail {
        let trail = Trail { step, first: self.first, state: self.state };
        set(&mut self.done, step, true);
        if let Some(state) = self.steps.get(step).and_then(|step| step.effect.apply(self.state)) {
            self.state = state;
        }
        self.seen.insert((self.done.clone(), self.state));
        while self.first < self.steps.len() && self.is_done(self.first) {
            self.first += 1;
        }
        trail
    }

    fn undo(&mut self, trail: &Trail) {
        set(&mut self.done, trail.step, false);
        self.first = trail.first;
        self.state = trail.state;
    }

    fn is_done(&self, step: usize) -> bool {
        self.done.get(step / 64).is_some_and(|word| word >> (step % 64) & 1 == 1)
    }
}

fn set(done: &mut Done, step: usize, value: bool) {
    let Some(word) = done.get_mut(step / 64) else { return };
    let bit = 1 << (step % 64);
    if value { *word |= bit } else { *word &= !bit }
}
