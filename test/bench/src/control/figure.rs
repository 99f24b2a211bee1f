//! One figure, measured several times.

use serde::Serialize;

/// What was found, in milliseconds unless its name says otherwise.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) what: &'static str,
    /// Half of the values are not above this.
    pub(crate) median: f64,
    /// None is above this.
    pub(crate) max: f64,
    /// How many there are.
    pub(crate) count: usize,
}

impl Figure {
    /// Of all values; nothing was measured if there are none.
    pub(crate) fn of(what: &'static str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = values.len().saturating_sub(1) / 2;
        let median = values.get(middle).copied().unwrap_or(f64::NAN);
        let max = values.last().copied().unwrap_or(f64::NAN);
        Self { what, median, max, count: values.len() }
    }

    /// A number of things.
    pub(crate) fn count(what: &'static str, count: usize) -> Self {
        let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
        Self::of(what, vec![count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_tells_the_middle_and_the_worst() {
        let figure = Figure::of("x", vec![5.0, -1.0, 2.0, 9.0]);
        assert!((figure.median - 2.0).abs() < 1e-9 && (figure.max - 9.0).abs() < 1e-9);
        assert!(Figure::of("x", vec![]).median.is_nan());
    }
}
