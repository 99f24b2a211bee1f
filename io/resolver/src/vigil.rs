//! Whether a thread stays awake for what comes next.
//!
//! To wake a sleeping thread costs more than to answer a question. Who asks the next one as soon as
//! it has its answer is met awake; who asks once in a while wakes the thread, and costs nothing
//! meanwhile.
//!
//! Pure: the time comes in.

use std::time::{Duration, Instant};

/// Awake for a while after the last turn, if the turn before was followed as quickly.
#[derive(Debug)]
pub(crate) struct Vigil {
    span: Duration,
    turned: Instant,
    brisk: bool,
}

impl Vigil {
    /// Asleep until something is followed within `span`.
    pub(crate) const fn new(span: Duration, now: Instant) -> Self {
        Self { span, turned: now, brisk: false }
    }

    /// Something has come.
    pub(crate) fn came(&mut self, now: Instant) {
        self.brisk = now.saturating_duration_since(self.turned) < self.span;
    }

    /// It was seen to: from here on the next one is waited for.
    pub(crate) const fn turned(&mut self, now: Instant) {
        self.turned = now;
    }

    /// Whether to stay awake still.
    pub(crate) fn lasts(&self, now: Instant) -> bool {
        self.brisk && now.saturating_duration_since(self.turned) < self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_micros(50);

    #[test]
    fn only_who_comes_back_quickly_is_waited_for_awake() {
        let began = Instant::now();
        let mut vigil = Vigil::new(SPAN, began);
        let mut now = began + SPAN;
        for (pause, awake) in [(SPAN, false), (SPAN / 2, true), (SPAN / 2, true), (SPAN, false)] {
            now += pause;
            vigil.came(now);
            vigil.turned(now);
            assert_eq!(vigil.lasts(now), awake, "after {pause:?}");
            assert!(!vigil.lasts(now + SPAN), "not for long");
        }
    }
}
