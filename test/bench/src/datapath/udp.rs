//! Small datagrams, as many as go through.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::place::Place;

/// The payload, in bytes.
const SIZE: usize = 64;

/// Datagrams that arrive a second, while one sender sends without a pause.
///
/// The receiver never sleeps: whoever sends slowly enough to let it would wake it with each datagram, and
/// that, not the way, would be what is measured.
pub(crate) fn packets(place: &Place, span: Duration) -> io::Result<f64> {
    let (sender, receiver) = place.datagrams()?;
    receiver.set_nonblocking(true)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let sending = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // A full queue is what is looked for.
                drop(sender.send(&[0; SIZE]));
            }
        });
        let (mut count, mut buffer) = (0_u32, [0; SIZE]);
        let began = Instant::now();
        while began.elapsed() < span {
            count += u32::from(receiver.recv(&mut buffer).is_ok());
        }
        let took = began.elapsed();
        stop.store(true, Ordering::Relaxed);
        sending.join().map_err(|_panic| io::Error::other("the sending end broke"))?;
        Ok(f64::from(count) / took.as_secs_f64())
    })
}
