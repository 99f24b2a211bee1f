//! Processors that do not sleep while something is measured.
//!
//! A processor that has halted takes tens of microseconds to wake in a virtual machine: more than
//! a packet takes through the whole of any path here, and the same for each, so that all look alike.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// Where the kernel is told how late a processor may wake (its `pm_qos_interface.rst`).
const LATENCY: &str = "/dev/cpu_dma_latency";

/// As long as it lives, idle processors wait for work without halting.
#[derive(Debug)]
pub(crate) struct Awake {
    _asked: Option<File>,
}

impl Awake {
    /// Asks the kernel for it. Where it cannot be asked, that is told, and measured all the same.
    pub(crate) fn please() -> Self {
        let path = Path::new(LATENCY);
        match OpenOptions::new().write(true).open(path).and_then(none) {
            Ok(file) => Self { _asked: Some(file) },
            Err(error) => {
                println!(
                    "{LATENCY}: {error}; processors halt when idle, and waking is measured too"
                );
                Self { _asked: None }
            }
        }
    }
}

/// No latency, in microseconds, as a native 32-bit number; it holds until the file is closed.
fn none(mut file: File) -> std::io::Result<File> {
    file.write_all(&0_i32.to_ne_bytes()).map(|()| file)
}
