//! The table `ip weft_dns`.

use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use nftables::expr::{
    BinaryOperation, Elem, Expression, MetaKey, NamedExpression, Payload, PayloadBase, PayloadRaw,
};
use nftables::schema::{NfListObject, NfObject, Set, SetFlag, SetType, SetTypeValue};
use nftables::stmt::{Mangle, Statement};
use nftables::types::{NfChainType, NfFamily, NfHook};
use serde_json::Value;

use super::MARK;
use crate::nft::batch;
use crate::nft::words::{ACCEPT, DROP, Home, field, is, is_not, meta, number, text};
use crate::{Netns, nft};

pub(super) const HOME: Home = Home { family: NfFamily::IP, table: "weft_dns" };
/// The set that holds [`RESOLVER`] while the redirection lives.
const ALIVE: &str = "alive";
/// Where Docker has every container ask.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const PORT: u16 = 53;
/// Before `raw` (-300), and so before connection tracking and NAT.
const PRIORITY: i32 = -310;

/// The whole table, in the place of any former one, and alive from its first moment: where an agent
/// has just come back, no question may pass by it to Docker's resolver, which would deny the name.
pub(super) fn install((udp_port, tcp_port): (u16, u16), ttl: Duration) -> Vec<NfObject<'static>> {
    nft::replacement(vec![
        HOME.table(),
        alive(ttl),
        HOME.chain("out", NfChainType::Filter, (NfHook::Output, PRIORITY)),
        // Questions and answers stay in the container; each other packet pays for one rule.
        rule(vec![is_not(meta(MetaKey::Oif), text("lo")), ACCEPT]),
        rule(vec![is(meta(MetaKey::Mark), number(MARK)), Statement::Return(None)]),
        question("udp", udp_port),
        question("tcp", tcp_port),
        unreachable(udp_port),
        reset(tcp_port),
        answer("udp", udp_port),
        answer("tcp", tcp_port),
    ])
}

/// The element anew: adding one that is there would leave its time as it is, and removing one that
/// is gone would fail.
pub(super) fn renew(netns: &Netns, ttl: Duration) -> io::Result<()> {
    let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
    let set = batch::Set { table: HOME.table, name: ALIVE };
    batch::refill(netns, &set, RESOLVER.octets(), milliseconds)
}

/// The table's end.
pub(super) fn remove() -> Vec<NfObject<'static>> {
    nft::removal(HOME.table()).to_vec()
}

/// Whether a listed object is the set with somebody in it.
pub(super) fn is_alive(object: &Value) -> bool {
    let set = object.get("set").filter(|set| set["name"] == ALIVE);
    set.and_then(|set| set.get("elem")?.as_array()).is_some_and(|elements| !elements.is_empty())
}

/// Whole seconds are what `nft` can be told; [`renew`] is exact.
fn alive(ttl: Duration) -> NfListObject<'static> {
    let seconds = u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX).max(1);
    let element = Elem { val: Box::new(resolver()), timeout: Some(seconds), ..Elem::default() };
    NfListObject::Set(Box::new(Set {
        family: HOME.family,
        table: HOME.table.into(),
        name: ALIVE.into(),
        set_type: SetTypeValue::Single(SetType::Ipv4Addr),
        flags: Some(HashSet::from([SetFlag::Timeout])),
        elem: Some(vec![Expression::Named(NamedExpression::Elem(element))].into()),
        ..Set::default()
    }))
}

/// A client's packet, while the agent is alive.
fn question(protocol: &'static str, port: u16) -> NfListObject<'static> {
    let to = is(field("ip", "daddr"), resolver());
    let alive = is(field("ip", "daddr"), text("@alive"));
    let redirect = rewrite(field(protocol, "dport"), port);
    rule(vec![
        to,
        alive,
        is(field(protocol, "dport"), number(PORT)),
        redirect,
        Statement::Notrack,
        ACCEPT,
    ])
}

/// The resolver's packet: it comes from where the client has sent to.
fn answer(protocol: &'static str, port: u16) -> NfListObject<'static> {
    let from = is(field("ip", "saddr"), resolver());
    let restore = rewrite(field(protocol, "sport"), PORT);
    rule(vec![
        from,
        is(field(protocol, "sport"), number(port)),
        restore,
        Statement::Notrack,
        ACCEPT,
    ])
}

/// Between the agent's end and the element's nobody is told that nobody is there: clients ask
/// again, and are answered by Docker's resolver then. The port is in the packet that is sent back
/// in part: behind 8 bytes of ICMP and 20 of IP, bytes 2 and 3 of UDP.
fn unreachable(udp_port: u16) -> NfListObject<'static> {
    let from = is(field("ip", "saddr"), resolver());
    let kind = is(field("icmp", "type"), text("destination-unreachable"));
    let port = PayloadRaw { base: PayloadBase::TH, offset: (8 + 20 + 2) * 8, len: 16 };
    let port = Expression::Named(NamedExpression::Payload(Payload::PayloadRaw(port)));
    rule(vec![from, kind, is(port, number(udp_port)), DROP])
}

/// The same for TCP.
fn reset(tcp_port: u16) -> NfListObject<'static> {
    let from = is(field("ip", "saddr"), resolver());
    let flag = BinaryOperation::AND(field("tcp", "flags"), text("rst"));
    let reset = is(Expression::BinaryOperation(Box::new(flag)), text("rst"));
    rule(vec![from, is(field("tcp", "sport"), number(tcp_port)), reset, DROP])
}

fn rule(statements: Vec<Statement<'static>>) -> NfListObject<'static> {
    HOME.rule("out", statements)
}

fn rewrite(key: Expression<'static>, port: u16) -> Statement<'static> {
    Statement::Mangle(Mangle { key, value: number(port) })
}

fn resolver() -> Expression<'static> {
    text(RESOLVER.to_string())
}
