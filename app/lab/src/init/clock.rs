//! An agent's wall clock that can be moved: libfaketime reads the offset from a file, at every look.

use std::fs;
use std::io;
use std::path::PathBuf;

/// Where the offset stands.
pub(crate) const CLOCK: &str = "/run/lab/clock";

/// Makes the file; the clock is right until somebody writes something else there.
pub(super) fn make() -> io::Result<()> {
    library().map(drop).ok_or_else(|| io::Error::other("there is no libfaketime"))?;
    fs::write(CLOCK, "+0")
}

/// What the program is started with. The clock that timers go by never jumps on a real machine, whatever
/// is done to the other one.
pub(super) fn environment() -> Vec<(&'static str, String)> {
    let library = library().map(|path| path.display().to_string()).unwrap_or_default();
    vec![
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", CLOCK.to_owned()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let mut paths = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    paths.find(|path| path.exists())
}
