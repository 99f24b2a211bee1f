//! A file that is there as a whole, or not.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::DiskError;
use super::error::failed;

/// A file, if it is there.
pub(super) fn text_of(path: &Path) -> Result<Option<Vec<u8>>, DiskError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text.map(Some).map_err(|source| failed("read", path, source)),
    }
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), DiskError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        _gone => Ok(()),
    }
}

/// Writes beside the file, syncs, renames over it and syncs the directory.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    if let Err(error) = write_new(&beside, text).and_then(|()| fs::rename(&beside, path)) {
        // What was half written is in the way of nothing but a person who looks.
        drop(fs::remove_file(&beside));
        return Err(error);
    }
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}
