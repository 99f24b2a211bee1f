//! A container that asks as fast as it can and waits for no answer.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use weft_kernel::Netns;

use crate::question::Names;

/// It goes on until it is dropped.
#[derive(Debug)]
pub(crate) struct Abuser {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Abuser {
    /// Asks for `names` inside `netns`.
    pub(crate) fn start(netns: Netns, names: Names) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            // What ends it early leaves the others undisturbed, and the figures tell.
            drop(netns.run(|| flood(names, &seen)));
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Abuser {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn flood(names: Names, stop: &AtomicBool) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_nonblocking(true)?;
    socket.connect((Ipv4Addr::new(127, 0, 0, 11), 53))?;
    let mut buffer = [0; 512];
    let mut serial = 0;
    while !stop.load(Ordering::Relaxed) {
        serial += 1;
        // A full buffer of either side is what a flood meets.
        let _sent = socket.send(&names.question(0, serial));
        let _heard = socket.recv(&mut buffer);
    }
    Ok(())
}
