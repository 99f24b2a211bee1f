//! What will happen, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::SimTime;

/// Events; two of one moment happen in the order they were put in.
#[derive(Debug)]
pub(crate) struct Heap<E> {
    events: BinaryHeap<Reverse<Slot<E>>>,
    count: u64,
}

#[derive(Debug)]
struct Slot<E> {
    at: SimTime,
    number: u64,
    event: E,
}

impl<E> Heap<E> {
    pub(crate) const fn new() -> Self {
        Self { events: BinaryHeap::new(), count: 0 }
    }

    pub(crate) fn put(&mut self, at: SimTime, event: E) {
        self.count += 1;
        self.events.push(Reverse(Slot { at, number: self.count, event }));
    }

    /// The next event, unless it is later than `until`.
    pub(crate) fn take(&mut self, until: SimTime) -> Option<(SimTime, E)> {
        if self.events.peek()?.0.at > until {
            return None;
        }
        self.events.pop().map(|Reverse(slot)| (slot.at, slot.event))
    }
}

impl<E> Slot<E> {
    const fn key(&self) -> (SimTime, u64) {
        (self.at, self.number)
    }
}

impl<E> PartialEq for Slot<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Slot<E> {}

impl<E> PartialOrd for Slot<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Slot<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_events_come_first_and_equal_ones_in_their_order() {
        let mut heap = Heap::new();
        for (at, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b'), (9, 'e')] {
            heap.put(SimTime(at), event);
        }
        let order: String =
            std::iter::from_fn(|| heap.take(SimTime(5))).map(|(_, event)| event).collect();
        assert_eq!(order, "abcd");
    }
}
