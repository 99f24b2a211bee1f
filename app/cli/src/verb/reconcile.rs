//! `weft reconcile`: whether this host's kernel is kept as it should be.

use clap::Subcommand;

use super::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft reconcile pause             leave the kernel as it is, to look at it or to try something
  weft verify                      what would be mended
  weft reconcile resume            mend it

Packets go on meanwhile, but no workload gets a port. An agent that starts is not paused.";

/// Leave this host's kernel as it is for a while, or go on keeping it as it should be
#[derive(Clone, Copy, Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Reconcile {
    /// Leave the kernel as it is
    Pause,
    /// Go on
    Resume,
}

impl Reconcile {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let paused = matches!(self, Self::Pause);
        let what = if paused { "pause reconciling" } else { "resume reconciling" };
        session.ask(what, async |c| c.pause(paused).await).await?;
        let word = if paused { "paused" } else { "resumed" };
        session.output.show(&serde_json::json!({ "paused": paused }), |_paint| word.to_owned())
    }
}
