//! Loopback addresses for tests of several crates, which take this file in by its path.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};

/// A loopback address that no other test of this machine uses, with all its ports: one that is free
/// for UDP is free for TCP, and one that was closed is nobody else's.
pub(crate) fn own_loopback() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, NEXT.fetch_add(1, Ordering::Relaxed))
}
