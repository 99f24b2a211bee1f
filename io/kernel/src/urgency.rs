//! How much the calling thread is in a hurry.

use std::io;

use nix::libc;

/// Ahead of everything that did not ask for it, far from what drives hardware (nice(1)).
const NICE: libc::c_int = -10;

/// Lets the calling thread run before others when it has something to do.
///
/// For threads that do little and are waited for. Without the right it stays as it was.
pub fn hurry() {
    // SAFETY: the call takes numbers only; 0 is the calling thread (setpriority(2), "BUGS").
    #[expect(unsafe_code, reason = "nix has no wrapper for this call")]
    let done = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    if done != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "a thread stays at its priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_calling_thread_is_in_a_hurry() {
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "nix has no wrapper for this call")]
        let nice = || unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        let before = nice();
        let hurried = std::thread::spawn(move || {
            hurry();
            nice()
        });
        assert_eq!((hurried.join().unwrap(), nice()), (NICE, before), "run the tests as root");
    }
}
