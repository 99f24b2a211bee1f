//! The parts of a segment that one packet meets, and what is wrong with each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weft_plan::{
    Change, Desired, Flaw, IfName, NamespaceSeen, Observed, Place, Segment, SegmentSeen, diff,
};

/// One interface of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// There is none.
    Missing,
    /// It is there; what is wrong with it.
    Present(BTreeSet<Flaw>),
}

/// What a packet meets of a segment on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Whether the network's namespace is there.
    pub namespace: bool,
    /// `br0`.
    pub bridge: Part,
    /// `vx0`.
    pub vxlan: Part,
    /// The endpoint's port.
    pub port: Part,
}

impl Parts {
    /// What differs, as the plan that would mend it has it.
    #[must_use]
    pub fn compare(segment: Option<&Segment>, port: &IfName, seen: Option<&SegmentSeen>) -> Self {
        let (Some(segment), Some(seen)) = (segment, seen.filter(alive)) else {
            return Self {
                namespace: seen.is_some_and(|seen| alive(&seen)),
                bridge: Part::Missing,
                vxlan: Part::Missing,
                port: Part::Missing,
            };
        };
        let mut parts = Self {
            namespace: true,
            bridge: Part::Present(BTreeSet::new()),
            vxlan: Part::Present(BTreeSet::new()),
            port: Part::Present(BTreeSet::new()),
        };
        differences(segment, port, seen).into_iter().for_each(|change| parts.note(change, port));
        if !segment.ports.contains_key(port) && !seen.ports.contains_key(port) {
            parts.port = Part::Missing;
        }
        parts
    }

    fn note(&mut self, change: Change, own: &IfName) {
        match change {
            Change::AddBridge { place: Place::Segment(_), .. } => self.bridge = Part::Missing,
            Change::SetBridge { place: Place::Segment(_), flaws, .. } => {
                self.bridge = Part::Present(flaws);
            }
            Change::AddVxlan(_) => self.vxlan = Part::Missing,
            Change::ReplaceVxlan { flaws, .. } | Change::SetVxlan { flaws, .. } => {
                self.vxlan = Part::Present(flaws);
            }
            Change::AddPort { name, .. } if name == *own => self.port = Part::Missing,
            Change::SetPort { name, flaws, .. } if name == *own => {
                self.port = Part::Present(flaws);
            }
            _ => {}
        }
    }
}

fn alive(seen: &&SegmentSeen) -> bool {
    seen.namespace == NamespaceSeen::Alive
}

/// The plan for this segment, its tables and other ports left out.
fn differences(segment: &Segment, port: &IfName, seen: &SegmentSeen) -> Vec<Change> {
    let own = |name: &&IfName| *name == port;
    let segment = Segment {
        ports: segment.ports.iter().filter(|(name, _)| own(name)).map(owned).collect(),
        neighbors: BTreeMap::new(),
        fdb: BTreeMap::new(),
        ..*segment
    };
    let seen = SegmentSeen {
        bridge: seen.bridge.clone(),
        vxlan: seen.vxlan.clone(),
        ports: seen.ports.iter().filter(|(name, _)| own(name)).map(owned).collect(),
        ..SegmentSeen::default()
    };
    let vni = segment.vni;
    let desired = Desired { segments: BTreeMap::from([(vni, segment)]), ..Desired::default() };
    let observed = Observed { segments: BTreeMap::from([(vni, seen)]), ..Observed::default() };
    diff(&desired, &observed).changes
}

fn owned<T: Clone>((name, value): (&IfName, &T)) -> (IfName, T) {
    (name.clone(), value.clone())
}

impl Part {
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

/// What makes a VXLAN device another tunnel than it should be.
pub(crate) const fn is_astray(flaw: &Flaw) -> bool {
    matches!(
        flaw,
        Flaw::Vni(_)
            | Flaw::Local(_)
            | Flaw::UdpPort(_)
            | Flaw::Underlay
            | Flaw::Flooding
            | Flaw::Unlocked
    )
}
