//! The one binary: argv decides between a part of the lab and the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The lab's hosts are this very executable; nobody types their verbs.
    let verb = std::env::args_os().nth(1);
    let part = verb.as_ref().and_then(|verb| weft_lab::play(verb.to_str()?));
    part.unwrap_or_else(|| weft_cli::run(std::env::args_os()))
}
