//! Frames as they pass an interface: an `AF_PACKET` socket.

use std::io;
use std::time::Instant;

use crate::Netns;

/// A listener on one interface.
#[derive(Debug)]
pub struct Capture;

impl Capture {
    /// Begins to listen on `interface` inside a namespace.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or the right is missing.
    pub fn open(_netns: &Netns, _interface: &str) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The next frame, Ethernet header included; nothing if none passes before the deadline.
    pub fn next(&mut self, _deadline: Instant) -> Option<Vec<u8>> {
        None
    }
}
