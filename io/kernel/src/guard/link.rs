//! Pinned links: which program stands at which interface. aya does not tell the interface.

use std::io;
use std::path::Path;

use super::sys;

/// A link as the kernel tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// The program's id.
    pub(super) program: u32,
    /// The interface's number; 0 if it is gone.
    pub(super) interface: u32,
}

/// The link that is pinned at `path`.
pub(super) fn read(path: &Path) -> io::Result<Standing> {
    let link = sys::get(path)?;
    let info = sys::info(&link)?;
    // `struct bpf_link_info`: type, id, prog_id, a hole, and of a tcx link its ifindex.
    let number = |at: usize| info.get(at..).and_then(<[u8]>::first_chunk);
    let missing = || io::Error::from(io::ErrorKind::InvalidData);
    Ok(Standing {
        program: u32::from_ne_bytes(*number(8).ok_or_else(missing)?),
        interface: u32::from_ne_bytes(*number(16).ok_or_else(missing)?),
    })
}
