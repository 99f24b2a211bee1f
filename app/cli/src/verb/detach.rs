//! `weft detach`: takes a network namespace off its network.

use clap::Args;

use super::Outcome;
use crate::session::Session;

/// Undo `weft attach`
#[derive(Args, Debug)]
pub(crate) struct Detach {
    /// Names, ids, or beginnings of ids of attached endpoints
    #[arg(required = true, value_name = "NAME")]
    endpoints: Vec<String>,
}

impl Detach {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let mut removed = Vec::new();
        for endpoint in &self.endpoints {
            let what = format!("detach {endpoint}");
            match session.ask(&what, async |c| c.detach(endpoint).await).await {
                Ok(_done) => removed.push(endpoint),
                Err(failure) => session.report(&failure),
            }
        }
        super::removed(session, &removed)
    }
}
