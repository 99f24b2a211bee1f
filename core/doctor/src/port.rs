//! Others that use the VXLAN port.

use crate::{Check, Finding, Severity};

/// A VXLAN device that is not Weft's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Its number.
    pub vni: u32,
    /// The namespace it is in, if it is not the host's.
    pub netns: Option<String>,
}

/// Judges who else has UDP `port`: a process, and tunnels of the kernel's.
///
/// `ours` are the numbers of the cluster's networks.
#[must_use]
pub fn judge(
    host: &str,
    port: u16,
    process: Option<&str>,
    devices: &[Device],
    ours: &[u32],
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = process.map(|p| taken(host, port, p)).into_iter().collect();
    findings.extend(devices.iter().map(|device| shared(host, port, device, ours)));
    findings
}

fn taken(host: &str, port: u16, process: &str) -> Finding {
    let what = format!("UDP port {port} belongs to {process}");
    let why = "the kernel cannot open its VXLAN tunnel beside it: nothing comes in".to_owned();
    let remedy = "end that program, or found the cluster anew with another port: `weft init \
        --vxlan-port PORT`";
    Finding::new(Severity::Error, Check::Port, host, [what, why, remedy.to_owned()])
}

fn shared(host: &str, port: u16, device: &Device, ours: &[u32]) -> Finding {
    let Device { name, vni, netns } = device;
    let place = netns.as_ref().map_or_else(String::new, |ns| format!(" in namespace {ns}"));
    let what = format!("another VXLAN device, {name} (VNI {vni}){place}, uses UDP port {port}");
    let clash = ours.contains(vni);
    let (severity, why) = if clash {
        let why = "its number is that of one of the cluster's networks: it takes their packets";
        (Severity::Error, why)
    } else {
        let why = "its packets come to the same port, and what its peers send is dropped as from \
            hosts that are no members";
        (Severity::Warning, why)
    };
    let remedy = format!(
        "`{}ip link delete {name}` if nobody needs it, or give it another port: `dstport`",
        netns.as_ref().map_or_else(String::new, |ns| format!("ip netns exec {ns} "))
    );
    Finding::new(severity, Check::Port, host, [what, why.to_owned(), remedy])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_with_a_number_of_ours_is_worse_than_any_other() {
        let device = |vni| Device { name: "vx0".into(), vni, netns: None };
        let found = judge("a", 4789, None, &[device(7), device(8)], &[8]);
        let severities: Vec<_> = found.iter().map(|f| f.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error]);
        assert!(found[0].what.contains("vx0 (VNI 7)"), "{}", found[0].what);
    }

    #[test]
    fn a_process_at_the_port_is_named() {
        let found = judge("a", 4789, Some("nc (process 7)"), &[], &[]);
        assert!(found[0].what.contains("nc (process 7)") && found[0].severity == Severity::Error);
    }
}
