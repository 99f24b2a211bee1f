//! The registry as it was last seen, in one file: all of it, and behind that what has changed since.
//!
//! So a change costs the same however much there is. Once the changes are as long as all the rest, the
//! file is written anew.

use std::fs::File;
use std::io::{self, Write as _};

use serde::Deserialize as _;
use serde_json::Deserializer;
use weft_registry::{Change, Snapshot, View, ViewError};

use super::error::failed;
use super::file::replace;
use super::{Disk, DiskError};

/// Its name in the state directory.
pub(super) const NAME: &str = "registry.json";
/// So many bytes of changes are no reason to write the file anew.
const LEAST: u64 = 64 << 10;

/// What was read back.
#[derive(Debug)]
pub(crate) struct Cached {
    snapshot: Snapshot,
    changes: Vec<Change>,
}

impl Cached {
    /// As a power cut may have left it: a change that is not whole is none.
    pub(super) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        let mut values = Deserializer::from_slice(text);
        let snapshot = Snapshot::deserialize(&mut values)?;
        let changes = values.into_iter().map_while(Result::ok).collect();
        Ok(Self { snapshot, changes })
    }

    /// The registry.
    ///
    /// # Errors
    ///
    /// [`ViewError`] names the first entry that cannot be read.
    pub(crate) fn view(&self) -> Result<View, ViewError> {
        let mut view = View::from_snapshot(&self.snapshot)?;
        self.changes.iter().try_for_each(|change| view.apply(change))?;
        Ok(view)
    }
}

/// Writes it; there is one writer.
#[derive(Debug)]
pub(crate) struct Cache {
    disk: Disk,
    /// None before the first time, and after a failure: the file is written anew then.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// So many bytes of changes fit behind the rest.
    room: u64,
}

impl Cache {
    /// Of this state directory.
    pub(crate) const fn new(disk: Disk) -> Self {
        Self { disk, open: None }
    }

    /// Remembers a view, durably; `changes` are all that came since the last time, if that is known.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was remembered before is still there.
    pub(crate) fn keep(
        &mut self,
        view: &View,
        changes: Option<&[Change]>,
    ) -> Result<(), DiskError> {
        let path = self.disk.dir.join(NAME);
        let lines =
            changes.map(lines).transpose().map_err(|source| failed("write", &path, source))?;
        let open = match (self.open.take(), lines) {
            (Some(open), Some(lines)) if lines.len() as u64 <= open.room => open.append(&lines),
            _ => self.anew(&view.to_snapshot()),
        };
        self.open = Some(open.map_err(|source| failed("write", &path, source))?);
        Ok(())
    }

    fn anew(&self, snapshot: &Snapshot) -> io::Result<Open> {
        let path = self.disk.dir.join(NAME);
        let text = text(snapshot)?;
        replace(&path, &text)?;
        let file = File::options().append(true).open(&path)?;
        Ok(Open { file, room: LEAST.max(text.len() as u64) })
    }
}

impl Open {
    fn append(mut self, lines: &[u8]) -> io::Result<Self> {
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.room -= lines.len() as u64;
        Ok(self)
    }
}

/// The file without changes.
pub(super) fn text(snapshot: &Snapshot) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(snapshot)?;
    text.push(b'\n');
    Ok(text)
}

fn lines(changes: &[Change]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for change in changes {
        serde_json::to_writer(&mut lines, change)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use weft_registry::Entry;

    use super::*;

    /// A key of a later version's, whose value is nobody's business here.
    fn change(revision: u64, value: &[u8]) -> Change {
        Change { revision, key: "/later".into(), value: Some(value.to_vec()) }
    }

    fn view(revision: u64, value: &[u8]) -> View {
        let entry = Entry { key: "/later".into(), value: value.to_vec(), modified: revision };
        View::from_snapshot(&Snapshot { revision, entries: vec![entry] }).unwrap()
    }

    fn read(disk: &Disk) -> View {
        disk.registry().unwrap().unwrap().view().unwrap()
    }

    fn length(disk: &Disk) -> u64 {
        fs::metadata(disk.dir.join(NAME)).unwrap().len()
    }

    #[test]
    fn a_change_is_written_behind_the_rest_and_read_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let mut cache = Cache::new(disk.clone());
        cache.keep(&view(7, b"old"), Some(&[change(7, b"old")])).unwrap();
        let whole = length(&disk);
        cache.keep(&view(8, b"new"), Some(&[change(8, b"new")])).unwrap();
        assert_eq!(read(&disk), view(8, b"new"));
        let line = length(&disk) - whole;
        assert!(line < 100, "{line}");
        cache.keep(&view(9, b"now"), None).unwrap();
        assert_eq!((read(&disk), length(&disk)), (view(9, b"now"), whole));
    }

    #[test]
    fn the_file_is_written_anew_when_the_changes_are_as_long_as_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let mut cache = Cache::new(disk.clone());
        let value = vec![1; 10_000];
        for revision in 1..=20 {
            let change = change(revision, &value);
            cache.keep(&view(revision, &value), Some(&[change])).unwrap();
            assert_eq!(read(&disk), view(revision, &value));
            assert!(length(&disk) < 2 * LEAST, "{}", length(&disk));
        }
    }

    #[test]
    fn a_change_that_a_power_cut_tore_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let mut cache = Cache::new(disk.clone());
        cache.keep(&view(7, b"old"), None).unwrap();
        cache.keep(&view(8, b"new"), Some(&[change(8, b"new")])).unwrap();
        let file = File::options().write(true).open(dir.path().join(NAME)).unwrap();
        file.set_len(length(&disk) - 3).unwrap();
        assert_eq!(read(&disk), view(7, b"old"));
        let mut next = Cache::new(disk.clone());
        next.keep(&view(9, b"newer"), Some(&[change(9, b"newer")])).unwrap();
        assert_eq!(read(&disk), view(9, b"newer"));
    }

    #[test]
    fn what_older_versions_wrote_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let text = serde_json::to_vec_pretty(&view(7, b"old").to_snapshot()).unwrap();
        fs::write(dir.path().join(NAME), text).unwrap();
        assert_eq!(read(&disk), view(7, b"old"));
    }
}
