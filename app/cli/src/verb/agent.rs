//! `weft agent`: the daemon itself.

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;
use crate::verb::Outcome;

/// Run the agent on this host, in the foreground (systemd's unit does)
#[derive(Args, Debug)]
pub(crate) struct Agent {
    #[command(flatten)]
    flags: weft_agent::Flags,
}

impl Agent {
    pub(crate) fn run(self, _session: &mut Session) -> Outcome {
        weft_agent::run(self.flags).map_err(|error| {
            let hint = weft_agent::hint(&error);
            let hint = hint.as_deref().unwrap_or("`journalctl -u weft` tells what it did before");
            Failure::local("run the agent", error.as_ref(), hint)
        })
    }
}
