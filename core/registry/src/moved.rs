//! How far a registry is that leaves the managers' disks for an etcd: it is copied there after it was
//! sealed here, and whoever did that may be cut off at any step.

use crate::{Cluster, Keeping, Snapshot, View, generation};

/// What is there where a registry goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There<'a> {
    /// A registry.
    Found(&'a Snapshot),
    /// None.
    Nothing,
    /// That cannot be seen now.
    Unknown,
}

/// Why a registry does not go on elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMoved {
    /// Another registry is there.
    Taken,
    /// It stays where it is.
    Stays,
    /// It is sealed, and may have a copy there: the move is to be finished.
    Open,
}

/// Whether the registry `here` may leave: nothing is there but what an earlier attempt left.
///
/// # Errors
///
/// [`NotMoved`] says how it stands; nothing has changed.
pub fn may_leave(here: &Snapshot, there: There<'_>) -> Result<(), NotMoved> {
    match there {
        There::Nothing => Ok(()),
        There::Found(other) => must_be_copy(other, here),
        There::Unknown if keeping(here) == Some(Keeping::Moving) => Err(NotMoved::Open),
        There::Unknown => Err(NotMoved::Stays),
    }
}

/// Whether the registry that was `sealed` goes on in its copy, although founding that failed, as it
/// seems; `perhaps`: whether it may have been founded all the same, a moment after it was looked for.
///
/// # Errors
///
/// [`NotMoved`] says how it stands. One that stays is to be unsealed.
pub fn has_arrived(sealed: &Snapshot, there: There<'_>, perhaps: bool) -> Result<(), NotMoved> {
    match there {
        There::Found(other) => must_be_copy(other, sealed),
        There::Nothing if !perhaps => Err(NotMoved::Stays),
        There::Nothing | There::Unknown => Err(NotMoved::Open),
    }
}

/// Whether a registry was copied from this very one, after it was sealed.
fn must_be_copy(other: &Snapshot, sealed: &Snapshot) -> Result<(), NotMoved> {
    let id = |snapshot| cluster(snapshot).map(|cluster| cluster.id);
    let was_moved = keeping(sealed) == Some(Keeping::Moving)
        && keeping(other) == Some(Keeping::Etcd)
        && id(sealed) == id(other);
    let later = generation(other.revision) == generation(sealed.revision)
        && other.revision > sealed.revision;
    if was_moved && later { Ok(()) } else { Err(NotMoved::Taken) }
}

fn cluster(registry: &Snapshot) -> Option<Cluster> {
    View::from_snapshot(registry).ok()?.cluster().cloned()
}

fn keeping(registry: &Snapshot) -> Option<Keeping> {
    cluster(registry).map(|cluster| cluster.keeping)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{CERTIFICATE_LIFE, Entry, GENERATION, Key};

    fn registry(id: &str, keeping: Keeping, revision: u64) -> Snapshot {
        let cluster = Cluster {
            id: id.to_owned(),
            name: "east".parse().unwrap(),
            vxlan_port: 4789,
            pools: Vec::new(),
            subnet_prefix: 24,
            address_rest: Duration::from_secs(60),
            certificate_life: CERTIFICATE_LIFE,
            ca_pem: String::new(),
            ca_generation: 0,
            former_ca_pem: None,
            keeping,
        };
        let value = serde_json::to_vec(&cluster).unwrap();
        let entry = Entry { key: Key::Cluster.to_string(), value, modified: revision };
        Snapshot { revision, entries: vec![entry] }
    }

    #[test]
    fn a_copy_is_one_of_this_cluster_from_after_the_seal() {
        let sealed = registry("c1", Keeping::Moving, 7);
        let found = |other: &Snapshot| {
            let told = may_leave(&sealed, There::Found(other));
            assert_eq!(has_arrived(&sealed, There::Found(other), false), told);
            told
        };
        assert_eq!(found(&registry("c1", Keeping::Etcd, 8)), Ok(()));
        let others = [
            registry("c2", Keeping::Etcd, 8),
            registry("c1", Keeping::Managers, 8),
            registry("c1", Keeping::Etcd, 7),
            registry("c1", Keeping::Etcd, 8 + GENERATION),
            Snapshot { revision: 8, entries: Vec::new() },
        ];
        for other in others {
            assert_eq!(found(&other), Err(NotMoved::Taken), "{other:?}");
        }
        let unsealed = registry("c1", Keeping::Managers, 7);
        let copy = registry("c1", Keeping::Etcd, 8);
        assert_eq!(may_leave(&unsealed, There::Found(&copy)), Err(NotMoved::Taken));
    }

    #[test]
    fn a_registry_leaves_for_where_nothing_is() {
        for keeping in [Keeping::Managers, Keeping::Moving] {
            assert_eq!(may_leave(&registry("c1", keeping, 7), There::Nothing), Ok(()));
        }
        let stands = |keeping| may_leave(&registry("c1", keeping, 7), There::Unknown);
        assert_eq!(stands(Keeping::Managers), Err(NotMoved::Stays));
        assert_eq!(stands(Keeping::Moving), Err(NotMoved::Open), "an earlier attempt sealed it");
    }

    #[test]
    fn a_registry_stays_only_if_surely_nothing_was_founded() {
        let sealed = registry("c1", Keeping::Moving, 7);
        assert_eq!(has_arrived(&sealed, There::Nothing, false), Err(NotMoved::Stays));
        assert_eq!(has_arrived(&sealed, There::Nothing, true), Err(NotMoved::Open));
        assert_eq!(has_arrived(&sealed, There::Unknown, false), Err(NotMoved::Open));
    }
}
