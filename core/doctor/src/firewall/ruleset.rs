//! Chains, in the order that a packet meets their rules.

use serde_json::Value;

use super::packet::Packet;
use super::rule::{Applies, Verdict, applies, verdict};

/// The kernel allows no deeper jumps (`NFT_JUMP_STACK_SIZE`).
const DEEPEST: usize = 16;

/// A packet filter as nft tells it.
#[derive(Debug)]
pub(super) struct Ruleset<'a> {
    objects: Vec<&'a Value>,
}

/// One chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain<'a> {
    pub(super) family: &'a str,
    pub(super) table: &'a str,
    pub(super) name: &'a str,
    policy: Option<&'a str>,
}

/// What becomes of a packet in one chain and those that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Passes,
    Dropped {
        /// The rule or policy, in words.
        by: String,
        /// Whether no rule before may have accepted the packet.
        for_sure: bool,
    },
}

/// The end of a walk through one chain.
enum End {
    Accepted,
    Dropped(String),
    Through,
}

impl<'a> Ruleset<'a> {
    /// All but the tables in `ours`.
    pub(super) fn read(told: &'a Value, ours: &[(&str, &str)]) -> Self {
        let objects = told.get("nftables").and_then(Value::as_array).into_iter().flatten();
        let foreign = |object: &&Value| {
            let inner = object.as_object().and_then(|object| object.values().next());
            let text = |key| inner.and_then(|inner| inner.get(key)).and_then(Value::as_str);
            !ours.iter().any(|(family, table)| {
                text("family") == Some(family)
                    && text("table").or_else(|| text("name")) == Some(table)
            })
        };
        Self { objects: objects.filter(foreign).collect() }
    }

    /// The chains at which `packet` is judged.
    pub(super) fn entrances(&self, packet: &Packet) -> impl Iterator<Item = Chain<'a>> {
        let ip = if packet.source.is_ipv4() { "ip" } else { "ip6" };
        let way = packet.way.clone();
        self.chains().filter_map(move |(chain, told)| {
            let hook = told.get("hook")?.as_str()?;
            let of = |device: &str| {
                told.get("dev").is_none_or(|dev| match dev {
                    Value::Array(devices) => devices.iter().any(|one| *one == device),
                    one => *one == device,
                })
            };
            let here = way.meets(ip, (chain.family, hook), &of);
            (here && told.get("type").is_some_and(|kind| kind == "filter")).then_some(chain)
        })
    }

    /// The elements of a named set.
    pub(super) fn set(&self, name: &str) -> Option<&'a [Value]> {
        let mut sets = self.objects.iter().filter_map(|object| object.get("set"));
        let set = sets.find(|set| set["name"] == name)?;
        Some(set.get("elem").and_then(Value::as_array).map_or(&[], Vec::as_slice))
    }

    /// What becomes of `packet` in `chain`.
    pub(super) fn fate(&self, chain: Chain<'a>, packet: &Packet) -> Fate {
        let mut sure = true;
        match self.walk(chain, packet, DEEPEST, &mut sure) {
            End::Dropped(by) => Fate::Dropped { by, for_sure: sure },
            End::Accepted => Fate::Passes,
            End::Through if chain.policy == Some("drop") => {
                let Chain { family, table, name, .. } = chain;
                let by = format!("the policy of chain {name} in table {family} {table}");
                Fate::Dropped { by, for_sure: sure }
            }
            End::Through => Fate::Passes,
        }
    }

    fn walk(&self, chain: Chain<'a>, packet: &Packet, depth: usize, sure: &mut bool) -> End {
        for (handle, statements) in self.rules(chain) {
            let applies = applies(statements, packet, self);
            match (verdict(statements), applies) {
                (_, Applies::No) | (Verdict::Next, _) => {}
                (Verdict::Accept, Applies::Yes) => return End::Accepted,
                (Verdict::Drop, Applies::Yes) => {
                    let Chain { family, table, name, .. } = chain;
                    return End::Dropped(format!(
                        "rule {handle} of chain {name} in table {family} {table}"
                    ));
                }
                (Verdict::Return, Applies::Yes) => return End::Through,
                (Verdict::Drop, Applies::Perhaps) => {}
                (Verdict::Accept | Verdict::Return, Applies::Perhaps) | (Verdict::Unknown, _) => {
                    *sure = false;
                }
                (Verdict::Jump(to) | Verdict::Goto(to), applies) => {
                    let end = match (self.leads_to(chain, to), depth.checked_sub(1)) {
                        (Some(next), Some(depth)) => self.walk(next, packet, depth, sure),
                        _ => End::Through,
                    };
                    let gone = matches!(verdict(statements), Verdict::Goto(_));
                    match (end, applies) {
                        (End::Through, Applies::Yes) if gone => return End::Through,
                        (End::Through, _) | (End::Dropped(_), Applies::Perhaps) => {}
                        (end, Applies::Yes) => return end,
                        (End::Accepted, _) => *sure = false,
                        (End::Dropped(_), Applies::No) => {}
                    }
                }
            }
        }
        End::Through
    }

    /// The chain that a rule in `from` leads to by its name.
    fn leads_to(&self, from: Chain<'a>, to: &str) -> Option<Chain<'a>> {
        let same = |chain: &Chain<'_>| (chain.family, chain.table) == (from.family, from.table);
        self.chains().map(|(chain, _)| chain).find(|chain| chain.name == to && same(chain))
    }

    fn chains(&self) -> impl Iterator<Item = (Chain<'a>, &'a Value)> {
        self.objects.iter().filter_map(|object| {
            let told = object.get("chain")?;
            let text = |key| told.get(key).and_then(Value::as_str);
            let policy = text("policy");
            let chain = Chain {
                family: text("family")?,
                table: text("table")?,
                name: text("name")?,
                policy,
            };
            Some((chain, told))
        })
    }

    fn rules(&self, of: Chain<'a>) -> impl Iterator<Item = (u64, &'a [Value])> {
        self.objects.iter().filter_map(move |object| {
            let rule = object.get("rule")?;
            let here = rule["family"] == of.family
                && rule["table"] == of.table
                && rule["chain"] == of.name;
            let statements = rule.get("expr")?.as_array()?;
            here.then(|| (rule["handle"].as_u64().unwrap_or_default(), statements.as_slice()))
        })
    }
}
