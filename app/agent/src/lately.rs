//! What was told a moment ago and is worth no second line: who repeats himself fills no log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The same is told again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// So many things are told apart; further ones are counted only.
const MOST: usize = 256;

/// When what was told.
#[derive(Debug)]
pub(crate) struct Lately<T> {
    told: BTreeMap<T, Instant>,
}

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self { told: BTreeMap::new() }
    }
}

impl<T: Ord> Lately<T> {
    /// Whether `what` is to be told now. Then it counts as told.
    pub(crate) fn is_news(&mut self, what: T, now: Instant) -> bool {
        self.told.retain(|_, since| now.saturating_duration_since(*since) < AGAIN);
        if self.told.len() >= MOST || self.told.contains_key(&what) {
            return false;
        }
        self.told.insert(what, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_and_a_flood_of_news_not_at_all() {
        let (mut lately, start) = (Lately::default(), Instant::now());
        assert!(lately.is_news(0, start));
        assert!(!lately.is_news(0, start + AGAIN / 2));
        assert!(lately.is_news(1, start + AGAIN / 2));
        assert!(lately.is_news(0, start + AGAIN));
        let many = (0..2 * MOST).filter(|n| lately.is_news(*n, start + AGAIN));
        assert_eq!(many.count(), MOST - 2);
        assert!(lately.is_news(MOST, start + 2 * AGAIN));
    }
}
