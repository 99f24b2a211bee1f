//! `weft leave`: leaves the cluster.

use clap::Args;
use weft_api::ClusterLeave;

use super::Outcome;
use crate::session::Session;

/// End this host's membership in its cluster
///
/// Refused while endpoints are here or no manager can be told, unless forced.
#[derive(Args, Debug)]
pub(crate) struct Leave {
    /// Leave in any case
    #[arg(long, short)]
    force: bool,
}

impl Leave {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let leave = ClusterLeave { force: self.force };
        let done = session.ask("leave the cluster", async |c| c.leave(leave).await).await?;
        session.output.show(&done, |_paint| "This host is in no cluster now.".to_owned())
    }
}
