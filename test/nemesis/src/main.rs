//! `weft-nemesis`: one run of managers under faults, or one manager of such a run.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser};
use weft_nemesis::{Fault, Kind, Outcome, Plan, run, serve};

/// Managers of a real store under faults, and whether their history is linearizable
#[derive(Parser, Debug)]
#[command(name = "weft-nemesis")]
enum Arguments {
    /// Run managers, clients and faults, and judge
    Run(Run),
    /// Be one manager of a run
    #[command(hide = true)]
    Serve(serve::Manager),
}

#[derive(Args, Debug)]
struct Run {
    /// What keeps the store
    #[arg(long, value_enum, default_value = "raft")]
    store: Kind,
    /// How many managers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=7))]
    managers: u8,
    /// How long faults go on
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What goes wrong [default: everything that can]
    #[arg(long, value_enum, value_delimiter = ',')]
    faults: Vec<Fault>,
    /// First seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many runs, each with the next seed
    #[arg(long, default_value_t = 1)]
    runs: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = match Arguments::parse() {
        Arguments::Serve(manager) => {
            serve::serve(manager).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Arguments::Run(arguments) => arguments,
    };
    let mut good = true;
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.runs) {
        let outcome = run(&plan(&arguments, seed)?).await?;
        good &= outcome.violations.is_empty();
        print(seed, &outcome)?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plan(arguments: &Run, seed: u64) -> anyhow::Result<Plan> {
    let faults = if arguments.faults.is_empty() { Fault::all() } else { arguments.faults.clone() };
    Ok(Plan {
        kind: arguments.store,
        managers: arguments.managers,
        time: Duration::from_secs(arguments.seconds),
        faults,
        seed,
        program: std::env::current_exe()?,
    })
}

#[expect(clippy::print_stdout, reason = "a program for the one who tests")]
fn print(seed: u64, outcome: &Outcome) -> anyhow::Result<()> {
    println!("seed {seed}: {}", serde_json::to_string_pretty(outcome)?);
    Ok(())
}
