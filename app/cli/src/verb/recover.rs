//! `weft recover`: the cluster goes on with one manager when most are gone for good.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use weft_agent::{Flags, Recovered};

use super::Outcome;
use crate::failure::Failure;
use crate::session::Session;

const HELP: &str = "\
With most managers away nothing can be made or changed, but nothing is lost: bring them back if that
is possible at all. If it is not, choose the one with the highest revision among those that are left
(without --force, this command tells its own), and there:

  systemctl stop weft
  weft recover --force
  systemctl start weft
  weft node promote NODE NODE      to have three again

Workloads run on meanwhile. The CA and the nodes' certificates stay. Managers that come back after all
find that they are workers; what they knew and this one did not is lost.

If the registry was on its way into an etcd (weft store move), name that etcd as [store] in
/etc/weft/weft.toml: if it has arrived there, this host goes on there.";

/// Make this host the only manager when the others are gone for good
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(crate) struct Recover {
    /// They are gone, and what this host does not know may be lost
    #[arg(long)]
    force: bool,
    /// The etcd that the registry was on its way to is gone for good, and never comes back
    #[arg(long)]
    etcd_is_gone: bool,
    /// Directory of the agent's state [default: /var/lib/weft]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl Recover {
    pub(crate) fn run(self, session: &mut Session) -> Outcome {
        let Self { force, etcd_is_gone, state } = self;
        let asked = weft_agent::Recover { force, etcd_is_gone };
        let recovered = weft_agent::recover(Flags::at(state), asked);
        let recovered = recovered.map_err(|error| {
            failure("recover the cluster", error.as_ref(), weft_agent::hint(&error).as_deref())
        })?;
        let Recovered { cluster, node, revision, demoted, arrived } = &recovered;
        let value = json!({
            "cluster": cluster, "node": node, "revision": revision, "demoted": demoted,
            "arrived": arrived,
        });
        session.output.show(&value, |_paint| told(&recovered))
    }
}

fn told(recovered: &Recovered) -> String {
    let Recovered { cluster, node, revision, demoted, arrived } = recovered;
    if let Some(prefix) = arrived {
        return format!(
            "The registry of {cluster} has arrived in etcd, under {prefix}: {node} goes on there, and so do the managers \
             that come back.\nStart the agent: systemctl start weft"
        );
    }
    let workers = super::demoted(demoted);
    format!(
        "{node} is the only manager of {cluster} now, at revision {revision}.{workers}\n\
         Start the agent (systemctl start weft), then have three again: weft node promote"
    )
}

/// What the agent's own code could not do to the files.
pub(super) fn failure(what: &str, error: &dyn Error, hint: Option<&str>) -> Failure {
    Failure::local(what, error, hint.unwrap_or("look at the disk, then try again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_and_what_is_next_is_told() {
        let recovered = Recovered {
            cluster: "weft".into(),
            node: "h3".into(),
            revision: 9,
            demoted: vec!["h1".into(), "h2".into()],
            arrived: None,
        };
        assert_eq!(
            told(&recovered),
            "h3 is the only manager of weft now, at revision 9. Workers from now on: h1, h2.\n\
             Start the agent (systemctl start weft), then have three again: weft node promote"
        );
        let there = Recovered { arrived: Some("/weft".into()), ..recovered };
        assert!(told(&there).contains("in etcd, under /weft: h3 goes on there"));
    }
}
