//! Opening: a file is made completely or not at all, and a damaged one is left as it is.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Builder, Database};

use super::file::{File, explain, explain_io};
use super::load::{LoadError, load};
use super::tables::{
    ENTRIES, FORMAT, FORMAT_REPLICATED, LEASES, LOG, META, META_CHANGES, META_COMPACTED,
    META_ENTRIES, META_FORMAT, META_LEASE, META_REVISION,
};
use crate::StoreError;
use crate::ledger::Ledger;

/// Everything is kept in memory anyway.
const CACHE: usize = 4 << 20;

pub(crate) fn open(path: &Path) -> Result<(File, Ledger), StoreError> {
    open_as(path, &[FORMAT])
}

/// Opens a file that is, or may become, one manager's part of a replicated store.
pub(crate) fn open_replicated(path: &Path) -> Result<(File, Ledger), StoreError> {
    open_as(path, &[FORMAT, FORMAT_REPLICATED])
}

fn open_as(path: &Path, known: &[u64]) -> Result<(File, Ledger), StoreError> {
    let missing = !path.try_exists().map_err(|error| explain_io(path, &error))?;
    if missing {
        create(path)?;
    }
    // redb may panic over a damaged file.
    let opened = catch_unwind(AssertUnwindSafe(|| open_existing(path, known)));
    opened.unwrap_or_else(|_panic| {
        Err(StoreError::Corrupt { path: path.to_owned(), cause: "it cannot be read".into() })
    })
}

fn open_existing(path: &Path, formats: &[u64]) -> Result<(File, Ledger), StoreError> {
    let length = fs::metadata(path).map_err(|error| explain_io(path, &error))?.len();
    if length == 0 {
        return Err(StoreError::Corrupt { path: path.to_owned(), cause: "it is empty".into() });
    }
    let database = builder().open(path).map_err(|error| explain(path, error.into()))?;
    let path = path.to_owned();
    let known = formats.iter().copied().max().unwrap_or(FORMAT);
    match load(&database, formats) {
        Ok(ledger) => Ok((File { path, database }, ledger)),
        Err(LoadError::Redb(error)) => Err(explain(&path, error)),
        Err(LoadError::Format(found)) => Err(StoreError::Format { path, found, known }),
        Err(LoadError::Missing(cause)) => Err(StoreError::Corrupt { path, cause }),
    }
}

/// Makes an empty store under another name, and gives it its name when it is complete.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    let made = make(&draft, path);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(explain_io(path, &error)),
        _gone => made,
    }
}

fn make(draft: &Path, path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    drop(options.open(draft).map_err(|error| explain_io(path, &error))?);
    let database = builder().create(draft).map_err(|error| explain(path, error.into()))?;
    initialize(&database).map_err(|error| explain(path, error))?;
    drop(database);
    let linked = fs::hard_link(draft, path).and_then(|()| sync_directory(path));
    match linked {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(|error| explain_io(path, &error)),
    }
}

fn initialize(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    drop(transaction.open_table(ENTRIES)?);
    drop(transaction.open_table(LOG)?);
    drop(transaction.open_table(LEASES)?);
    let mut meta = transaction.open_table(META)?;
    meta.insert(META_FORMAT, FORMAT)?;
    for name in [META_REVISION, META_COMPACTED, META_LEASE, META_ENTRIES, META_CHANGES] {
        meta.insert(name, 0)?;
    }
    drop(meta);
    transaction.commit()?;
    Ok(())
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs::File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
