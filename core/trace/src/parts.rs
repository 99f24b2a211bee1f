//! The parts of a network that one packet meets, and what is wrong with each.

mod bridged;
mod woven;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weft_path::Answerer;
use weft_plan::{
    Change, Desired, Engine, Flaw, Gate, IfName, LinkSeen, Observed, Port, Segment, SegmentSeen,
    SharedSeen, WovenSeen, diff,
};

pub use bridged::Bridged;
pub use woven::Woven;

/// One interface of a network, or one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// There is none.
    Missing,
    /// It is there; what is wrong with it.
    Present(BTreeSet<Flaw>),
}

/// What a packet meets of a network on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parts {
    /// A bridge carries it.
    Bridged(Bridged),
    /// Programs carry it.
    Woven(Woven),
}

/// What the kernel holds of a network, and what of it concerns one packet.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// As bridges carry it.
    pub segment: Option<&'a SegmentSeen>,
    /// As programs carry it.
    pub woven: Option<&'a WovenSeen>,
    /// The VXLAN device of all networks that programs carry.
    pub shared: Option<&'a SharedSeen>,
    /// What the programs were told of the host.
    pub gate: Option<&'a Gate>,
    /// Whether programs would carry the packet between the hosts all by themselves.
    pub swift: bool,
}

impl Parts {
    /// What differs, as the plan that would mend it has it.
    #[must_use]
    pub fn compare(
        engine: Engine,
        segment: Option<&Segment>,
        port: &IfName,
        held: &Held<'_>,
    ) -> Self {
        match engine {
            Engine::Bridge => Self::Bridged(Bridged::compare(segment, port, held.segment)),
            Engine::Bpf => Self::Woven(Woven::compare(segment, port, held)),
        }
    }

    /// Whether the packet passes no device of the kernel between workload and underlay, and so no
    /// rule of the packet filter.
    pub(crate) const fn is_swift(&self) -> bool {
        matches!(self, Self::Woven(Woven { swift: true, .. }))
    }

    /// What has the entries.
    pub(crate) const fn table(&self) -> &'static str {
        match self {
            Self::Bridged(_) => "vx0",
            Self::Woven(_) => "the programs' table",
        }
    }

    /// The endpoint's port, and what it is called.
    pub(crate) const fn port(&self) -> (&Part, &'static str) {
        match self {
            Self::Bridged(parts) => (&parts.port, "bridge port"),
            Self::Woven(parts) => (&parts.port, "port"),
        }
    }

    /// What stops a frame between the sender and the answer to its question for an address.
    pub(crate) fn leaving(&self, answered_by: Answerer) -> Option<String> {
        match self {
            Self::Bridged(parts) => parts.leaving(answered_by),
            Self::Woven(parts) => parts.leaving(),
        }
    }

    /// Whether the host itself answers that question: out of its tables, also for its own stations.
    pub(crate) fn answers(&self, answered_by: Answerer) -> bool {
        match self {
            Self::Bridged(_) => answered_by == Answerer::Host,
            Self::Woven(_) => answered_by != Answerer::Nobody,
        }
    }

    /// What makes the tunnel another one than it should be.
    pub(crate) fn wrapping(&self) -> Option<String> {
        match self {
            Self::Bridged(parts) => parts.wrapping(),
            Self::Woven(parts) => parts.wrapping(),
        }
    }

    /// What keeps a datagram from being taken in.
    pub(crate) fn unwrapping(&self) -> Option<String> {
        match self {
            Self::Bridged(parts) => parts.unwrapping(),
            Self::Woven(parts) => parts.unwrapping(),
        }
    }

    /// What keeps a frame from the receiver's interface; `guarded`: what is not guarded is let in.
    pub(crate) fn delivering(&self, guarded: bool) -> Option<String> {
        match self {
            Self::Bridged(parts) => parts.delivering(guarded),
            Self::Woven(parts) => parts.delivering(),
        }
    }
}

/// The plan for one network, its tables and other ports left out.
fn differences(engine: Engine, segment: &Segment, port: &IfName, held: &Held<'_>) -> Vec<Change> {
    let vni = segment.vni;
    let segment = Segment {
        ports: only(&segment.ports, port),
        neighbors: BTreeMap::new(),
        fdb: BTreeMap::new(),
        ..*segment
    };
    let mut observed = Observed::default();
    observed.segments.extend(held.segment.map(|seen| (vni, without_tables(seen, port))));
    observed.woven.extend(held.woven.map(|seen| {
        let (flaws, ports) = (seen.flaws.clone(), only(&seen.ports, port));
        (vni, WovenSeen { flaws, ports, ..WovenSeen::default() })
    }));
    observed.shared = held.shared.cloned();
    let guard = weft_plan::Guard { udp_port: segment.udp_port, ..weft_plan::Guard::default() };
    let segments = BTreeMap::from([(vni, segment)]);
    let desired = Desired { engine, segments, guard, ..Desired::default() };
    diff(&desired, &observed).changes
}

fn without_tables(seen: &SegmentSeen, port: &IfName) -> SegmentSeen {
    SegmentSeen {
        bridge: seen.bridge.clone(),
        vxlan: seen.vxlan.clone(),
        ports: only(&seen.ports, port),
        ..SegmentSeen::default()
    }
}

fn only<T: Clone>(ports: &BTreeMap<IfName, T>, port: &IfName) -> BTreeMap<IfName, T> {
    ports.get(port).map(|found| (port.clone(), found.clone())).into_iter().collect()
}

/// The endpoint's port, of what is to be done.
fn port_of(
    changes: &[Change],
    name: &IfName,
    (wanted, seen): (Option<&Port>, Option<&LinkSeen>),
) -> Part {
    let told = changes.iter().find_map(|change| match change {
        Change::AddPort { name: of, .. } if of == name => Some(Part::Missing),
        Change::MovePort { name: of, .. } if of == name => Some(Part::Missing),
        Change::SetPort { name: of, flaws, .. } if of == name => Some(Part::Present(flaws.clone())),
        _ => None,
    });
    let nowhere = wanted.is_none() && seen.is_none();
    told.unwrap_or(if nowhere { Part::Missing } else { Part::sound() })
}

impl Part {
    /// As it should be.
    pub(crate) const fn sound() -> Self {
        Self::Present(BTreeSet::new())
    }

    /// What is wrong with it, of those flaws that `stops` a packet.
    pub(crate) fn fault(&self, what: &str, stops: impl Fn(&Flaw) -> bool) -> Option<String> {
        match self {
            Self::Missing => Some(format!("{what} is gone")),
            Self::Present(flaws) => {
                let told: Vec<String> =
                    flaws.iter().filter(|flaw| stops(flaw)).map(ToString::to_string).collect();
                (!told.is_empty()).then(|| format!("{what}: {}", told.join(", ")))
            }
        }
    }

    /// Flaws in words, whether or not they stop a packet.
    pub(crate) fn told(&self, what: &str) -> String {
        match self {
            Self::Missing => format!("no {what}"),
            Self::Present(flaws) if flaws.is_empty() => format!("{what} as it should be"),
            Self::Present(flaws) => {
                let told: Vec<String> = flaws.iter().map(ToString::to_string).collect();
                format!("{what}: {}", told.join(", "))
            }
        }
    }
}

/// What stops every packet at an interface, or large ones.
pub(crate) const fn is_shut(flaw: &Flaw) -> bool {
    matches!(flaw, Flaw::Down | Flaw::Detached | Flaw::Kind | Flaw::Mtu(_))
}
