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
    /// Nothing that the one sends passes to the other; the other way all does.
    CutOneWay {
        /// Who is not heard.
        host: String,
        /// Who does not hear it.
        by: String,
    },
    /// This share of the packets is lost, each way.
    Loss {
        /// Whose link it is.
        host: String,
        /// Of a hundred packets, how many are lost.
        percent: u8,
    },
    /// Datagrams to a UDP port vanish on the host's link, each way.
    Swallow {
        /// Whose link it is.
        host: String,
        /// The port.
        port: u16,
    },
    /// Larger IP packets vanish on the host's link, each way, and nobody is told.
    Narrow {
        /// Whose link it is.
        host: String,
        /// The length of the largest packet that passes.
        length: u16,
    },
    /// TCP segments that the host sends inside VXLAN have a wrong checksum when they arrive.
    Spoil {
        /// Whose link it is.
        host: String,
        /// The UDP port of VXLAN.
        port: u16,
    },
}

impl Fault {
    /// Whom the fault names.
    pub(crate) fn hosts(&self) -> Vec<&str> {
        match self {
            Self::Cut { host }
            | Self::Loss { host, .. }
            | Self::Swallow { host, .. }
            | Self::Narrow { host, .. }
            | Self::Spoil { host, .. } => vec![host],
            Self::CutBetween { host, from } => vec![host, from],
            Self::CutOneWay { host, by } => vec![host, by],
        }
    }
}

/// Everything that is wrong with the links of one lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    cut: BTreeSet<String>,
    between: BTreeSet<(String, String)>,
    /// Who is not heard, and by whom.
    one_way: BTreeSet<(String, String)>,
    loss: BTreeMap<String, u8>,
    swallowed: BTreeSet<(String, u16)>,
    narrow: BTreeMap<String, u16>,
    spoilt: BTreeSet<(String, u16)>,
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
            Fault::CutOneWay { host, by } => {
                self.one_way.insert((host, by));
            }
            Fault::Loss { host, percent: 0 } => {
                self.loss.remove(&host);
            }
            Fault::Loss { host, percent } => {
                self.loss.insert(host, percent);
            }
            Fault::Swallow { host, port } => {
                self.swallowed.insert((host, port));
            }
            Fault::Narrow { host, length } => {
                self.narrow.insert(host, length);
            }
            Fault::Spoil { host, port } => {
                self.spoilt.insert((host, port));
            }
        }
    }

    /// Forgets everything that is wrong with the link of `host`.
    pub(crate) fn heal(&mut self, host: &str) {
        self.cut.remove(host);
        self.loss.remove(host);
        self.narrow.remove(host);
        self.swallowed.retain(|(of, _)| of != host);
        self.spoilt.retain(|(of, _)| of != host);
        self.between.retain(|(one, other)| one != host && other != host);
        self.one_way.retain(|(one, other)| one != host && other != host);
    }

    /// What is wrong with the link of `host`, for a person.
    pub(crate) fn of(&self, host: &str) -> Vec<String> {
        let cut = self.cut.contains(host).then(|| "cut".to_owned());
        let between = self.between.iter().filter_map(|(one, other)| {
            (one == host).then_some(other).or_else(|| (other == host).then_some(one))
        });
        let one_way = self.one_way.iter().filter_map(|(sender, hearer)| {
            let unheard = (sender == host).then(|| format!("not heard by {hearer}"));
            unheard.or_else(|| (hearer == host).then(|| format!("does not hear {sender}")))
        });
        let loss = self.loss.get(host).map(|percent| format!("loss {percent}%"));
        let narrow = self.narrow.get(host).map(|length| format!("{length} bytes at most"));
        let swallowed = self.swallowed.iter().filter(|(of, _)| of == host);
        let spoilt = self.spoilt.iter().filter(|(of, _)| of == host);
        cut.into_iter()
            .chain(between.map(|other| format!("cut from {other}")))
            .chain(one_way)
            .chain(loss)
            .chain(swallowed.map(|(_, port)| format!("UDP {port} swallowed")))
            .chain(narrow)
            .chain(spoilt.map(|(_, port)| format!("TCP in UDP {port} spoilt")))
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
            rules.push_str(&way(one, other));
            rules.push_str(&way(other, one));
        }
        for (host, by) in &self.one_way {
            rules.push_str(&way(host, by));
        }
        for (host, percent) in &self.loss {
            // A fault of zero percent is never kept.
            let last = percent.saturating_sub(1);
            let lose = format!("numgen random mod 100 <= {last} counter drop");
            rules.push_str(&both_ways(host, &lose));
        }
        for (host, port) in &self.swallowed {
            rules.push_str(&both_ways(host, &format!("udp dport {port} counter drop")));
        }
        for (host, length) in &self.narrow {
            rules.push_str(&both_ways(host, &format!("ip length > {length} counter drop")));
        }
        for (host, port) in &self.spoilt {
            rules.push_str(&format!(
                "  iifname \"{host}\" udp dport {port} {TCP_INSIDE} {SUM} set 0 {SUM_INSIDE} set 0xdead counter\n"
            ));
        }
        rules.push_str(" }\n}\n");
        rules
    }
}

/// Of VXLAN over UDP: the inner frame has IPv4 without options, and in it TCP.
const TCP_INSIDE: &str = "@th,224,16 0x0800 @th,240,8 0x45 @th,312,8 6";
/// Where the datagram's own checksum is, which would be wrong too: zero says that there is none.
const SUM: &str = "@th,48,16";
/// Where the inner segment's checksum is.
const SUM_INSIDE: &str = "@th,528,16";

/// Drops what the one sends to the other.
fn way(from: &str, to: &str) -> String {
    format!("  iifname \"{from}\" oifname \"{to}\" counter drop\n")
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
        faults.add(Fault::Swallow { host: "h1".into(), port: 4789 });
        faults.add(Fault::Narrow { host: "h1".into(), length: 1400 });
        faults.add(Fault::Spoil { host: "h1".into(), port: 4789 });
        let told = ["cut", "cut from h2", "loss 5%", "UDP 4789 swallowed", "1400 bytes at most"];
        assert_eq!(faults.of("h1"), [&told[..], &["TCP in UDP 4789 spoilt"]].concat());
        faults.add(Fault::CutOneWay { host: "h3".into(), by: "h1".into() });
        assert_eq!(faults.of("h3"), ["not heard by h1"]);
        assert!(faults.of("h1").contains(&"does not hear h3".to_owned()));
        assert!(faults.ruleset().contains("iifname \"h3\" oifname \"h1\" counter drop"));
        assert!(!faults.ruleset().contains("iifname \"h1\" oifname \"h3\" counter drop"));
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
