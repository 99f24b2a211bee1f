//! All that was found, of all hosts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Check, Finding, Severity, firewall};

/// What an examination comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The hosts that were examined, by name.
    pub hosts: Vec<String>,
    /// Pairs of hosts between which the way was probed.
    pub ways: usize,
    /// The worst first.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// The same, in order, each finding once, and without those that another one explains: what
    /// does not leave a host arrives nowhere.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let shut: BTreeSet<String> = self
            .findings
            .iter()
            .filter(|one| firewall::shuts_in(one))
            .map(|one| one.host.clone())
            .collect();
        self.findings.retain(|one| one.check != Check::Vxlan || !shut.contains(&one.host));
        self.hosts.sort();
        self.findings.sort();
        self.findings.dedup();
        self
    }

    /// Whether packets are lost somewhere, or something does not work.
    #[must_use]
    pub fn is_ill(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: Check, host: &str, why: &str) -> Finding {
        let told = ["it".to_owned(), why.to_owned(), "so".to_owned()];
        Finding::new(Severity::Error, check, host, told)
    }

    #[test]
    fn what_a_rule_explains_is_not_told_twice() {
        let rule = finding(Check::Firewall, "a", firewall::STAYS);
        let (of_a, of_b) = (finding(Check::Vxlan, "a", ""), finding(Check::Vxlan, "b", ""));
        let findings = vec![of_b.clone(), rule.clone(), of_a.clone(), rule.clone()];
        let told = Diagnosis { findings, ..Diagnosis::default() }.sorted();
        assert_eq!(told.findings, [of_b, rule]);
        let told = Diagnosis { findings: vec![of_a.clone()], ..Diagnosis::default() }.sorted();
        assert_eq!(told.findings, [of_a]);
        assert!(told.is_ill());
    }
}
