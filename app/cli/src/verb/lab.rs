//! `weft lab`: several hosts on one machine.

use clap::Args;

use crate::arguments::Format;
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::verb::Outcome;

const EXAMPLES: &str = "\
Examples:
  weft lab up --hosts 3 --docker
  weft lab exec h1 -- weft init
  weft lab exec h1 -- docker run -d --network app --name web nginx
  weft lab cut h2          weft lab heal h2
  weft lab down";

/// Bring up several hosts on this machine, to try Weft or to break it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lab {
    #[command(subcommand)]
    verb: weft_lab::Verb,
}

impl Lab {
    pub(crate) fn run(self, session: &mut Session) -> Outcome {
        let form = match session.output.format() {
            Format::Table => weft_lab::Form::Table,
            Format::Json => weft_lab::Form::Json,
        };
        match weft_lab::run(self.verb, form) {
            Ok(code) => {
                session.exit_with(code);
                Ok(())
            }
            Err(error) => Err(Failure::local("lab", &error, error.hint()).ending(Exit::Failed)),
        }
    }
}
