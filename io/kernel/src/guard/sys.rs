//! bpf(2), as far as aya has no word for it.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::libc::{self, c_long};

/// `enum bpf_cmd` (linux/bpf.h).
const OBJ_GET: c_long = 7;
const OBJ_GET_INFO_BY_FD: c_long = 15;
const MAP_LOOKUP_BATCH: c_long = 24;
const MAP_UPDATE_BATCH: c_long = 26;
const MAP_DELETE_BATCH: c_long = 27;

/// What is done with many rows at once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    /// Rows are read, from a token on.
    Lookup,
    /// Rows are written.
    Update,
    /// Rows are removed.
    Delete,
}

/// The part of `union bpf_attr` for `BPF_OBJ_GET`.
#[repr(C)]
struct Get {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// The part of `union bpf_attr` for `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
struct Info {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// The part of `union bpf_attr` for `BPF_MAP_*_BATCH`: where keys and values lie, and how many.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) in_batch: u64,
    pub(super) out_batch: u64,
    pub(super) keys: u64,
    pub(super) values: u64,
    pub(super) count: u32,
    pub(super) map_fd: u32,
    pub(super) elem_flags: u64,
    pub(super) flags: u64,
}

/// What is pinned at `path`.
pub(super) fn get(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut request = Get { pathname: path.as_ptr() as u64, bpf_fd: 0, file_flags: 0 };
    let fd = bpf(OBJ_GET, &mut request)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
    #[expect(unsafe_code, reason = "a descriptor from a system call")]
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The first bytes of what the kernel tells of an object.
pub(super) fn info(object: &OwnedFd) -> io::Result<[u8; 64]> {
    let mut info = [0_u8; 64];
    let bpf_fd = number_of(object.as_raw_fd())?;
    let mut request = Info { bpf_fd, info_len: 64, info: info.as_mut_ptr() as u64 };
    bpf(OBJ_GET_INFO_BY_FD, &mut request)?;
    Ok(info)
}

/// Many rows of a table with one call; says what stopped it. How far it came is in `batch.count`.
///
/// # Safety
///
/// All pointers must lead to as many keys and values as `batch.count` says, each as large as the
/// table's, or to eight bytes for a token, which stay where they are until the call returns; those
/// that the kernel writes to must be writable.
#[expect(unsafe_code, reason = "the kernel reads and writes memory that it is pointed to")]
pub(super) unsafe fn batch(verb: Verb, table: BorrowedFd<'_>, batch: &mut Batch) -> io::Result<()> {
    let command = match verb {
        Verb::Lookup => MAP_LOOKUP_BATCH,
        Verb::Update => MAP_UPDATE_BATCH,
        Verb::Delete => MAP_DELETE_BATCH,
    };
    let asked = batch.count;
    batch.map_fd = number_of(table.as_raw_fd())?;
    let done = bpf(command, batch).map(drop);
    // Who refuses it as a whole leaves the number as it was.
    if batch.count == asked && done.as_ref().is_err_and(|error| !is_missing(error)) {
        batch.count = 0;
    }
    done
}

/// Whether there is no such row, or none any more.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOENT)
}

fn number_of(descriptor: i32) -> io::Result<u32> {
    u32::try_from(descriptor).map_err(io::Error::other)
}

fn bpf<T>(command: c_long, request: &mut T) -> io::Result<i32> {
    let request = std::ptr::from_mut(request);
    // SAFETY: the request has the layout that the command reads, of exactly the size that is
    // given; what it points to lives until the call returns and is as large as it says.
    #[expect(unsafe_code, reason = "bpf(2) has no wrapper for this")]
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command, request, size_of::<T>()) };
    match i32::try_from(answer) {
        Ok(done) if done >= 0 => Ok(done),
        _ => Err(io::Error::last_os_error()),
    }
}
