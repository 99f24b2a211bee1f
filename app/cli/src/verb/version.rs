//! `weft version`: this command's and the agent's.

use clap::Args;
use serde_json::json;

use super::Outcome;
use crate::session::Session;
use crate::sheet::Sheet;

/// Print this command's version and the agent's
#[derive(Args, Debug)]
pub(crate) struct Version {}

impl Version {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let ours = env!("CARGO_PKG_VERSION");
        // An agent that cannot be asked is part of the answer here, no failure.
        let theirs = session.ask("ask the agent", async |c| c.status().await).await;
        let theirs = theirs.ok().map(|status| status.version);
        session.output.show(&json!({ "client": ours, "agent": theirs }), |paint| {
            let agent = theirs.as_deref().unwrap_or("not reachable");
            Sheet::new(paint).line("Client", ours).line("Agent", agent).text()
        })
    }
}
