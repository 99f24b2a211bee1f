//! Pinned links: which program stands at which interface. aya does not tell the interface.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::libc::{self, c_long};

/// `enum bpf_cmd` (linux/bpf.h).
const BPF_OBJ_GET: c_long = 7;
const BPF_OBJ_GET_INFO_BY_FD: c_long = 15;

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
    let link = get(path)?;
    let info = info(&link)?;
    // `struct bpf_link_info`: type, id, prog_id, a hole, and of a tcx link its ifindex.
    let number = |at: usize| info.get(at..).and_then(<[u8]>::first_chunk);
    let missing = || io::Error::from(io::ErrorKind::InvalidData);
    Ok(Standing {
        program: u32::from_ne_bytes(*number(8).ok_or_else(missing)?),
        interface: u32::from_ne_bytes(*number(16).ok_or_else(missing)?),
    })
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

fn get(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut request = Get { pathname: path.as_ptr() as u64, bpf_fd: 0, file_flags: 0 };
    let fd = bpf(BPF_OBJ_GET, &mut request)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
    #[expect(unsafe_code, reason = "a descriptor from a system call")]
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn info(link: &OwnedFd) -> io::Result<[u8; 64]> {
    let mut info = [0_u8; 64];
    let bpf_fd = u32::try_from(link.as_raw_fd()).map_err(io::Error::other)?;
    let mut request = Info { bpf_fd, info_len: 64, info: info.as_mut_ptr() as u64 };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut request)?;
    Ok(info)
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
