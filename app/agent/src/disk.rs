//! What makes this host a member, on disk: written whole or not at all.
//!
//! `member.json` is written last when a host becomes a member and removed first when it leaves,
//! so that a crash in between leaves a host that is no member.

mod cache;
mod error;
mod file;
mod membership;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use weft_registry::Snapshot;

use self::error::failed;
use self::file::{remove, replace, text_of};

pub(crate) use self::cache::{Cache, Cached};
pub(crate) use self::error::DiskError;
pub(crate) use self::membership::Membership;

/// The agent's state directory.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    dir: PathBuf,
    /// One change of the membership at a time.
    amending: Arc<Mutex<()>>,
}

impl Disk {
    /// Uses `dir`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// If the directory cannot be made.
    pub(crate) fn open(dir: &Path) -> Result<Self, DiskError> {
        fs::create_dir_all(dir).map_err(|source| failed("create", dir, source))?;
        Ok(Self { dir: dir.to_owned(), amending: Arc::default() })
    }

    /// The store of what should exist, on managers.
    #[must_use]
    pub(crate) fn manager_store(&self) -> PathBuf {
        self.dir.join("manager.redb")
    }

    /// Where a store of what should exist is kept that another one has taken the place of.
    #[must_use]
    pub(crate) fn replaced_manager_store(&self) -> PathBuf {
        self.dir.join("manager.redb.replaced")
    }

    /// The store of what this host has.
    #[must_use]
    pub(crate) fn local_store(&self) -> PathBuf {
        self.dir.join("local.redb")
    }

    /// The membership, if this host is a member.
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read or understood, or without the store of a member:
    /// made anew it would be empty, and addresses that are in use would be leased again.
    pub(crate) fn membership(&self) -> Result<Option<Membership>, DiskError> {
        let membership: Option<Membership> = self.read("member.json")?;
        let path = self.local_store();
        if membership.is_some() && !path.exists() {
            return Err(DiskError::Missing { path });
        }
        Ok(membership)
    }

