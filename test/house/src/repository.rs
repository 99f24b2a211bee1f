//! The repository's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The repository's top folder.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Reads a file by its path from the top.
///
/// # Errors
///
/// What the file system says, and of which file.
pub fn read(path: &str) -> io::Result<String> {
    fs::read_to_string(root().join(path))
        .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// All files below the top that end with `suffix`, sorted, by their paths from the top.
///
/// Hidden folders and `target` are left out.
///
/// # Errors
///
/// What the file system says.
pub fn files(suffix: &str) -> io::Result<Vec<String>> {
    let top = root();
    let (mut found, mut folders) = (Vec::new(), vec![top.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !name.starts_with('.') && name != "target" {
                    folders.push(path);
                }
            } else if name.ends_with(suffix) {
                let below = path.strip_prefix(&top).unwrap_or(&path);
                found.push(below.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
