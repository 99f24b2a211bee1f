//! `weft agent`: the daemon itself.

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;
use crate::verb::Outcome;

const HELP: &str = "\
A section of the configuration file has no flag: which etcd `weft init` founds the registry in, and how this host reaches it.
Only `etcd` must be there; the certificates are for https. It is read when the agent starts.

  [store]
  etcd = [\"https://192.0.2.1:2379\", \"https://192.0.2.2:2379\"]
  prefix = \"/weft\"
  ca = \"/etc/weft/etcd-ca.pem\"
  cert = \"/etc/weft/etcd.pem\"
  key = \"/etc/weft/etcd.key\"";

/// Run the agent on this host, in the foreground (systemd's unit does)
#[derive(Args, Debug)]
#[command(after_help = HELP)]
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
