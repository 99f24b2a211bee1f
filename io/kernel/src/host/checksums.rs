//! How many segments and datagrams with a wrong checksum have come to a namespace.

use std::fs;
use std::io;

use crate::Netns;

/// Of TCP, counted since the namespace was made (`InCsumErrors` of `/proc/net/snmp`).
///
/// # Errors
///
/// If the namespace cannot be entered, or its kernel does not count them.
pub fn wrong_checksums(netns: &Netns) -> io::Result<u64> {
    netns.run(|| counted("Tcp:"))?
}

/// Of UDP, as [`wrong_checksums`], in the calling thread's namespace: VXLAN with a sum of its own is
/// among them.
///
/// # Errors
///
/// If its kernel does not count them.
pub fn wrong_datagrams() -> io::Result<u64> {
    counted("Udp:")
}

fn counted(protocol: &str) -> io::Result<u64> {
    let told = fs::read_to_string("/proc/thread-self/net/snmp")?;
    let missing = || io::Error::new(io::ErrorKind::NotFound, "no count of wrong checksums");
    count(&told, protocol).ok_or_else(missing)
}

/// Two lines a protocol: names, then values.
fn count(told: &str, protocol: &str) -> Option<u64> {
    let mut lines = told.lines().filter(|line| line.starts_with(protocol));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.find(|(name, _)| *name == "InCsumErrors")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_namespace_has_seen_none() {
        assert_eq!(wrong_checksums(&Netns::unnamed().unwrap()).unwrap(), 0);
        assert_eq!(Netns::unnamed().unwrap().run(wrong_datagrams).unwrap().unwrap(), 0);
        let told = "Tcp: InSegs InCsumErrors\nTcp: 7 3\nUdp: InCsumErrors\nUdp: 4\n";
        assert_eq!((count(told, "Tcp:"), count(told, "Udp:")), (Some(3), Some(4)));
        assert_eq!(count("Udp: InCsumErrors\nUdp: 3\n", "Tcp:"), None);
    }
}
