//! Sets of tables, pinned in a directory each. A set is of one layout and one size; another layout
//! or size is another set, and takes over what is in the one before it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aya::{Ebpf, EbpfLoader};

use super::GuardError;
use super::error::failed;
use super::tables::{Tables, sizes};

/// `bpf/guard.c`, compiled by this crate's `build.rs`.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/guard.o"));
/// What every set is called, first.
const PREFIX: &str = "maps-";
/// The layout's number: it grows with each change in `bpf/maps.h`. A table of which the rows have
/// another form there gets another name too, so that nobody takes the old ones for new ones; but
/// for `ways`, which nobody takes over.
const LAYOUT: u32 = 3;
/// What a set is called while it is filled.
const UNFINISHED: &str = "unfinished";

/// A set, and the programs for it.
pub(super) struct Set {
    pub(super) path: PathBuf,
    pub(super) object: Ebpf,
    pub(super) tables: Tables,
    /// Whether it holds all that the one before it did.
    pub(super) whole: bool,
}

/// The set with room for so many stations.
pub(super) fn open(root: &Path, room: u32) -> Result<Set, GuardError> {
    let path = root.join(format!("{PREFIX}{LAYOUT}-{room}"));
    if !path.exists() {
        return fill(root, path, room);
    }
    let (object, tables) = load(&path, room)?;
    Ok(Set { path, object, tables, whole: true })
}

/// Once no program is left that reads the tables of other sets, they go.
pub(super) fn drop_others(set: &Path) -> io::Result<()> {
    let Some(root) = set.parent() else { return Ok(()) };
    let others = sets(root)?.into_iter().map(|(_, other)| other).filter(|other| other != set);
    others.into_iter().try_for_each(fs::remove_dir_all)
}

/// The programs and the tables of a set, which are made if they are not there.
fn load(set: &Path, room: u32) -> Result<(Ebpf, Tables), GuardError> {
    let mut loader = EbpfLoader::new();
    for (table, rows) in sizes(room) {
        loader.map_max_entries(table, rows);
    }
    let loaded = loader.default_map_pin_directory(set).load(OBJECT);
    let mut object = loaded.map_err(failed("load the guard's tables"))?;
    let tables = Tables::take(&mut object)?;
    Ok((object, tables))
}

/// Makes a new set, with all that is in the one before it. Programs read that until each is
/// replaced by one that reads this, so no packet meets a table without its rows.
fn fill(root: &Path, path: PathBuf, room: u32) -> Result<Set, GuardError> {
    let mut whole = true;
    let unfinished = root.join(UNFINISHED);
    drop(fs::remove_dir_all(&unfinished));
    fs::create_dir_all(&unfinished).map_err(failed("make a directory for pins"))?;
    let (object, mut tables) = load(&unfinished, room)?;
    if let Some((_, older)) = sets(root).map_err(failed("list older tables"))?.pop() {
        tracing::info!(from = %older.display(), to = %path.display(), "the guard's tables move");
        whole = tables.inherit(&older)?;
    }
    fs::rename(unfinished, &path).map_err(failed("name the new tables"))?;
    Ok(Set { path, object, tables, whole })
}

/// The sets of tables, the newest last.
fn sets(root: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut sets = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            sets.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    sets.sort();
    Ok(sets)
}
