//! `weft restore`: the cluster goes on from a backup.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use weft_agent::{Flags, Restored};

use super::Outcome;
use super::recover::failure;
use crate::session::Session;

const HELP: &str = "\
For when every manager's registry is lost; this host's agent must be stopped. On a host that is in no cluster, this host becomes the manager
that made the backup, with its keys and its name: that host must not come back. On a manager that is
stopped, its registry is replaced and it stays who it is.

The registry is on this host's disk then, wherever it was. One that an etcd keeps is taken out of use there, so that no other
manager goes on with it; those that come back find that they are workers.

What was made after the backup is not known afterwards: networks are gone; address blocks are claimed
again by the hosts that use them.";

/// Begin the cluster anew from a backup, with this host as its only manager
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(crate) struct Restore {
    /// What `weft backup` has written
    file: PathBuf,
    /// Address that the other hosts reach this one at [default: that of the manager in the backup]
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<IpAddr>,
    /// Replace a registry that is here, or in an etcd
    #[arg(long)]
    force: bool,
    /// The etcd that kept the registry is gone for good, and never comes back
    #[arg(long)]
    etcd_is_gone: bool,
    /// Directory of the agent's state [default: /var/lib/weft]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl Restore {
    pub(crate) fn run(self, session: &mut Session) -> Outcome {
        let Self { file, advertise, force, etcd_is_gone, state } = self;
        let asked = weft_agent::Restore { file, advertise, force, etcd_is_gone };
        let restored = weft_agent::restore(Flags::at(state), &asked);
        let restored = restored.map_err(|error| {
            failure("restore the cluster", error.as_ref(), weft_agent::hint(&error).as_deref())
        })?;
        let Restored { cluster, node, nodes, networks, demoted, retired } = &restored;
        let value = json!({
            "cluster": cluster, "node": node, "nodes": nodes, "networks": networks,
            "demoted": demoted, "retired": retired,
        });
        session.output.show(&value, |_paint| told(&restored))
    }
}

fn told(restored: &Restored) -> String {
    let Restored { cluster, node, nodes, networks, demoted, retired } = restored;
    let workers = super::demoted(demoted);
    let retired = retired.as_ref().map_or_else(String::new, |prefix| {
        format!(
            "What etcd has under {prefix} is out of use; it is kept here too, as manager.redb.replaced.\n"
        )
    });
    format!(
        "{node} is the only manager of {cluster} now, which has {nodes} nodes and {networks} \
         networks.{workers}\n\
         {retired}Start the agent: systemctl start weft"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_again_is_told() {
        let restored = Restored {
            cluster: "weft".into(),
            node: "h1".into(),
            nodes: 3,
            networks: 2,
            demoted: vec![],
            retired: None,
        };
        assert_eq!(
            told(&restored),
            "h1 is the only manager of weft now, which has 3 nodes and 2 networks.\n\
             Start the agent: systemctl start weft"
        );
        let restored = Restored { retired: Some("/weft".into()), ..restored };
        assert!(told(&restored).contains("etcd has under /weft is out of use"));
    }
}