    /// Whether the registry's store is there.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub(crate) fn must_have_manager_store(&self) -> Result<(), DiskError> {
        let path = self.manager_store();
        if path.exists() { Ok(()) } else { Err(DiskError::Missing { path }) }
    }

    /// Removes the registry's store.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub(crate) fn clear_manager_store(&self) -> Result<(), DiskError> {
        remove(&self.manager_store())
    }

    /// Puts the registry's store out of the way, since it is kept elsewhere from now on.
    ///
    /// # Errors
    ///
    /// If it cannot be renamed.
    pub(crate) fn set_aside_manager_store(&self) -> Result<(), DiskError> {
        let path = self.manager_store();
        match fs::rename(&path, path.with_extension("redb.moved")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("rename", &path, error))
            }
            _done => Ok(()),
        }
    }

    /// Puts another store in the registry's place, and the one that was there beside it.
    ///
    /// # Errors
    ///
    /// If a file cannot be renamed.
    pub(crate) fn replace_manager_store(&self, by: &Path) -> Result<(), DiskError> {
        let path = self.manager_store();
        let rename = |from: &Path, to: &Path| {
            fs::rename(from, to).map_err(|source| failed("rename", from, source))
        };
        if path.exists() {
            rename(&path, &self.replaced_manager_store())?;
        }
        rename(by, &path)?;
        let synced = fs::File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|source| failed("write", &self.dir, source))
    }

    /// Makes this host a member for good.
    ///
    /// # Errors
    ///
    /// If it cannot be written; the host is no member then.
    pub(crate) fn found(&self, membership: &Membership) -> Result<(), DiskError> {
        self.write("member.json", membership)
    }

    /// Changes what this host remembers of its membership, on the disk; answers what it is now.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written, or this host is no member any more.
    pub(crate) fn amend(
        &self,
        change: impl FnOnce(&mut Membership),
    ) -> Result<Membership, DiskError> {
        let _one_at_a_time = self.amending.lock().unwrap_or_else(PoisonError::into_inner);
        let path = || self.dir.join("member.json");
        let mut membership: Membership =
            self.read("member.json")?.ok_or_else(|| DiskError::Missing { path: path() })?;
        change(&mut membership);
        self.found(&membership)?;
        Ok(membership)
    }

    /// The registry as it was last seen, so that a host can start without managers.
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read or understood.
    pub(crate) fn registry(&self) -> Result<Option<Cached>, DiskError> {
        let path = self.dir.join(cache::NAME);
        let text = text_of(&path)?;
        let cached = text.map(|text| Cached::parse(&text)).transpose();
        cached.map_err(|source| DiskError::Corrupt { path, source })
    }

    /// Remembers the registry, before there is a [`Cache`].
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was remembered before is still there.
    pub(crate) fn remember(&self, registry: &Snapshot) -> Result<(), DiskError> {
        let path = self.dir.join(cache::NAME);
        let written = cache::text(registry).and_then(|text| replace(&path, &text));
        written.map_err(|source| failed("write", &path, source))
    }

    /// Removes every trace of a membership, the membership itself first.
    ///
    /// # Errors
    ///
    /// If a file cannot be removed.
    pub(crate) fn clear(&self) -> Result<(), DiskError> {
        for name in ["member.json", cache::NAME, "manager.redb", "manager.redb.moved", "local.redb"]
        {
            remove(&self.dir.join(name))?;
        }
        Ok(())
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<Option<T>, DiskError> {
        let path = self.dir.join(name);
        let value = text_of(&path)?.map(|text| serde_json::from_slice(&text)).transpose();
        value.map_err(|source| DiskError::Corrupt { path, source })
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), DiskError> {
        let path = self.dir.join(name);
        let text = serde_json::to_vec_pretty(value)
            .map_err(|source| DiskError::Corrupt { path: path.clone(), source })?;
        replace(&path, &text).map_err(|source| failed("write", &path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrupt_file_is_told_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        fs::write(dir.path().join("member.json"), "{\"cluster\":").unwrap();
        let error = disk.membership().unwrap_err();
        assert!(matches!(error, DiskError::Corrupt { .. }));
        assert!(error.hint().contains("member.json"));
        assert_eq!(fs::read(dir.path().join("member.json")).unwrap(), b"{\"cluster\":");
    }

    /// A membership with this certificate.
    fn member(chain: &str) -> String {
        let node = serde_json::json!({
            "id": "00000000000000000000000000000001", "key": format!("04{}", "ab".repeat(64)),
            "name": "n1", "role": "worker",
            "vtep": "192.0.2.1", "control": "192.0.2.1:4788",
        });
        let member = serde_json::json!({
            "cluster": "c", "node": node, "key_pem": "", "chain_pem": chain, "ca_pem": "",
        });
        member.to_string()
    }

    #[test]
    fn a_member_without_its_stores_does_not_start() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        fs::write(dir.path().join("member.json"), member("")).unwrap();
        let error = disk.membership().unwrap_err();
        assert!(matches!(&error, DiskError::Missing { path } if path.ends_with("local.redb")));
        fs::write(disk.local_store(), "").unwrap();
        assert!(disk.membership().unwrap().is_some());
    }

    #[test]
    fn a_membership_is_amended_on_the_disk_and_only_if_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        assert!(matches!(disk.amend(|_| {}).unwrap_err(), DiskError::Missing { .. }));
        fs::write(dir.path().join("member.json"), member("old")).unwrap();
        fs::write(disk.local_store(), "").unwrap();
        let amended = disk.amend(|membership| membership.chain_pem = "new".into()).unwrap();
        assert_eq!(amended.chain_pem, "new");
        assert_eq!(disk.membership().unwrap().unwrap().chain_pem, "new");
    }

    #[test]
    fn a_host_that_was_cleared_is_no_member() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.remember(&Snapshot { revision: 7, entries: Vec::new() }).unwrap();
        assert_eq!(disk.registry().unwrap().unwrap().view().unwrap().revision(), 7);
        disk.clear().unwrap();
        assert!(disk.registry().unwrap().is_none());
        assert!(disk.membership().unwrap().is_none());
    }
}
