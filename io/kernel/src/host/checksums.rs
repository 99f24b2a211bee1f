//! How many TCP segments with a wrong checksum have come to a namespace.

use std::fs;
use std::io;

use crate::Netns;

/// Counted since the namespace was made (`InCsumErrors` of `/proc/net/snmp`).
///
/// # Errors
///
/// If the namespace cannot be entered, or its kernel does not count them.
pub fn wrong_checksums(netns: &Netns) -> io::Result<u64> {
    let told = netns.run(|| fs::read_to_string("/proc/thread-self/net/snmp"))??;
    let missing = || io::Error::new(io::ErrorKind::NotFound, "no count of wrong checksums");
    count(&told).ok_or_else(missing)
}

/// Two lines a protocol: names, then values.
fn count(told: &str) -> Option<u64> {
    let mut tcp = told.lines().filter(|line| line.starts_with("Tcp:"));
    let (names, values) = (tcp.next()?, tcp.next()?);
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.find(|(name, _)| *name == "InCsumErrors")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_namespace_has_seen_none() {
        assert_eq!(wrong_checksums(&Netns::unnamed().unwrap()).unwrap(), 0);
        assert_eq!(count("Tcp: InSegs InCsumErrors\nTcp: 7 3\n"), Some(3));
        assert_eq!(count("Udp: InCsumErrors\nUdp: 3\n"), None);
    }
}
