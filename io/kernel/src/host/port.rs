//! Who listens on a UDP port.

use std::fs;
use std::path::Path;

/// UDP sockets of the calling thread's namespace, one a line (proc(5)).
const TABLES: [&str; 2] = ["/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"];

/// Who has a UDP port in the calling thread's namespace, if somebody has.
///
/// A VXLAN device's socket, Weft's own among them, belongs to no process.
#[must_use]
pub fn udp_port_taken(port: u16) -> Option<String> {
    let inode = socket_at(port)?;
    let kernel = || "a tunnel of the kernel's, or a process that is not seen from here".to_owned();
    Some(process_of(&inode).unwrap_or_else(kernel))
}

/// The process that has a UDP port in the calling thread's namespace; a tunnel of the kernel's is
/// none.
#[must_use]
pub fn udp_port_process(port: u16) -> Option<String> {
    process_of(&socket_at(port)?)
}

fn socket_at(port: u16) -> Option<String> {
    let tables = TABLES.iter().filter_map(|table| fs::read_to_string(table).ok());
    tables.map(|table| table.lines().find_map(|line| inode_of(line, port))).find(Option::is_some)?
}

/// The socket's inode, if the line is of a socket that is bound to this port.
fn inode_of(line: &str, port: u16) -> Option<String> {
    let mut columns = line.split_whitespace().skip(1);
    let (_, local) = columns.next()?.rsplit_once(':')?;
    let bound = u16::from_str_radix(local, 16).ok()?;
    let inode = columns.nth(7)?;
    (bound == port).then(|| inode.to_owned())
}

fn process_of(inode: &str) -> Option<String> {
    let link = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let mut processes = entries.filter_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((id, entry.path()))
    });
    let (id, path) = processes.find(|(_, process)| holds(process, &link))?;
    let name = fs::read_to_string(path.join("comm")).ok()?;
    Some(format!("{} (process {id})", name.trim()))
}

fn holds(process: &Path, link: &str) -> bool {
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files
        .into_iter()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_port_has_an_owner_and_a_free_one_has_none() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let owner = udp_port_taken(port).unwrap();
        assert!(owner.contains(&std::process::id().to_string()), "{owner}");
        assert_eq!(udp_port_process(port), Some(owner));
        drop(socket);
        assert_eq!(udp_port_taken(port), None);
    }
}
