//! `weft-sim`: one run, or many seeds, of a cluster in virtual time.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use weft_sim::{Report, Scenario, run};

/// Run a cluster in virtual time; a run that fails prints the seed that repeats it
#[derive(Parser, Debug)]
#[command(name = "weft-sim")]
struct Arguments {
    /// Hosts
    #[arg(long, default_value_t = 12)]
    nodes: usize,
    /// Networks; every host is on the first, and half of them on each other one. With more than
    /// 2,000 hosts: as many as they need with 50 hosts each
    #[arg(long, default_value_t = 2)]
    networks: usize,
    /// So many hosts on each network instead, drawn by lot
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    participants: usize,
    /// Workloads that run on each host from the beginning
    #[arg(long, default_value_t = 0)]
    workloads: usize,
    /// First seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many seeds, one after another
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Packets lost, in percent
    #[arg(long, default_value_t = 0)]
    loss: u32,
    /// Leave the cluster alone for so many seconds before anything is measured
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    settle: u64,
    /// Changes whose way to everybody is timed
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// Changes per second
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// Let so many hosts die, one after another, and see when the others notice
    #[arg(long, default_value_t = 0)]
    crashes: usize,
    /// Let things go wrong for so many seconds, then heal
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    harm: u64,
    /// Split the cluster in halves for so many seconds, then heal
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    split: u64,
    /// Up to so many hosts every two are connected; with more, probes alone tell who is alive
    #[arg(long, default_value_t = Scenario::default().mesh)]
    mesh: usize,
    /// Vary the seed's cluster, too: its size, its networks, its loss and what goes wrong
    #[arg(long)]
    vary: bool,
    /// Print runs that fail, and a sum in the end
    #[arg(long)]
    quiet: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// One object a run
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut bad, mut seconds, mut faults) = (0, 0.0, 0);
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.seeds) {
        let report = run(&arguments.scenario(seed));
        bad += u64::from(!report.is_good());
        seconds += report.seconds;
        faults += report.faults;
        let silent = arguments.quiet && report.is_good();
        if !silent && print(&report, arguments.output).is_err() {
            // Nobody reads any more.
            return ExitCode::FAILURE;
        }
    }
    if arguments.quiet {
        // A sum that nobody reads is no failure.
        let hours = seconds / 3600.0;
        drop(writeln!(
            std::io::stdout(),
            "{} seeds, {hours:.0} hours of virtual time, {faults} faults: {bad} failed",
            arguments.seeds
        ));
    }
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Arguments {
    fn scenario(&self, seed: u64) -> Scenario {
        if self.vary {
            return Scenario::of_seed(seed);
        }
        Scenario {
            seed,
            nodes: self.nodes,
            networks: self.networks,
            participants: self.participants,
            workloads: self.workloads,
            loss: self.loss,
            settle: Duration::from_secs(self.settle),
            changes: self.changes,
            rate: self.rate,
            crashes: self.crashes,
            harm: Duration::from_secs(self.harm),
            split: Duration::from_secs(self.split),
            mesh: self.mesh,
        }
        .on_usual_networks()
    }
}

fn print(report: &Report, form: Form) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match form {
        Form::Json => {
            serde_json::to_writer(&mut out, report)?;
            writeln!(out)
        }
        Form::Text => writeln!(out, "{}", text(report)),
    }
}

fn text(report: &Report) -> String {
    let Report { seed, p50_ms, p99_ms, max_ms, missed, false_alarms, .. } = report;
    let known = format!("known by all after {p50_ms:.1} / {p99_ms:.1} / {max_ms:.1} ms");
    let healed = match (&report.violation, report.heal_ms) {
        (Some(violation), _) => format!("FAILED: {violation}"),
        (None, Some(healed)) => format!("healed after {healed:.0} ms"),
        (None, None) => "no harm done".to_owned(),
    };
    let dead = match report.detect_max_ms {
        0.0 => String::new(),
        max => format!(", deaths noticed after {:.0} / {max:.0} ms", report.detect_p50_ms),
    };
    format!(
        "seed {seed}: {known} (p50 / p99 / max), {missed} missed, {false_alarms} false alarms{dead}, \
         {healed}"
    )
}
