//! The table `inet weft`, written and read.
//!
//! What is read is compared in a normal form: without handles and counts, sets in order. So a
//! table that is right is never rewritten, and its counters go on.

use std::collections::BTreeSet;
use std::net::IpAddr;

use nftables::expr::{CT, Expression, MetaKey, NamedExpression, Prefix};
use nftables::schema::{NfListObject, Set, SetType, SetTypeValue};
use nftables::stmt::{Counter, Match, Operator, Statement};
use nftables::types::{NfChainType, NfFamily, NfHook};
use serde_json::{Map, Value};
use weft_plan::{Firewall, FirewallSeen, Guard, Masquerade};

use crate::nft::words::{ACCEPT, DROP, Home, field, is, is_not, jump, meta, number, text};

/// The table.
pub(super) const HOME: Home = Home { family: NfFamily::INet, table: "weft" };
/// The priority of `raw`: before connection tracking.
const UNTRACKED: i32 = -300;

/// Everything in the table, the table itself first.
pub(super) fn objects(firewall: &Firewall) -> Vec<NfListObject<'static>> {
    let mut objects = vec![HOME.table()];
    objects.extend(guard(&firewall.guard));
    objects.extend(firewall.masquerade.iter().flat_map(masquerade));
    objects
}

/// VXLAN from others than peers is counted and dropped; members' is not tracked, neither in nor out.
///
/// Each conversation of two workloads has an outer source port of its own, and so would have an entry
/// in the host's connection tracking, of no use to anybody, on top of a look at it for each packet.
fn guard(guard: &Guard) -> Vec<NfListObject<'static>> {
    let is_vxlan = || is(field("udp", "dport"), number(guard.udp_port));
    let not_looped = is_not(meta(MetaKey::Iif), text("lo"));
    vec![
        peers("peers", SetType::Ipv4Addr, &guard.peers, IpAddr::is_ipv4),
        peers("peers6", SetType::Ipv6Addr, &guard.peers, IpAddr::is_ipv6),
        HOME.branch("vxlan"),
        refusal("ip", "@peers"),
        refusal("ip6", "@peers6"),
        HOME.rule("vxlan", vec![Statement::Notrack]),
        HOME.chain("guard", NfChainType::Filter, (NfHook::Prerouting, UNTRACKED)),
        HOME.rule("guard", vec![is_vxlan(), not_looped, jump("vxlan")]),
        HOME.chain("leaving", NfChainType::Filter, (NfHook::Output, UNTRACKED)),
        HOME.rule("leaving", vec![is_vxlan(), Statement::Notrack]),
    ]
}

fn peers(
    name: &'static str,
    kind: SetType,
    peers: &BTreeSet<IpAddr>,
    wanted: fn(&IpAddr) -> bool,
) -> NfListObject<'static> {
    let peers = peers.iter().filter(|peer| wanted(peer));
    let peers: Vec<_> = peers.map(|peer| text(peer.to_string())).collect();
    NfListObject::Set(Box::new(Set {
        family: HOME.family,
        table: HOME.table.into(),
        name: name.into(),
        set_type: SetTypeValue::Single(kind),
        elem: (!peers.is_empty()).then_some(peers.into()),
        ..Set::default()
    }))
}

fn refusal(protocol: &'static str, peers: &'static str) -> NfListObject<'static> {
    let counted = Statement::Counter(Counter::Anonymous(None));
    HOME.rule("vxlan", vec![is_not(field(protocol, "saddr"), text(peers)), counted, DROP])
}

/// Packets that the guard's rules have dropped. A table that is written anew counts from nothing.
#[derive(Debug, Default)]
pub(super) struct Refused {
    earlier: u64,
    last: u64,
}

impl Refused {
    /// Of all tables together, by what the present one lists.
    pub(super) fn total(&mut self, listed: &[Value]) -> u64 {
        let counted = counted(listed);
        if counted < self.last {
            self.earlier += self.last;
        }
        self.last = counted;
        self.earlier + counted
    }
}

fn counted(listed: &[Value]) -> u64 {
    let refusal = |object: &&Value| object.pointer("/rule/chain").is_some_and(|it| it == "vxlan");
    let rules = listed.iter().filter(refusal);
    let statements = rules.filter_map(|rule| rule.pointer("/rule/expr")?.as_array()).flatten();
    statements.filter_map(|statement| statement.pointer("/counter/packets")?.as_u64()).sum()
}

/// Workloads leave with the host's address; nobody outside begins a conversation with them.
fn masquerade(masquerade: &Masquerade) -> Vec<NfListObject<'static>> {
    let bridge = || text(masquerade.bridge.to_string());
    let family = if masquerade.range.addr().is_ipv4() { "ip" } else { "ip6" };
    let range = Expression::Named(NamedExpression::Prefix(Prefix {
        addr: Box::new(text(masquerade.range.network().to_string())),
        len: masquerade.range.prefix_len().into(),
    }));
    let from = || is(meta(MetaKey::Iifname), bridge());
    let to = || is(meta(MetaKey::Oifname), bridge());
    let elsewhere = is_not(meta(MetaKey::Oifname), bridge());
    let leaving = vec![is(field(family, "saddr"), range), elsewhere, Statement::Masquerade(None)];
    let forward = |statements| HOME.rule("forward", statements);
    vec![
        HOME.chain("postrouting", NfChainType::NAT, (NfHook::Postrouting, 100)),
        HOME.rule("postrouting", leaving),
        HOME.chain("forward", NfChainType::Filter, (NfHook::Forward, 0)),
        forward(vec![from(), to(), DROP]),
        forward(vec![to(), in_state("established"), ACCEPT]),
        forward(vec![to(), in_state("related"), ACCEPT]),
        forward(vec![to(), DROP]),
    ]
}

