//! How much one container may ask while others ask as well.
//!
//! A container that asks alone has the whole name server. As soon as another one asks, what piles
//! up of each has a rate: what is over it stays in the socket. The kernel drops what the socket
//! cannot hold, at the expense of who has sent it, and an answer to the other container waits for
//! no more than one batch.
//!
//! Pure: the time comes in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many questions a second are taken of one container's pile, while others ask.
///
/// A question that waits behind no other of its container is free: who waits for an answer before
/// it asks again is never slowed down.
pub const SHARE: u32 = 20_000;
/// What may come at once, and the most that is saved up: 10 ms of [`SHARE`].
const BURST: f64 = 200.0;
/// For how long a question of another container counts as company.
const COMPANY: Duration = Duration::from_millis(100);

/// The number of no container.
const NOBODY: u64 = 0;

/// Who has asked last on the whole host; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    seen: Arc<Seen>,
    epoch: Instant,
}

#[derive(Debug, Default)]
struct Seen {
    /// How many containers were numbered so far.
    members: AtomicU64,
    /// The container that has asked last, or [`NOBODY`].
    last: AtomicU64,
    /// When that became another one, in microseconds since the epoch; 0 is never.
    changed: AtomicU64,
}

/// One container's account.
#[derive(Debug)]
pub(crate) struct Share {
    crowd: Crowd,
    member: u64,
    tokens: f64,
    filled: Instant,
}

impl Crowd {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self { seen: Arc::default(), epoch }
    }

    /// A further container's account.
    pub(crate) fn join(&self, now: Instant) -> Share {
        let member = self.seen.members.fetch_add(1, Ordering::Relaxed) + 1;
        Share { crowd: self.clone(), member, tokens: BURST, filled: now }
    }

    fn age(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(self.epoch);
        u64::try_from(age.as_micros()).unwrap_or(u64::MAX)
    }
}

impl Share {
    /// How many questions may be taken off the pile now, up to `wanted`.
    pub(crate) fn allowed(&mut self, now: Instant, wanted: usize) -> usize {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + since * f64::from(SHARE)).min(BURST);
        self.filled = now;
        if !self.in_company(now) {
            return wanted;
        }
        (0..wanted)
            .take_while(|&taken| f64::from(u32::try_from(taken).unwrap_or(0)) < self.tokens)
            .count()
    }

    /// Takes down that `taken` questions were there at once.
    pub(crate) fn took(&mut self, now: Instant, taken: usize) {
        let piled = u32::try_from(taken.saturating_sub(1)).unwrap_or(u32::MAX);
        self.tokens = (self.tokens - f64::from(piled)).max(0.0);
        if taken == 0 {
            return;
        }
        let seen = &self.crowd.seen;
        let last = seen.last.swap(self.member, Ordering::Relaxed);
        if last != self.member && last != NOBODY {
            seen.changed.store(self.crowd.age(now), Ordering::Relaxed);
        }
    }

    fn in_company(&self, now: Instant) -> bool {
        let changed = self.crowd.seen.changed.load(Ordering::Relaxed);
        let ago = Duration::from_micros(self.crowd.age(now).saturating_sub(changed));
        changed != 0 && ago < COMPANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much of a pile that never ends is taken within `span`, looked at every millisecond.
    fn taken_within(span: Duration, share: &mut Share, from: Instant, beside: &mut Share) -> usize {
        let mut taken = 0;
        for step in 0..span.as_millis() {
            let now = from + Duration::from_millis(u64::try_from(step).unwrap());
            beside.took(now, 1);
            let batch = share.allowed(now, 64);
            share.took(now, batch);
            taken += batch;
        }
        taken
    }

    #[test]
    fn in_company_a_pile_is_taken_at_a_rate() {
        let began = Instant::now();
        let crowd = Crowd::new(began);
        let (mut greedy, mut modest) = (crowd.join(began), crowd.join(began));
        let taken = taken_within(Duration::from_secs(1), &mut greedy, began, &mut modest);
        assert!((18_000..22_000).contains(&taken), "{taken}");
    }

    #[test]
    fn alone_there_is_no_rate() {
        let began = Instant::now();
        let crowd = Crowd::new(began);
        let (mut alone, mut gone) = (crowd.join(began), crowd.join(began));
        gone.took(began + COMPANY, 1);
        alone.took(began + COMPANY * 2, 64);
        for _ in 0..1000 {
            assert_eq!(alone.allowed(began + COMPANY * 4, 64), 64);
            alone.took(began + COMPANY * 4, 64);
        }
    }

    #[test]
    fn who_waits_for_each_answer_is_never_slowed_down() {
        let began = Instant::now();
        let crowd = Crowd::new(began);
        let (mut modest, mut other) = (crowd.join(began), crowd.join(began));
        for _ in 0..100_000 {
            other.took(began, 1);
            assert!(modest.allowed(began, 64) > 0);
            modest.took(began, 1);
        }
    }
}
