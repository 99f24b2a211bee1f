//! TCP segments, and VXLAN around them, whose sum is wrong when they arrive.

use crate::{Check, Finding, Severity};

/// Judges how many have come to a workload while it was watched.
#[must_use]
pub fn judge(host: &str, workload: &str, wrong: u64) -> Option<Finding> {
    let what = format!("TCP segments with a wrong checksum come to {workload}: {wrong} just now");
    let why = "they are thrown away: pings pass and connections hang; mostly it is a network card \
        that sums up packets inside VXLAN wrongly";
    let told = [what, why.to_owned(), REMEDY.to_owned()];
    (wrong > 0).then(|| Finding::new(Severity::Error, Check::Checksum, host, told))
}

/// Judges how many datagrams with a wrong sum have come to the host itself meanwhile: VXLAN that
/// carries a sum of its own is thrown away before anybody sees what is inside. They may have been
/// others'.
#[must_use]
pub fn judge_outer(host: &str, wrong: u64) -> Option<Finding> {
    let what = format!("UDP datagrams with a wrong checksum come to {host}: {wrong} just now");
    let why = "if they are VXLAN, they are thrown away with what they carry: mostly it is a network \
        card that sums up tunnels wrongly";
    let told = [what, why.to_owned(), REMEDY.to_owned()];
    (wrong > 0).then(|| Finding::new(Severity::Warning, Check::Checksum, host, told))
}

const REMEDY: &str = "on the hosts that send to it: `ethtool -K DEVICE tx-udp_tnl-segmentation off \
    tx-udp_tnl-csum-segmentation off tx-checksum-ip-generic off`, DEVICE being the one of the \
    underlay; then update the card's driver and firmware";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_segment_is_told_of() {
        assert_eq!(judge("a", "db", 0), None);
        let found = judge("a", "db", 3).unwrap();
        assert_eq!(judge_outer("a", 0), None);
        assert_eq!(judge_outer("a", 1).unwrap().severity, Severity::Warning);
        assert!(found.what.contains("db: 3") && found.remedy.contains("ethtool"), "{found:?}");
    }
}
