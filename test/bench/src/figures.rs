//! What one measurement found.

use std::time::Duration;

use serde::Serialize;

/// Rates and waits of one load.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// Right answers a second.
    pub(crate) rate: f64,
    /// Half of the answers came within this many microseconds.
    pub(crate) p50_us: f64,
    /// All but one in a hundred came within this many microseconds.
    pub(crate) p99_us: f64,
    /// Questions that were answered wrongly or not at all.
    pub(crate) failed: f64,
}

impl Figures {
    /// Of the waits of all right answers.
    pub(crate) fn of(mut waits: Vec<Duration>, failed: u32, took: Duration) -> Self {
        waits.sort_unstable();
        let at = |share: usize| {
            let place = waits.len().saturating_mul(share) / 100;
            waits.get(place).map_or(0.0, |wait| wait.as_secs_f64() * 1e6)
        };
        let count = u32::try_from(waits.len()).map_or(0.0, f64::from);
        Self {
            rate: count / took.as_secs_f64(),
            p50_us: at(50),
            p99_us: at(99),
            failed: failed.into(),
        }
    }

    /// Each figure's median over several repetitions.
    pub(crate) fn median(of: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| {
            let mut all: Vec<f64> = of.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        Self {
            rate: middle(|f| f.rate),
            p50_us: middle(|f| f.p50_us),
            p99_us: middle(|f| f.p99_us),
            failed: middle(|f| f.failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_by_their_order() {
        let waits = (1..=100).rev().map(Duration::from_micros).collect();
        let figures = Figures::of(waits, 0, Duration::from_secs(2));
        assert!((figures.rate - 50.0).abs() < 0.1 && (figures.p50_us - 51.0).abs() < 0.1);
    }

    #[test]
    fn no_answers_are_no_panic() {
        assert!(Figures::of(vec![], 3, Duration::from_secs(1)).rate.abs() < 0.1);
    }
}
