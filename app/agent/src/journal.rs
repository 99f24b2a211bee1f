//! The last of what has happened, within a bound, and what comes, for whoever listens.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast;

/// A listener that is further behind than this misses what is between.
const BEHIND: usize = 1024;

/// A ring of the newest entries, with listeners.
#[derive(Debug)]
pub(crate) struct Journal<T> {
    kept: VecDeque<Arc<T>>,
    most: usize,
    news: broadcast::Sender<Arc<T>>,
}

impl<T> Journal<T> {
    /// An empty one that keeps the newest `most` entries.
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most, news: broadcast::Sender::new(BEHIND) }
    }

    /// Writes an entry down.
    pub(crate) fn note(&mut self, entry: T) {
        let entry = Arc::new(entry);
        if self.kept.len() >= self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::clone(&entry));
        // Nobody listens most of the time.
        let _listeners = self.news.send(entry);
    }

    /// What is kept, oldest first.
    pub(crate) fn kept(&self) -> Vec<Arc<T>> {
        self.kept.iter().cloned().collect()
    }

    /// What will be noted from here on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Arc<T>> {
        self.news.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entries_are_kept_and_a_listener_hears_those_that_come() {
        let mut journal = Journal::new(2);
        journal.note(1);
        let mut heard = journal.follow();
        journal.note(2);
        journal.note(3);
        assert_eq!(journal.kept(), [Arc::new(2), Arc::new(3)]);
        assert_eq!([heard.try_recv().unwrap(), heard.try_recv().unwrap()], [2, 3].map(Arc::new));
        assert!(heard.try_recv().is_err());
    }
}
