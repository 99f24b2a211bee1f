//! A network that programs carry: their tables, one port, and the device for what they cannot carry.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weft_plan::{Change, Engine, Flaw, Gate, IfName, Segment};

use super::{Held, Part, differences, is_shut, port_of};

/// What a packet meets of it on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Woven {
    /// The network in the programs' tables.
    pub network: Part,
    /// What the programs were told of their own end of the tunnels.
    pub tunnel: Part,
    /// `weft-vxlan`.
    pub shared: Part,
    /// The endpoint's port.
    pub port: Part,
    /// Whether programs carry the packet between the hosts without that device.
    pub swift: bool,
}

impl Woven {
    pub(super) fn compare(segment: Option<&Segment>, port: &IfName, held: &Held<'_>) -> Self {
        let swift = held.swift;
        let (Some(segment), Some(seen)) = (segment, held.woven) else {
            let (network, tunnel) = (Part::Missing, Part::sound());
            return Self { network, tunnel, shared: Part::sound(), port: Part::Missing, swift };
        };
        let changes = differences(Engine::Bpf, segment, port, held);
        let shared = changes.iter().find_map(|change| match change {
            Change::SetShared { flaws, .. } => Some(Part::Present(flaws.clone())),
            _ => None,
        });
        Self {
            network: Part::Present(seen.flaws.clone()),
            tunnel: tunnel(segment, held.gate),
            shared: match held.shared {
                Some(seen) if seen.udp_port != segment.udp_port => {
                    Part::Present(BTreeSet::from([Flaw::UdpPort(seen.udp_port)]))
                }
                Some(_) => shared.unwrap_or_else(Part::sound),
                None => Part::Missing,
            },
            port: port_of(&changes, port, (segment.ports.get(port), seen.ports.get(port))),
            swift,
        }
    }

    /// Programs answer questions for addresses at the port itself.
    pub(super) fn leaving(&self) -> Option<String> {
        let port = |flaw: &Flaw| {
            is_shut(flaw) || matches!(flaw, Flaw::Unguarded | Flaw::Unlisted | Flaw::Addresses)
        };
        self.port.fault("the sender's port", port)
    }

    pub(super) fn wrapping(&self) -> Option<String> {
        let tunnel = self.tunnel.fault("the programs' own end of the tunnel", |_| true);
        tunnel.or_else(|| self.device())
    }

    pub(super) fn unwrapping(&self) -> Option<String> {
        let served = |flaw: &Flaw| matches!(flaw, Flaw::NotServed);
        let shut = self.network.fault("the network in the programs' tables", served);
        shut.or_else(|| self.device())
    }

    pub(super) fn delivering(&self) -> Option<String> {
        self.port.fault("the receiver's port", is_shut)
    }

    /// The kernel's own device matters only to what the programs do not carry themselves.
    fn device(&self) -> Option<String> {
        let stops =
            |flaw: &Flaw| is_shut(flaw) || matches!(flaw, Flaw::UdpPort(_) | Flaw::Unguarded);
        self.shared.fault("the VXLAN device weft-vxlan", stops).filter(|_| !self.swift)
    }
}

fn tunnel(segment: &Segment, gate: Option<&Gate>) -> Part {
    let Some(gate) = gate else { return Part::Missing };
    let mut flaws = BTreeSet::new();
    let port = gate.guard.udp_port;
    flaws.extend((port != segment.udp_port).then_some(Flaw::UdpPort(port)));
    let local = gate.local;
    flaws.extend((local != Some(segment.local.0)).then_some(Flaw::Local(local)));
    Part::Present(flaws)
}
