//! The names of log fields, so that one thing is called one word in every line.
//!
//! `tracing`'s macros want field names spelled out: `info!(network = %id, "network made")`. The
//! constants are the list to spell from; those who read JSON logs take them from here.

/// The host a line is about, if it is another one than the host that logs.
pub const HOST: &str = "host";
/// A node's id.
pub const NODE: &str = "node";
/// A network's name or id.
pub const NETWORK: &str = "network";
/// A network's VXLAN network identifier.
pub const VNI: &str = "vni";
/// An endpoint's id.
pub const ENDPOINT: &str = "endpoint";
/// A container or process, by the name its user knows.
pub const WORKLOAD: &str = "workload";
/// An overlay or underlay address.
pub const ADDRESS: &str = "address";
/// Ethernet address.
pub const MAC: &str = "mac";
/// One of the six words of a packet's path.
pub const HOP: &str = "hop";
/// Why something was dropped or refused: one word, the same as the metric label.
pub const REASON: &str = "reason";
/// The cause, with its own causes.
pub const ERROR: &str = "error";
/// What a person may try.
pub const HINT: &str = "hint";
/// How long it took.
pub const ELAPSED: &str = "elapsed";

/// All of them.
pub const ALL: [&str; 13] =
    [HOST, NODE, NETWORK, VNI, ENDPOINT, WORKLOAD, ADDRESS, MAC, HOP, REASON, ERROR, HINT, ELAPSED];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_fields_share_a_name() {
        assert_eq!(BTreeSet::from(ALL).len(), ALL.len());
    }
}
