//! Networks that hide routes of the host, and routes that hide networks.

use ipnet::IpNet;

use crate::{Check, Finding, Severity};

/// Judges which of the cluster's ranges overlap routes of the host.
///
/// `networks` are names and ranges; `routes` are destinations and the devices they lead to.
#[must_use]
pub fn judge(host: &str, networks: &[(String, IpNet)], routes: &[(IpNet, String)]) -> Vec<Finding> {
    let pairs =
        networks.iter().flat_map(|network| routes.iter().map(move |route| (network, route)));
    pairs
        .filter(|((_, range), (route, _))| overlap(*range, *route))
        .map(|((name, range), (route, device))| {
            let what =
                format!("network {name} ({range}) overlaps the host's route {route} by {device}");
            let why = format!(
                "containers on {name} cannot reach what is behind that route, and answers to them \
                 may go astray"
            );
            let remedy = format!(
                "make the network again in another range: `weft network rm {name}`, then `weft \
                 network create {name} --subnet CIDR`; or move the route: `ip route show {route}`"
            );
            Finding::new(Severity::Warning, Check::Subnet, host, [what, why, remedy])
        })
        .collect()
}

fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_that_overlap_are_told_of() {
        let networks = [("app".to_owned(), "10.7.0.0/16".parse().unwrap())];
        let route = |text: &str| [(text.parse().unwrap(), "eth0".to_owned())];
        assert_eq!(judge("a", &networks, &route("10.8.0.0/16")), []);
        for overlapping in ["10.7.3.0/24", "10.0.0.0/8"] {
            let found = judge("a", &networks, &route(overlapping));
            assert!(found[0].what.contains(overlapping), "{found:?}");
        }
    }
}
