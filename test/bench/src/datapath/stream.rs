//! Bulk transfer by TCP.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::place::Place;

/// Windows grow in this time; it is not measured.
const WARM_UP: Duration = Duration::from_millis(200);
/// What is written and read at a time, in bytes.
const PIECE: usize = 128 * 1024;

/// The bytes that arrive within `span`, over so many connections at once.
pub(crate) fn bytes(place: &Place, connections: usize, span: Duration) -> io::Result<u64> {
    let (stop, arrived) = (AtomicBool::new(false), AtomicU64::new(0));
    let listener = place.listen()?;
    let mut pairs = Vec::new();
    for _connection in 0..connections {
        let out = place.connect(listener.local_addr()?)?;
        pairs.push((out, listener.accept()?.0));
    }
    thread::scope(|scope| {
        for (out, into) in pairs {
            let (stop, arrived) = (&stop, &arrived);
            scope.spawn(move || send(out, stop));
            scope.spawn(move || receive(into, arrived));
        }
        thread::sleep(WARM_UP);
        let (before, began) = (arrived.load(Ordering::Relaxed), Instant::now());
        thread::sleep(span);
        let count = arrived.load(Ordering::Relaxed) - before;
        let took = began.elapsed();
        stop.store(true, Ordering::Relaxed);
        // As if it had been the span to the nanosecond.
        let scaled = u128::from(count) * span.as_nanos() / took.as_nanos().max(1);
        u64::try_from(scaled).map_err(io::Error::other)
    })
}

/// 10⁹ bits a second.
#[expect(clippy::cast_precision_loss, reason = "a rate")]
pub(crate) fn gigabits(bytes: u64, span: Duration) -> f64 {
    bytes as f64 * 8.0 / span.as_secs_f64() / 1e9
}

/// The receiver's end tells itself when the sender closes.
fn send(mut out: TcpStream, stop: &AtomicBool) {
    let piece = vec![0; PIECE];
    while !stop.load(Ordering::Relaxed) && out.write_all(&piece).is_ok() {}
}

fn receive(mut into: TcpStream, arrived: &AtomicU64) {
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = into.read(&mut piece) {
        arrived.fetch_add(length as u64, Ordering::Relaxed);
    }
}
