//! The registry leaves the managers' disks for an etcd.
//!
//! ```text
//!   managers <-----> moving - - - - > etcd
//! ```
//!
//! The last step is none that is committed here: the copy in etcd says of itself what it is.

use weft_model::Node;

use super::draft::{Draft, already};
use super::{Decision, Outcome, Situation, must_manage};
use crate::{Cluster, Keeping, Key, Refused};

pub(super) fn keep(
    situation: &Situation<'_>,
    (cluster, asker): (&Cluster, &Node),
    keeping: Keeping,
) -> Result<Decision, Refused> {
    must_manage(asker, "move the registry")?;
    if cluster.keeping == keeping {
        return Ok(already(Outcome::Done));
    }
    if cluster.keeping == Keeping::Etcd || keeping == Keeping::Etcd {
        return Err(Refused::KeptByEtcd);
    }
    let next = Cluster { keeping, ..cluster.clone() };
    let draft = Draft::new(situation.view).unchanged(&Key::Cluster).put(&Key::Cluster, &next);
    Ok(draft.decided(Outcome::Done))
}
