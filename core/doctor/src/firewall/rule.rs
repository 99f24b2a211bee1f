//! Whether a rule applies to the packet, and what it does (libnftables-json(5)).

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::packet::{Known, Packet};
use super::ruleset::Ruleset;

/// Whether something applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applies {
    Yes,
    No,
    /// It asks for what is not known.
    Perhaps,
}

/// What a rule does with a packet that it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    Accept,
    Drop,
    Return,
    Jump(&'a str),
    Goto(&'a str),
    /// Something that lets it go on to the next rule.
    Next,
    /// A map of verdicts.
    Unknown,
}

/// Of all matches of a rule: one that does not apply decides.
pub(super) fn applies(statements: &[Value], packet: &Packet, ruleset: &Ruleset<'_>) -> Applies {
    let mut whole = Applies::Yes;
    for statement in statements {
        match of_statement(statement, packet, ruleset) {
            Applies::No => return Applies::No,
            Applies::Perhaps => whole = Applies::Perhaps,
            Applies::Yes => {}
        }
    }
    whole
}

/// The verdict at a rule's end.
pub(super) fn verdict(statements: &[Value]) -> Verdict<'_> {
    let mut verdict = Verdict::Next;
    for (word, value) in statements.iter().filter_map(Value::as_object).flatten() {
        let name = value.get("target").and_then(Value::as_str).unwrap_or_default();
        verdict = match word.as_str() {
            "accept" => Verdict::Accept,
            "drop" | "reject" => Verdict::Drop,
            "return" => Verdict::Return,
            "jump" => Verdict::Jump(name),
            "goto" => Verdict::Goto(name),
            "vmap" | "queue" => Verdict::Unknown,
            "xt" if value.get("type").is_some_and(|kind| kind == "target") => Verdict::Unknown,
            _ => continue,
        };
    }
    verdict
}

fn of_statement(statement: &Value, packet: &Packet, ruleset: &Ruleset<'_>) -> Applies {
    if let Some(matched) = statement.get("match") {
        return of_match(matched, packet, ruleset);
    }
    match statement.get("xt") {
        // What is said of the state of connections is nearly always about those that stand.
        Some(xt) if ["conntrack", "state"].iter().any(|module| xt["name"] == **module) => {
            Applies::No
        }
        Some(xt) if xt["type"] == "match" => Applies::Perhaps,
        _ if statement.get("limit").is_some() => Applies::Perhaps,
        _ => Applies::Yes,
    }
}

fn of_match(matched: &Value, packet: &Packet, ruleset: &Ruleset<'_>) -> Applies {
    let (left, right) = (&matched["left"], &matched["right"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let known = if let Some(payload) = left.get("payload") {
        let protocol = text(&payload["protocol"]);
        if packet.lacks(&protocol) {
            return Applies::No;
        }
        packet.field(&protocol, &text(&payload["field"]))
    } else if let Some(meta) = left.get("meta") {
        packet.meta(&text(&meta["key"]))
    } else if left.get("ct").is_some_and(|ct| ct["key"] == "state") {
        Some(Known::Word("new".to_owned()))
    } else if left.get("ct").is_some_and(|ct| ct["key"] == "status") {
        // Neither translated nor expected: the first packet of its kind.
        Some(Known::Word(String::new()))
    } else {
        None
    };
    let Some(holds) = known.and_then(|known| holds(&known, right, ruleset)) else {
        return Applies::Perhaps;
    };
    let wanted = match matched["op"].as_str() {
        Some("==" | "in") => holds,
        Some("!=") => !holds,
        _ => return Applies::Perhaps,
    };
    if wanted { Applies::Yes } else { Applies::No }
}

/// Whether what is known is what `right` says: a value, a range, a prefix, or a set of them.
fn holds(known: &Known, right: &Value, ruleset: &Ruleset<'_>) -> Option<bool> {
    if let Some(name) = right.as_str().and_then(|text| text.strip_prefix('@')) {
        return any(known, ruleset.set(name)?, ruleset);
    }
    if let Some(list) = right.get("set").or(Some(right)).and_then(Value::as_array) {
        return any(known, list, ruleset);
    }
    if let Some(range) = right.get("range").and_then(Value::as_array) {
        let [low, high] = range.as_slice() else { return None };
        return within(known, low, high);
    }
    if let Some(prefix) = right.get("prefix") {
        let net =
            format!("{}/{}", prefix["addr"].as_str()?, prefix["len"]).parse::<IpNet>().ok()?;
        let Known::Address(address) = known else { return None };
        return Some(net.contains(address));
    }
    match (known, right) {
        (Known::Number(number), Value::Number(value)) => Some(value.as_u64()? == *number),
        (Known::Word(word), Value::String(value)) => Some(is_named(word, value)),
        (Known::Address(address), Value::String(value)) => {
            Some(value.parse::<IpAddr>().ok()? == *address)
        }
        _ => None,
    }
}

fn any(known: &Known, list: &[Value], ruleset: &Ruleset<'_>) -> Option<bool> {
    let mut all = list.iter().map(|element| holds(known, element, ruleset));
    all.try_fold(false, |found, one| one.map(|holds| found || holds))
}

fn within(known: &Known, low: &Value, high: &Value) -> Option<bool> {
    match known {
        Known::Number(number) => Some((low.as_u64()?..=high.as_u64()?).contains(number)),
        Known::Address(address) => {
            let end = |value: &Value| value.as_str()?.parse::<IpAddr>().ok();
            Some((end(low)?..=end(high)?).contains(address))
        }
        Known::Word(_) => None,
    }
}

/// An interface's name may end in a star.
fn is_named(word: &str, value: &str) -> bool {
    value.strip_suffix('*').map_or(word == value, |beginning| word.starts_with(beginning))
}
