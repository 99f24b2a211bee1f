//! A network that a bridge carries: its namespace, the bridge, the VXLAN device, one port.

use serde::{Deserialize, Serialize};
use weft_path::Answerer;
use weft_plan::{Change, Engine, Flaw, IfName, NamespaceSeen, Place, Segment, SegmentSeen};

use super::{Held, Part, differences, is_shut, port_of};

/// What a packet meets of it on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridged {
    /// Whether the network's namespace is there.
    pub namespace: bool,
    /// `br0`.
    pub bridge: Part,
    /// `vx0`.
    pub vxlan: Part,
    /// The endpoint's port.
    pub port: Part,
}

impl Bridged {
    pub(super) fn compare(
        segment: Option<&Segment>,
        port: &IfName,
        seen: Option<&SegmentSeen>,
    ) -> Self {
        let (Some(segment), Some(seen)) = (segment, seen.filter(alive)) else {
            let namespace = seen.is_some_and(|seen| alive(&seen));
            let (bridge, vxlan) = (Part::Missing, Part::Missing);
            return Self { namespace, bridge, vxlan, port: Part::Missing };
        };
        let held =
            Held { segment: Some(seen), woven: None, shared: None, gate: None, swift: false };
        let changes = differences(Engine::Bridge, segment, port, &held);
        let ends = (segment.ports.get(port), seen.ports.get(port));
        let port = port_of(&changes, port, ends);
        let (bridge, vxlan) = (Part::sound(), Part::sound());
        let mut parts = Self { namespace: true, bridge, vxlan, port };
        changes.into_iter().for_each(|change| parts.note(change));
        parts
    }

    fn note(&mut self, change: Change) {
        match change {
            Change::AddBridge { place: Place::Segment(_), .. } => self.bridge = Part::Missing,
            Change::SetBridge { place: Place::Segment(_), flaws, .. } => {
                self.bridge = Part::Present(flaws);
            }
            Change::AddVxlan(_) => self.vxlan = Part::Missing,
            Change::ReplaceVxlan { flaws, .. } | Change::SetVxlan { flaws, .. } => {
                self.vxlan = Part::Present(flaws);
            }
            _ => {}
        }
    }

    pub(super) fn leaving(&self, answered_by: Answerer) -> Option<String> {
        if !self.namespace {
            return Some("the network's namespace is gone from the sender's host".to_owned());
        }
        let port = |flaw: &Flaw| is_shut(flaw) || matches!(flaw, Flaw::Addresses | Flaw::Unlisted);
        let vxlan = |flaw: &Flaw| is_shut(flaw) || matches!(flaw, Flaw::NoProxy);
        let shut = self.port.fault("the sender's bridge port", port);
        let shut = shut.or_else(|| self.bridge.fault("the bridge br0", is_shut));
        shut.or_else(|| {
            let asked = answered_by == Answerer::Host;
            self.vxlan.fault("the VXLAN device vx0", vxlan).filter(|_| asked)
        })
    }

    pub(super) fn wrapping(&self) -> Option<String> {
        self.vxlan.fault("the VXLAN device vx0", is_astray)
    }

    pub(super) fn unwrapping(&self) -> Option<String> {
        if !self.namespace {
            return Some("the network's namespace is gone: nothing takes its VXLAN".to_owned());
        }
        let stops =
            |flaw: &Flaw| is_shut(flaw) || is_astray(flaw) || matches!(flaw, Flaw::NotServed);
        self.vxlan.fault("the VXLAN device vx0", stops)
    }

    pub(super) fn delivering(&self, guarded: bool) -> Option<String> {
        if !self.namespace {
            return Some("the network's namespace is gone from the receiver's host".to_owned());
        }
        let vxlan = |flaw: &Flaw| matches!(flaw, Flaw::Detached | Flaw::Unlocked);
        let shut = self.bridge.fault("the bridge br0", is_shut);
        shut.or_else(|| self.vxlan.fault("the VXLAN device vx0", vxlan).filter(|_| guarded))
            .or_else(|| {
                let port = |flaw: &Flaw| is_shut(flaw) || matches!(flaw, Flaw::Stations);
                self.port.fault("the receiver's bridge port", port)
            })
    }
}

fn alive(seen: &&SegmentSeen) -> bool {
    seen.namespace == NamespaceSeen::Alive
}

/// What makes a VXLAN device another tunnel than it should be.
const fn is_astray(flaw: &Flaw) -> bool {
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
