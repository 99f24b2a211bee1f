//! `weft completions`: what shells complete with.

use clap::Args;
use clap_complete::Shell;

use super::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft completions bash > /etc/bash_completion.d/weft
  weft completions zsh > \"${fpath[1]}/_weft\"
  weft completions fish > ~/.config/fish/completions/weft.fish";

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Shell that is to complete
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, session: &mut Session) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::grammar(), "weft", &mut script);
        session.output.text(&String::from_utf8_lossy(&script))
    }
}