fn in_state(state: &'static str) -> Statement<'static> {
    let left = Expression::Named(NamedExpression::CT(CT { key: "state".into(), ..CT::default() }));
    Statement::Match(Match { left, right: text(state), op: Operator::IN })
}

/// Objects as nft tells them.
fn told(objects: &[NfListObject<'static>]) -> Vec<Value> {
    objects.iter().filter_map(|object| serde_json::to_value(object).ok()).collect()
}

/// What the table says, if it says something that Weft would write.
pub(super) fn read(listed: &[Value]) -> FirewallSeen {
    let seen = normal(listed);
    match firewall_of(&seen) {
        Some(firewall) if normal(&told(&objects(&firewall))) == seen => {
            FirewallSeen::Holds(firewall)
        }
        _ => FirewallSeen::Altered,
    }
}

/// The normal form: sets and chains in order, then rules in theirs.
pub(super) fn normal(objects: &[Value]) -> Vec<Value> {
    let (mut rules, mut others): (Vec<_>, Vec<_>) = objects
        .iter()
        .filter(|object| object.get("metainfo").is_none())
        .cloned()
        .map(normal_object)
        .partition(|object| object.get("rule").is_some());
    others.sort_by_key(Value::to_string);
    // A stable sort: rules of one chain keep their order.
    rules.sort_by_key(|rule| rule.pointer("/rule/chain").map(Value::to_string));
    others.append(&mut rules);
    others
}

fn normal_object(mut object: Value) -> Value {
    for content in object.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(content) = content.as_object_mut() else { continue };
        content.remove("handle");
        if let Some(Value::Array(elements)) = content.get_mut("elem") {
            elements.sort_by_key(Value::to_string);
        }
        if let Some(Value::Array(expressions)) = content.get_mut("expr") {
            expressions.iter_mut().for_each(normal_expression);
        }
    }
    object
}

fn normal_expression(expression: &mut Value) {
    // What takes no argument is a word as it is told to nft, and an object as nft tells it.
    if let Value::String(word) = expression {
        *expression = Value::Object(Map::from_iter([(std::mem::take(word), Value::Null)]));
    }
    if let Some(counter) = expression.get_mut("counter") {
        *counter = Value::Null;
    }
    // `==` and `in` are one operator for a state: nftables 1.0 and 1.1 write it differently.
    if let Some(operator) = expression.pointer_mut("/match/op").filter(|op| *op == "in") {
        *operator = "==".into();
    }
}

fn firewall_of(objects: &[Value]) -> Option<Firewall> {
    let udp_port =
        objects.iter().find_map(|object| object.pointer("/rule/expr/0/match/right")?.as_u64());
    let peers =
        objects.iter().filter_map(|object| object.pointer("/set/elem")?.as_array()).flatten();
    let peers: Option<BTreeSet<IpAddr>> = peers.map(|peer| peer.as_str()?.parse().ok()).collect();
    let masquerade = objects.iter().find_map(masquerade_of);
    let guard = Guard { udp_port: udp_port?.try_into().ok()?, peers: peers? };
    Some(Firewall { guard, masquerade })
}

fn masquerade_of(object: &Value) -> Option<Masquerade> {
    let rule = object
        .get("rule")
        .filter(|rule| rule.get("chain").is_some_and(|chain| chain == "postrouting"))?;
    let prefix = rule.pointer("/expr/0/match/right/prefix")?;
    let address: IpAddr = prefix.get("addr")?.as_str()?.parse().ok()?;
    let length = prefix.get("len")?.as_u64()?.try_into().ok()?;
    let range = ipnet::IpNet::new(address, length).ok()?;
    let bridge = rule.pointer("/expr/1/match/right")?.as_str()?.parse().ok()?;
    Some(Masquerade { bridge, range })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(counts: [u64; 2]) -> Vec<Value> {
        let rule = |chain, packets: u64| json!({"rule": {"chain": chain, "expr": [{"match": {}}, {"counter": {"packets": packets}}]}});
        let [four, six] = counts.map(|packets| rule("vxlan", packets));
        vec![json!({"table": {"name": "weft"}}), four, six, rule("forward", 1_000)]
    }

    #[test]
    fn a_table_that_is_written_anew_takes_no_count_back() {
        let mut refused = Refused::default();
        assert_eq!(refused.total(&listed([2, 3])), 5);
        assert_eq!(refused.total(&listed([2, 3])), 5);
        assert_eq!(refused.total(&listed([1, 0])), 6);
        assert_eq!(refused.total(&[]), 6);
        assert_eq!(refused.total(&listed([0, 2])), 8);
    }
}
