//! Weft's rules in Docker's chain `DOCKER-USER`, written and read.
//!
//! They stand before the chain's own end, and behind whatever a person put before that: who forbids
//! something there forbids it to Weft too. The chain belongs to others, who keep it with `iptables`;
//! so does Weft.

use weft_plan::{IfName, PassageSeen};

use crate::{IptablesError, Netns, iptables};

pub(super) const TABLE: &str = "filter";
pub(super) const CHAIN: &str = "DOCKER-USER";
/// By this comment Weft's rules are known.
const MARK: &str = "-m comment --comment weft-egress";
/// The last rule that is looked at, if there is one.
const END: &str = "-A DOCKER-USER -j RETURN";

/// What Weft writes there, in order.
///
/// To Docker's own bridges Docker's own rules decide; elsewhere workloads may go, and be answered.
fn rules(bridge: &IfName) -> [String; 5] {
    let to = |bridges: &str| format!("-i {bridge} -o {bridges} {MARK} -j RETURN");
    [
        to("docker0"),
        to("docker_gwbridge"),
        to("br-+"),
        format!("-i {bridge} {MARK} -j ACCEPT"),
        format!("-o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED {MARK} -j ACCEPT"),
    ]
    .map(|rule| format!("-A {CHAIN} {rule}"))
}

/// What stands in the chain, which is there.
pub(super) fn observe(host: &Netns) -> PassageSeen {
    match iptables::list(host, CHAIN) {
        Ok(listed) => read(&listed),
        Err(error) => {
            // Who needs the passage is told when it cannot be opened.
            tracing::debug!(%error, "Docker's chain cannot be read");
            PassageSeen::Shut
        }
    }
}

/// Puts Weft's rules in the place of those that there are; without a bridge, nothing.
pub(super) fn write(host: &Netns, bridge: Option<&IfName>) -> Result<(), IptablesError> {
    let commands = replacement(&iptables::list(host, CHAIN)?, bridge);
    if commands.is_empty() { Ok(()) } else { iptables::apply(host, &commands) }
}

fn is_ours(rule: &str) -> bool {
    rule.contains(MARK)
}

fn read(listed: &[String]) -> PassageSeen {
    let ours: Vec<&String> = listed.iter().filter(|rule| is_ours(rule)).collect();
    let heard = listed.iter().take_while(|rule| *rule != END).filter(|rule| is_ours(rule));
    let whole = heard.count() == ours.len();
    match ours.as_slice() {
        [] => PassageSeen::Shut,
        ours => bridge_of(ours)
            .filter(|bridge| whole && rules(bridge).iter().eq(ours.iter().copied()))
            .map_or(PassageSeen::Altered, PassageSeen::Open),
    }
}

fn bridge_of(ours: &[&String]) -> Option<IfName> {
    let words = ours.first()?.split_whitespace();
    words.skip_while(|word| *word != "-i").nth(1)?.parse().ok()
}

fn replacement(listed: &[String], bridge: Option<&IfName>) -> Vec<String> {
    let deletes =
        listed.iter().filter(|rule| is_ours(rule)).map(|rule| rule.replacen("-A", "-D", 1));
    let end = listed.iter().filter(|rule| !is_ours(rule)).position(|rule| rule == END);
    let rules = bridge.map(rules).into_iter().flatten().zip(1_usize..);
    let inserts = rules.map(|(rule, number)| match end {
        Some(before) => {
            let at = format!("-I {CHAIN} {}", before.saturating_add(number));
            rule.replacen(&format!("-A {CHAIN}"), &at, 1)
        }
        None => rule,
    });
    deletes.chain(inserts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(rules: &[&str]) -> Vec<String> {
        rules.iter().map(|rule| format!("-A {CHAIN} {rule}")).collect()
    }

    fn open() -> Vec<String> {
        rules(&IfName::egress()).into()
    }

    #[test]
    fn rules_are_recognised_wherever_they_have_an_effect() {
        let person = chain(&["-s 192.0.2.0/24 -j DROP"]);
        let end = chain(&["-j RETURN"]);
        for listed in [open(), [open(), end.clone()].concat(), [person, open()].concat()] {
            assert_eq!(read(&listed), PassageSeen::Open(IfName::egress()), "{listed:?}");
        }
        assert_eq!(read(&end), PassageSeen::Shut);
        assert_eq!(read(&[end, open()].concat()), PassageSeen::Altered);
        assert_eq!(read(&open()[1..]), PassageSeen::Altered);
        assert_eq!(read(&[open(), open()].concat()), PassageSeen::Altered);
    }

    #[test]
    fn rules_go_before_the_end_and_behind_what_people_wrote() {
        let person = "-s 192.0.2.0/24 -j DROP";
        let commands = replacement(&chain(&[person, "-j RETURN"]), Some(&IfName::egress()));
        assert_eq!(commands.len(), 5);
        assert!(commands[0].starts_with("-I DOCKER-USER 2 -i weft-egress -o docker0 "));
        assert!(commands[4].starts_with("-I DOCKER-USER 6 -o weft-egress "));
        let without_end = replacement(&chain(&[person]), Some(&IfName::egress()));
        assert_eq!(without_end, open());
    }

    #[test]
    fn only_what_is_ours_is_removed() {
        let listed = [chain(&["-j LOG"]), open(), chain(&["-j RETURN"])].concat();
        let deletes = replacement(&listed, None);
        assert_eq!(deletes.len(), 5);
        assert!(deletes.iter().all(|delete| delete.starts_with("-D ") && is_ours(delete)));
        assert!(replacement(&chain(&["-j LOG"]), None).is_empty());
    }
}
