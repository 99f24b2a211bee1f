//! The figures as a table and as a file.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

/// One thing that was measured.
#[derive(Clone, Debug, Serialize)]
struct Row {
    what: &'static str,
    unit: &'static str,
    median: f64,
    samples: Vec<f64>,
}

/// All of them, in the order in which they came.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Report(Vec<Row>);

impl Report {
    /// Adds a sample.
    pub(crate) fn add(&mut self, what: &'static str, unit: &'static str, value: f64) {
        match self.0.iter_mut().find(|row| row.what == what) {
            Some(row) => row.add(value),
            None => self.0.push(Row { what, unit, median: value, samples: vec![value] }),
        }
    }

    /// For people.
    pub(crate) fn print(&self) {
        println!("| what | median | unit | spread |");
        println!("|---|--:|---|---|");
        for Row { what, unit, median, samples } in &self.0 {
            let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
            let most = samples.iter().copied().fold(0.0, f64::max);
            println!("| {what} | {median:.2} | {unit} | {least:.2} to {most:.2} |");
        }
    }

    /// Writes it as JSON.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let told = || format!("write {}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(told)?;
        }
        fs::write(path, serde_json::to_string_pretty(self)?).with_context(told)
    }
}

impl Row {
    fn add(&mut self, value: f64) {
        self.samples.push(value);
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        self.median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_samples_is_told() {
        let mut report = Report::default();
        for value in [9.0, 1.0, 5.0] {
            report.add("a", "ms", value);
        }
        assert!((report.0[0].median - 5.0).abs() < 1e-9 && report.0.len() == 1);
    }
}
