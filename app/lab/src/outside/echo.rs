//! Services of "the internet": who am I (HTTP on port 80) and echo (TCP and UDP on port 7).

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::spec::INTERNET;

/// Listens, each service on a thread of its own.
pub(super) fn serve() -> io::Result<()> {
    let (http, tcp) = (TcpListener::bind((INTERNET, 80))?, TcpListener::bind((INTERNET, 7))?);
    let udp = UdpSocket::bind((INTERNET, 7))?;
    thread::spawn(move || each(&http, who_am_i));
    thread::spawn(move || each(&tcp, echo));
    thread::spawn(move || echo_datagrams(&udp));
    Ok(())
}

/// Handles every connection on a thread of its own.
pub(super) fn each(listener: &TcpListener, handle: fn(TcpStream) -> io::Result<()>) {
    for stream in listener.incoming().flatten() {
        // A client that goes away is no concern of the service's.
        thread::spawn(move || drop(handle(stream)));
    }
}

/// Says the client's address, whatever it asks.
fn who_am_i(mut stream: TcpStream) -> io::Result<()> {
    let peer = stream.peer_addr()?.ip();
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = [0; 4096];
    let _length = stream.read(&mut request)?;
    let body = format!("{peer}\n");
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut reader = stream.try_clone()?;
    io::copy(&mut reader, &mut stream).map(drop)
}

fn echo_datagrams(socket: &UdpSocket) {
    let mut buffer = [0; 65_535];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        // A client that cannot be reached hears nothing.
        drop(socket.send_to(buffer.get(..length).unwrap_or_default(), from));
    }
}
