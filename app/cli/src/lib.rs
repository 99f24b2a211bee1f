//! The command line: one file a verb.
//!
//! It is a client of the admin API and of nothing else: whatever it shows, the agent said. What
//! goes to stdout passes through `output::Output`, what goes wrong through `failure::Failure`.

mod arguments;
mod display;
mod duration;
mod etcd;
mod failure;
mod moment;
mod output;
mod paint;
mod progress;
mod session;
mod sheet;
mod table;
mod verb;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Cli, Format};
use paint::Paint;
use session::Session;

/// Runs the command that `words` ask for, the program's own name first, to its end.
#[must_use]
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    if let [_, verb, form, command @ ..] = words.as_slice()
        && verb == verb::BECOME_VERB
    {
        let failure = verb::become_command(command);
        failure.print(Format::named(form), Paint::Plain);
        return failure.exit().code();
    }
    match Cli::try_parse_from(&words) {
        Ok(cli) => finish(cli),
        Err(refused) => failure::usage(&refused, &words),
    }
}

fn finish(cli: Cli) -> ExitCode {
    let mut session = Session::new(cli.global);
    let outcome = cli.verb.run(&mut session);
    session.finish(outcome)
}

/// The grammar of the whole command line, for whoever documents it.
#[must_use]
pub fn grammar() -> clap::Command {
    Cli::command()
}
