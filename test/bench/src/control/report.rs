//! The figures as a table and as a file.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::figure::Figure;
use super::reference::{docker, target};

/// Everything of one run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    part: &'static str,
    #[serde(flatten)]
    weft: Figure,
    /// Median and worst.
    target: Option<(f64, f64)>,
    /// As measured in November 2026.
    docker_20_10: (f64, f64),
    docker_29_7: (f64, f64),
}

impl Report {
    pub(super) fn add(&mut self, part: &'static str, figures: Vec<Figure>) {
        self.rows.extend(figures.into_iter().map(|weft| {
            let [docker_20_10, docker_29_7] = docker(part, weft.what);
            Row { part, target: target(part, weft.what), docker_20_10, docker_29_7, weft }
        }));
    }

    pub(super) fn print(&self) {
        println!("\nms, median / worst; Docker's as measured in November 2026\n");
        println!("| what | Docker 20.10 | Docker 29.7 | Weft (n) | to reach | |");
        println!("|---|---|---|---|---|---|");
        for row in &self.rows {
            let Figure { what, median, max, count } = &row.weft;
            let weft = told((*median, *max));
            let wanted = row.target.map(told).unwrap_or_default();
            let reached = match row.target {
                Some((middle, worst)) if *median <= middle && *max <= worst => "reached",
                Some(_) => "**missed**",
                None => "",
            };
            let (old, new) = (told(row.docker_20_10), told(row.docker_29_7));
            let part = row.part;
            println!(
                "| {part}: {what} | {old} | {new} | {weft} ({count}) | {wanted} | {reached} |"
            );
        }
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let told = || format!("write {}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(told)?;
        }
        fs::write(path, serde_json::to_string_pretty(self)?).with_context(told)
    }
}

fn told((median, worst): (f64, f64)) -> String {
    if median.is_nan() {
        return String::new();
    }
    let precision = usize::from(median.fract().abs() > 1e-6 && median.abs() < 10.0);
    format!("{median:.precision$} / {worst:.precision$}")
}
