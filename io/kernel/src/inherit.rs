//! Sockets that this process was started with.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

/// Takes over a listening unix socket that the service manager opened (`sd_listen_fds(3)`).
///
/// Call it at most once for each number, before anything else was opened.
///
/// # Errors
///
/// If the number is not that of a unix socket.
pub fn unix_listener(fd: RawFd) -> io::Result<UnixListener> {
    // SAFETY: the service manager gave this descriptor to this process, and by the contract above
    // nobody else owns it. A number that is not open is found out by the very next call.
    #[expect(unsafe_code, reason = "a descriptor's number has no owner in the type system")]
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let listener = UnixListener::from(socket);
    listener.local_addr()?;
    Ok(listener)
}
