//! One byte there and one back, on a connection that stays and on one for each.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::place::Place;

/// Answers that took their time, the shortest first.
#[derive(Debug)]
pub(crate) struct Waits(Vec<Duration>);

impl Waits {
    /// So many in a hundred answers came within this time, in microseconds.
    pub(crate) fn at(&self, share: usize) -> f64 {
        let place = (self.0.len() * share / 100).min(self.0.len().saturating_sub(1));
        self.0.get(place).map_or(0.0, |wait| wait.as_secs_f64() * 1e6)
    }
}

/// How long each answer takes on one connection.
pub(crate) fn waits(place: &Place, span: Duration) -> io::Result<Waits> {
    let listener = place.listen()?;
    let mut asking = place.connect(listener.local_addr()?)?;
    let answering = listener.accept()?.0;
    for end in [&asking, &answering] {
        end.set_nodelay(true)?;
    }
    let server = thread::spawn(move || answer(answering));
    let mut waits = Vec::new();
    let began = Instant::now();
    while began.elapsed() < span {
        let asked = Instant::now();
        asking.write_all(&[1])?;
        asking.read_exact(&mut [0])?;
        waits.push(asked.elapsed());
    }
    drop(asking);
    server.join().map_err(|_panic| io::Error::other("the answering end broke"))??;
    waits.sort_unstable();
    Ok(Waits(waits))
}

fn answer(mut connection: TcpStream) -> io::Result<()> {
    let mut byte = [0];
    while connection.read(&mut byte)? == 1 {
        connection.write_all(&byte)?;
    }
    Ok(())
}

/// Connections a second: made, one byte there and one back, ended.
pub(crate) fn conversations(place: &Place, span: Duration) -> io::Result<f64> {
    let listener = place.listen()?;
    let to = listener.local_addr()?;
    let server = thread::spawn(move || converse(&listener));
    let (count, took) = place.from.run(|| -> io::Result<(u32, Duration)> {
        let (mut count, began) = (0, Instant::now());
        while began.elapsed() < span {
            ask(to, 1)?;
            count += 1;
        }
        let took = began.elapsed();
        ask(to, 0).map(|()| (count, took))
    })??;
    server.join().map_err(|_panic| io::Error::other("the answering end broke"))??;
    Ok(f64::from(count) / took.as_secs_f64())
}

/// Says one byte and reads until the other side has closed: the pause after a connection is then
/// the other side's, and this one's ports last.
fn ask(to: SocketAddr, byte: u8) -> io::Result<()> {
    let mut connection = TcpStream::connect(to)?;
    connection.set_nodelay(true)?;
    connection.write_all(&[byte])?;
    connection.read_to_end(&mut Vec::with_capacity(1)).map(drop)
}

/// Serves until somebody says zero.
fn converse(listener: &TcpListener) -> io::Result<()> {
    let mut byte = [1];
    while byte != [0] {
        let (mut connection, _from) = listener.accept()?;
        connection.read_exact(&mut byte)?;
        connection.write_all(&byte)?;
    }
    Ok(())
}
