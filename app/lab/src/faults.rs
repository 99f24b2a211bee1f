//! What is wrong with the links of the fabric, and the nft rules that make it so.
//!
//! The links themselves stay up, as they do when a switch in the middle fails. The whole ruleset is
//! replaced at once, so nothing lingers after a heal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One thing that is wrong with the link of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Nothing passes to or from the host.
    Cut {
        /// Who is cut off.
        host: String,
    },
    /// Nothing passes between the two.
    CutBetween {
        /// One of them.
        host: String,
        /// The other.
        from: String,
    },
    /// This share of the packets is lost, each way.
    Loss {
        /// Whose link it is.
        host: String,
        /// Of a hundred packets, how many are lost.
        percent: u8,
    },
}

impl Fault {
    /// Whom the fault names.
    pub(crate) fn hosts(&self) -> Vec<&str> {
        match self {
            Self::Cut { host } | Self::Loss { host, .. } => vec![host],
            Self::CutBetween { host, from } => vec![host, from],
        }
    }
}

/// Everything that is wrong with the links of one lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    cut: BTreeSet<String>,
    between: BTreeSet<(String, String)>,
    loss: BTreeMap<String, u8>,
}

impl Faults {
    /// Adds a fault; a loss replaces the loss before it.
    pub(crate) fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Cut { host } => {
                self.cut.insert(host);
            }
            Fault::CutBetween { host, from } => {
                self.between.insert((host, from));
            }
            Fault::Loss { host, percent: 0 } => {
                self.loss.remove(&host);
            }
            Fault::Loss { host, percent } => {
                self.loss.insert(host, percent);
            }
        }
    }

    /// Forgets everything that is wrong with the link of `host`.
    pub(crate) fn heal(&mut self, host: &str) {
        self.cut.remove(host);
        self.loss.remove(host);
        self.between.retain(|(one, other)| one != host && other != host);
    }

    /// What is wrong with the link of `host`, for a person.
    pub(crate) fn of(&self, host: &str) -> Vec<String> {
        let cut = self.cut.contains(host).then(|| "cut".to_owned());
        let between = self.between.iter().filter_map(|(one, other)| {
            (one == host).then_some(other).or_else(|| (other == host).then_some(one))
        });
        let loss = self.loss.get(host).map(|percent| format!("loss {percent}%"));
        cut.into_iter()
            .chain(between.map(|other| format!("cut from {other}")))
            .chain(loss)
            .collect()
    }

    /// The nft ruleset of the fabric, to be loaded as one transaction.
    pub(crate) fn ruleset(&self) -> String {
        let mut rules = String::from("table bridge weft_lab\ndelete table bridge weft_lab\n");
        rules.push_str("table bridge weft_lab {\n chain forward {\n");
        rules.push_str("  type filter hook forward priority 0; policy accept;\n");
        for host in &self.cut {
            rules.push_str(&both_ways(host, "counter drop"));
        }
        for (one, other) in &self.between {
            rules.push_str(&format!("  iifname \"{one}\" oifname \"{other}\" counter drop\n"));
            rules.push_str(&format!("  iifname \"{other}\" oifname \"{one}\" counter drop\n"));
        }
        for (host, percent) in &self.loss {
            // A fault of zero percent is never kept.
            let last = percent.saturating_sub(1);
            let lose = format!("numgen random mod 100 <= {last} counter drop");
            rules.push_str(&both_ways(host, &lose));
        }
        rules.push_str(" }\n}\n");
        rules
    }
}

fn both_ways(host: &str, verdict: &str) -> String {
    format!("  iifname \"{host}\" {verdict}\n  oifname \"{host}\" {verdict}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn healing_a_host_leaves_no_rule_that_names_it() {
        let mut faults = Faults::default();
        faults.add(Fault::Cut { host: "h1".into() });
        faults.add(Fault::CutBetween { host: "h2".into(), from: "h1".into() });
        faults.add(Fault::Loss { host: "h1".into(), percent: 5 });
        faults.add(Fault::Loss { host: "h2".into(), percent: 7 });
        assert_eq!(faults.of("h1"), ["cut", "cut from h2", "loss 5%"]);
        faults.heal("h1");
        assert!(!faults.ruleset().contains("h1"), "{}", faults.ruleset());
        assert_eq!(faults.of("h2"), ["loss 7%"]);
        faults.heal("h2");
        assert_eq!(faults, Faults::default());
    }

    #[test]
    fn a_loss_of_nothing_is_no_fault() {
        let mut faults = Faults::default();
        faults.add(Fault::Loss { host: "h1".into(), percent: 5 });
        faults.add(Fault::Loss { host: "h1".into(), percent: 0 });
        assert_eq!(faults, Faults::default());
    }
}
