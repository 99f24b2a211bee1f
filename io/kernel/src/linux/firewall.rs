//! The table `inet weft`, written and read.
//!
//! What is read is compared in a normal form: without handles and counts, sets in order. So a
//! table that is right is never rewritten, and its counters go on.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Map, Value, json};
use weft_plan::{Firewall, FirewallSeen, Guard, Masquerade};

use crate::nft::{self, compare};

pub(super) const FAMILY: &str = "inet";
pub(super) const TABLE: &str = "weft";

/// Everything in the table, the table itself first.
pub(super) fn objects(firewall: &Firewall) -> Vec<Value> {
    let mut objects = vec![json!({ "table": { "family": FAMILY, "name": TABLE } })];
    objects.extend(guard(&firewall.guard));
    objects.extend(firewall.masquerade.iter().flat_map(masquerade));
    objects
}

/// VXLAN from others than peers is counted and dropped, before connection tracking sees it.
fn guard(guard: &Guard) -> Vec<Value> {
    let set = |name: &str, kind: &str, wanted: fn(&IpAddr) -> bool| {
        let peers: Vec<String> =
            guard.peers.iter().filter(|peer| wanted(peer)).map(ToString::to_string).collect();
        let mut set = Map::new();
        set.insert("family".into(), FAMILY.into());
        set.insert("table".into(), TABLE.into());
        set.insert("name".into(), name.into());
        set.insert("type".into(), kind.into());
        if !peers.is_empty() {
            set.insert("elem".into(), peers.into());
        }
        json!({ "set": set })
    };
    let refuse = |protocol: &str, peers: &str| {
        rule(
            "guard",
            vec![
                compare(
                    "==",
                    json!({ "payload": { "protocol": "udp", "field": "dport" } }),
                    guard.udp_port,
                ),
                compare("!=", json!({ "meta": { "key": "iif" } }), "lo"),
                compare(
                    "!=",
                    json!({ "payload": { "protocol": protocol, "field": "saddr" } }),
                    peers,
                ),
                json!({ "counter": null }),
                json!({ "drop": null }),
            ],
        )
    };
    vec![
        set("peers", "ipv4_addr", IpAddr::is_ipv4),
        set("peers6", "ipv6_addr", IpAddr::is_ipv6),
        chain("guard", "filter", "prerouting", -300),
        refuse("ip", "@peers"),
        refuse("ip6", "@peers6"),
    ]
}

/// Workloads leave with the host's address; nobody outside begins a conversation with them.
fn masquerade(masquerade: &Masquerade) -> Vec<Value> {
    let bridge = masquerade.bridge.as_str();
    let family = if masquerade.range.addr().is_ipv4() { "ip" } else { "ip6" };
    let source = json!({ "payload": { "protocol": family, "field": "saddr" } });
    let range = json!({ "prefix": {
        "addr": masquerade.range.network().to_string(),
        "len": masquerade.range.prefix_len(),
    } });
    let from = || compare("==", json!({ "meta": { "key": "iifname" } }), bridge);
    let to = || compare("==", json!({ "meta": { "key": "oifname" } }), bridge);
    let elsewhere = compare("!=", json!({ "meta": { "key": "oifname" } }), bridge);
    let answers = |state: &str| {
        vec![
            to(),
            compare("in", json!({ "ct": { "key": "state" } }), state),
            json!({ "accept": null }),
        ]
    };
    vec![
        chain("postrouting", "nat", "postrouting", 100),
        rule(
            "postrouting",
            vec![compare("==", source, range), elsewhere, json!({ "masquerade": null })],
        ),
        chain("forward", "filter", "forward", 0),
        rule("forward", vec![from(), to(), json!({ "drop": null })]),
        rule("forward", answers("established")),
        rule("forward", answers("related")),
        rule("forward", vec![to(), json!({ "drop": null })]),
    ]
}

fn chain(name: &str, kind: &str, hook: &str, priority: i32) -> Value {
    json!({ "chain": {
        "family": FAMILY, "table": TABLE, "name": name,
        "type": kind, "hook": hook, "prio": priority, "policy": "accept",
    } })
}

fn rule(chain: &str, expressions: Vec<Value>) -> Value {
    nft::rule((FAMILY, TABLE, chain), expressions)
}

/// What the table says, if it says something that Weft would write.
pub(super) fn read(listed: &[Value]) -> FirewallSeen {
    let seen = normal(listed);
    match firewall_of(&seen) {
        Some(firewall) if normal(&objects(&firewall)) == seen => FirewallSeen::Holds(firewall),
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
