//! How full a table is.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// How much of a table is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableUse {
    /// What is in it.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// How many it can have.
    pub most: u64,
    /// How much of the kernel's memory it takes, in bytes.
    pub bytes: u64,
}

impl TableUse {
    /// What the kernel tells of a table, which does not count its rows.
    pub(super) fn of(table: &'static str, open: BorrowedFd<'_>, rows: usize) -> io::Result<Self> {
        let told = fs::read_to_string(format!("/proc/self/fdinfo/{}", open.as_raw_fd()))?;
        let number = |word: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(word));
            line.and_then(|rest| rest.trim_start_matches(':').trim().parse().ok()).unwrap_or(0)
        };
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let (most, bytes) = (number("max_entries"), number("memlock"));
        Ok(Self { table, rows, most, bytes })
    }
}
