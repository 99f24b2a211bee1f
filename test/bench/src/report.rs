//! The figures as a table and as a file.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::figures::Figures;

/// One load on both sides: medians over all repetitions.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was asked.
    pub(crate) what: String,
    /// Docker's own resolver.
    pub(crate) docker: Figures,
    /// Weft's.
    pub(crate) weft: Figures,
}

/// Everything of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// The Engine beside which it was measured.
    pub(crate) engine: String,
    /// How often each load was repeated, the sides taking turns.
    pub(crate) repetitions: usize,
    /// One a load.
    pub(crate) rows: Vec<Row>,
}

impl Report {
    /// Writes it as JSON.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let told = || format!("write {}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(told)?;
        }
        fs::write(path, serde_json::to_string_pretty(self)?).with_context(told)
    }

    /// For people.
    pub(crate) fn print(&self) {
        println!("Docker Engine {}, {} repetitions, medians\n", self.engine, self.repetitions);
        println!("| load | Docker q/s, p50, p99 µs | Weft q/s, p50, p99 µs | q/s | p50 | p99 |");
        println!("|---|---|---|---|---|---|");
        for Row { what, docker, weft } in &self.rows {
            println!(
                "| {what} | {} | {} | {:.2} | {:.2} | {:.2} |",
                told(docker),
                told(weft),
                weft.rate / docker.rate,
                weft.p50_us / docker.p50_us,
                weft.p99_us / docker.p99_us,
            );
        }
    }
}

fn told(figures: &Figures) -> String {
    let Figures { rate, p50_us, p99_us, failed } = figures;
    let failed = if *failed > 0.0 { format!(", {failed:.0} failed") } else { String::new() };
    format!("{rate:.0}, {p50_us:.0}, {p99_us:.0}{failed}")
}
