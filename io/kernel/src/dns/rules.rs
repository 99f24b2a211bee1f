//! The table `ip weft_dns`.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use super::MARK;
use crate::nft::batch::{self, Set};
use crate::{Netns, nft};

const FAMILY: &str = "ip";
const TABLE: &str = "weft_dns";
/// The set that holds [`RESOLVER`] while the redirection lives.
const ALIVE: &str = "alive";
/// Where Docker has every container ask.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const PORT: u16 = 53;
/// Before `raw` (-300), and so before connection tracking and NAT.
const PRIORITY: i32 = -310;

/// The whole table, in the place of any former one.
pub(super) fn install(udp_port: u16, tcp_port: u16, ttl: Duration) -> Vec<Value> {
    let mut objects = vec![
        json!({ "table": { "family": FAMILY, "name": TABLE } }),
        json!({ "set": {
            "family": FAMILY, "table": TABLE, "name": ALIVE,
            "type": "ipv4_addr", "flags": ["timeout"],
        } }),
        json!({ "chain": {
            "family": FAMILY, "table": TABLE, "name": "out",
            "type": "filter", "hook": "output", "prio": PRIORITY, "policy": "accept",
        } }),
        rule(vec![equal(json!({ "meta": { "key": "mark" } }), MARK), json!({ "return": null })]),
        question("udp", udp_port),
        question("tcp", tcp_port),
        unreachable(udp_port),
        reset(tcp_port),
        answer("udp", udp_port),
        answer("tcp", tcp_port),
    ];
    objects.push(alive(ttl));
    nft::replacement(FAMILY, TABLE, objects)
}

/// The element anew: adding one that is there would leave its time as it is, and removing one that
/// is gone would fail.
pub(super) fn renew(netns: &Netns, ttl: Duration) -> io::Result<()> {
    let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
    let set = Set { table: TABLE, name: ALIVE };
    batch::refill(netns, &set, RESOLVER.octets(), milliseconds)
}

/// The table's end.
pub(super) fn remove() -> Vec<Value> {
    let mut commands = nft::replacement(FAMILY, TABLE, Vec::new());
    commands.truncate(2);
    commands
}

/// A client's packet, while the agent is alive.
fn question(protocol: &str, port: u16) -> Value {
    let redirect = json!({ "mangle": { "key": field(protocol, "dport"), "value": port } });
    let to = equal(field("ip", "daddr"), RESOLVER.to_string());
    let alive = equal(field("ip", "daddr"), "@alive");
    rule(vec![to, alive, equal(field(protocol, "dport"), PORT), redirect, notrack(), accept()])
}

/// The resolver's packet: it comes from where the client has sent to.
fn answer(protocol: &str, port: u16) -> Value {
    let restore = json!({ "mangle": { "key": field(protocol, "sport"), "value": PORT } });
    let from = equal(field("ip", "saddr"), RESOLVER.to_string());
    rule(vec![from, equal(field(protocol, "sport"), port), restore, notrack(), accept()])
}

/// Between the agent's end and the element's nobody is told that nobody is there: clients ask
/// again, and are answered by Docker's resolver then. The port is in the packet that is sent back
/// in part: behind 8 bytes of ICMP and 20 of IP, bytes 2 and 3 of UDP.
fn unreachable(udp_port: u16) -> Value {
    let from = equal(field("ip", "saddr"), RESOLVER.to_string());
    let kind = equal(field("icmp", "type"), "destination-unreachable");
    let port = json!({ "payload": { "base": "th", "offset": (8 + 20 + 2) * 8, "len": 16 } });
    rule(vec![from, kind, equal(port, udp_port), json!({ "drop": null })])
}

/// The same for TCP.
fn reset(tcp_port: u16) -> Value {
    let from = equal(field("ip", "saddr"), RESOLVER.to_string());
    let reset = equal(json!({ "&": [field("tcp", "flags"), "rst"] }), "rst");
    rule(vec![from, equal(field("tcp", "sport"), tcp_port), reset, json!({ "drop": null })])
}

/// The element's time is told in whole seconds; a fraction counts as one.
fn alive(ttl: Duration) -> Value {
    let seconds = ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0)).max(1);
    json!({ "element": {
        "family": FAMILY, "table": TABLE, "name": ALIVE,
        "elem": [{ "elem": { "val": RESOLVER.to_string(), "timeout": seconds } }],
    } })
}

fn rule(expressions: Vec<Value>) -> Value {
    nft::rule((FAMILY, TABLE, "out"), expressions)
}

fn equal(left: Value, right: impl Into<Value>) -> Value {
    nft::compare("==", left, right)
}

fn field(protocol: &str, field: &str) -> Value {
    json!({ "payload": { "protocol": protocol, "field": field } })
}

fn notrack() -> Value {
    json!({ "notrack": null })
}

fn accept() -> Value {
    json!({ "accept": null })
}
