//! The newest events, with what they began from.

use serde::{Deserialize, Serialize};
use weft_model::NodeId;

use crate::{Belief, Change, Event, Moment, Row, told};

/// Some events in a row, and the belief before the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// From when on it is known what was believed.
    pub from: Moment,
    /// The number of the first event.
    pub first: u64,
    /// What was believed at the beginning.
    pub base: Belief,
    /// What changed since, oldest first.
    #[serde(skip)]
    pub events: Vec<Event>,
}

/// A history of bounded length: two chapters, the older of which is forgotten when the newer one
/// is full.
#[derive(Clone, Debug)]
pub struct Log {
    old: Option<Chapter>,
    new: Chapter,
    now: Belief,
    most: usize,
}

/// An event that was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The event.
    pub event: Event,
    /// Whether it opened a chapter, which begins with what was believed before.
    pub opens: Option<Chapter>,
}

/// What was believed at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// The belief.
    pub belief: Belief,
    /// The last event until then, if it is kept.
    pub last: Option<Event>,
    /// The first event after it, if there is one by now.
    pub next: Option<Event>,
}

/// It is not known what was believed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// From when on it is.
    pub since: Moment,
}

impl Recalled {
    /// Whether the agent may have been away then: it had ended, or started next.
    #[must_use]
    pub fn away(&self) -> bool {
        let ended = |event: &Event| matches!(event.change, Change::AgentStopped);
        let started = |event: &Event| matches!(event.change, Change::AgentStarted { .. });
        self.last.as_ref().is_some_and(ended) || self.next.as_ref().is_some_and(started)
    }
}

impl Log {
    /// A history that begins `at` with nothing believed; a chapter has at most `most` events.
    #[must_use]
    pub fn begin(at: Moment, most: usize) -> Self {
        let new = Chapter { from: at, ..Chapter::default() };
        Self { old: None, new, now: Belief::default(), most }
    }

    /// A history that goes on where it was left; chapters that do not follow each other are
    /// forgotten but for the newer.
    #[must_use]
    pub fn resume(old: Option<Chapter>, new: Chapter, most: usize) -> Self {
        let follows = |old: &Chapter| {
            old.first + old.events.len() as u64 == new.first && old.from <= new.from
        };
        let now = replay(&new, |_event| true);
        Self { old: old.filter(follows), new, now, most }
    }

    /// What is believed now.
    #[must_use]
    pub const fn now(&self) -> &Belief {
        &self.now
    }

    /// From when on it is known what was believed.
    #[must_use]
    pub fn since(&self) -> Moment {
        self.old.as_ref().unwrap_or(&self.new).from
    }

    /// Everything that is kept, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.old.iter().chain([&self.new]).flat_map(|chapter| &chapter.events)
    }

    /// Writes a change down, as node `me` takes it in.
    pub fn note(&mut self, at: Moment, change: Change, me: Option<NodeId>) -> Noted {
        let words = told(&change, &self.now, me);
        let last = self.new.events.last().map_or(self.new.from, |event| event.at);
        let (at, seq) = (at.max(last), self.new.first + self.new.events.len() as u64);
        let opens = (self.new.events.len() >= self.most).then(|| self.turn(at, seq));
        self.now.apply(&change);
        let event = Event { seq, at, who: words.who, why: words.why, told: words.what, change };
        self.new.events.push(event.clone());
        Noted { event, opens }
    }

    fn turn(&mut self, at: Moment, first: u64) -> Chapter {
        let new = Chapter { from: at, first, base: self.now.clone(), events: Vec::new() };
        self.old = Some(std::mem::replace(&mut self.new, new.clone()));
        new
    }

    /// Since when a row says what it says now, if the change that made it so is kept.
    #[must_use]
    pub fn known_since(&self, row: &Row) -> Option<Moment> {
        let id = row.endpoint.id;
        let last = self.events().rev().find(|event| match &event.change {
            Change::EndpointCame { row } | Change::EndpointChanged { row } => row.endpoint.id == id,
            Change::EndpointGone { id: gone } => *gone == id,
            _ => false,
        })?;
        let same = |seen: &Row| {
            (seen.network, seen.owner, &seen.endpoint) == (row.network, row.owner, &row.endpoint)
        };
        match &last.change {
            Change::EndpointCame { row } | Change::EndpointChanged { row } => {
                same(row).then_some(last.at)
            }
            _ => None,
        }
    }

    /// What was believed at a moment, after everything that happened in it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if that is longer ago than what is kept.
    pub fn at(&self, at: Moment) -> Result<Recalled, Unknown> {
        let chapters = || [Some(&self.new), self.old.as_ref()].into_iter().flatten();
        let chapter = chapters().find(|chapter| chapter.from <= at);
        let chapter = chapter.ok_or_else(|| Unknown { since: self.since() })?;
        Ok(Recalled {
            belief: replay(chapter, |event| event.at <= at),
            last: self.events().rfind(|event| event.at <= at).cloned(),
            next: self.events().find(|event| event.at > at).cloned(),
        })
    }
}

fn replay(chapter: &Chapter, until: impl Fn(&Event) -> bool) -> Belief {
    let mut belief = chapter.base.clone();
    chapter.events.iter().take_while(|event| until(event)).for_each(|e| belief.apply(&e.change));
    belief
}
