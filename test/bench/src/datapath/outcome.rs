//! What was measured: samples, medians, ratios.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::chart;

/// The side that the others are held against.
pub(crate) const RAW: &str = "raw";

/// What is measured, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Test {
    TcpStream,
    TcpStream8,
    TcpStreamCpu,
    TcpRr,
    TcpRrP99,
    TcpCrr,
    Udp64,
}

impl Test {
    /// Those that are run, across hosts and on one.
    pub(crate) fn all() -> impl Iterator<Item = (Self, bool)> {
        let run = [Self::TcpStream, Self::TcpStream8, Self::TcpRr, Self::TcpCrr, Self::Udp64];
        [false, true].into_iter().flat_map(move |same| run.map(move |test| (test, same)))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::TcpStream => "tcp_stream",
            Self::TcpStream8 => "tcp_stream_8",
            Self::TcpStreamCpu => "tcp_stream_cpu",
            Self::TcpRr => "tcp_rr",
            Self::TcpRrP99 => "tcp_rr_p99",
            Self::TcpCrr => "tcp_crr",
            Self::Udp64 => "udp_64",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::TcpStream | Self::TcpStream8 => "Gbit/s",
            Self::TcpStreamCpu => "ns/KiB",
            Self::TcpRr | Self::TcpRrP99 => "us",
            Self::TcpCrr => "connections/s",
            Self::Udp64 => "packets/s",
        }
    }

    /// Whether less is better: a time.
    const fn is_cost(self) -> bool {
        matches!(self, Self::TcpStreamCpu | Self::TcpRr | Self::TcpRrP99)
    }
}

/// One side's figures of one test.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// `raw`, `docker-swarm`, `weft-bridge`, `weft-bpf`.
    pub(crate) variant: &'static str,
    /// `tcp_stream`, …, with `_same_host` at its end where both ends are on one host.
    pub(crate) test: String,
    /// Of `median` and `samples`.
    pub(crate) unit: &'static str,
    /// The middle of the samples.
    pub(crate) median: f64,
    /// 1: as good as the raw path; less: worse, for rates and for times. The middle of the
    /// repetitions' own ratios: a machine that is slow for a while is slow for all sides.
    pub(crate) ratio_to_raw: f64,
    /// In the order of the repetitions.
    pub(crate) samples: Vec<f64>,
}

/// One side's name and its samples.
type Samples = (&'static str, Vec<f64>);

/// All samples of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(BTreeMap<(bool, Test), Vec<Samples>>);

impl Outcomes {
    /// Adds a sample.
    pub(crate) fn add(&mut self, variant: &'static str, test: Test, same_host: bool, value: f64) {
        let sides = self.0.entry((same_host, test)).or_default();
        match sides.iter_mut().find(|(name, _)| *name == variant) {
            Some((_, samples)) => samples.push(value),
            None => sides.push((variant, vec![value])),
        }
    }

    /// Medians, and what they are to the raw path's.
    pub(crate) fn rows(self) -> Vec<Row> {
        self.0.into_iter().flat_map(|(key, sides)| rows(key, sides)).collect()
    }
}

fn rows((same, test): (bool, Test), sides: Vec<Samples>) -> Vec<Row> {
    let raw = sides.iter().find(|(name, _)| *name == RAW).map(|(_, samples)| samples.clone());
    let raw = raw.unwrap_or_default();
    let row = |(variant, samples): Samples| {
        let median = median(&samples);
        let ratio_to_raw = ratio(test, &raw, &samples);
        let test_name = format!("{}{}", test.name(), if same { "_same_host" } else { "" });
        Row { variant, test: test_name, unit: test.unit(), median, ratio_to_raw, samples }
    };
    let mut rows: Vec<Row> = sides.into_iter().map(row).collect();
    rows.sort_by_key(|row| (row.variant != RAW, row.variant));
    rows
}

/// How one side's samples compare with the raw path's of the same repetitions.
fn ratio(test: Test, raw: &[f64], samples: &[f64]) -> f64 {
    let pairs = raw.iter().zip(samples);
    let ratios =
        pairs.map(|(raw, sample)| if test.is_cost() { raw / sample } else { sample / raw });
    median(&ratios.collect::<Vec<f64>>())
}

fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// For people.
pub(crate) fn print(rows: &[Row]) {
    println!("| test | variant | median | unit | to raw | spread |");
    println!("|---|---|--:|---|--:|---|");
    for Row { variant, test, unit, median, ratio_to_raw, samples } in rows {
        let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let most = samples.iter().copied().fold(0.0, f64::max);
        let spread = format!("{least:.1} to {most:.1}");
        println!("| {test} | {variant} | {median:.1} | {unit} | {ratio_to_raw:.2} | {spread} |");
    }
}

/// Writes `datapath.json` and `datapath.svg`.
pub(crate) fn write(rows: &[Row], folder: &Path) -> anyhow::Result<()> {
    let told = || format!("write the figures to {}", folder.display());
    fs::create_dir_all(folder).with_context(told)?;
    let json = serde_json::to_string_pretty(rows)?;
    fs::write(folder.join("datapath.json"), json).with_context(told)?;
    fs::write(folder.join("datapath.svg"), chart::svg(rows)).with_context(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_below_one_is_worse_for_rates_and_for_times() {
        let mut outcomes = Outcomes::default();
        for (variant, rate, time) in [(RAW, 10.0, 50.0), ("slow", 5.0, 100.0)] {
            // The machine is slower in each repetition, and for both.
            for slower in [1.0, 2.0, 4.0] {
                outcomes.add(variant, Test::TcpStream, false, rate / slower);
                outcomes.add(variant, Test::TcpRr, true, time * slower);
            }
        }
        let rows = outcomes.rows();
        let told: Vec<(&str, &str, bool)> = rows
            .iter()
            .map(|row| (row.variant, row.test.as_str(), (row.ratio_to_raw - 0.5).abs() < 1e-9))
            .collect();
        let expected = [
            (RAW, "tcp_stream", false),
            ("slow", "tcp_stream", true),
            (RAW, "tcp_rr_same_host", false),
            ("slow", "tcp_rr_same_host", true),
        ];
        assert_eq!(told, expected);
    }
}
