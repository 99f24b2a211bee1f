//! What is read inside a workload's namespace, and how its host keeps its kernel.

use std::net::IpAddr;

use weft_kernel::{Closeup, Netns, host};
use weft_model::{MacAddr, Vni};
use weft_plan::IfName;
use weft_trace::{Held, Interface, Listening, Parts, Standing};

use super::question::PacketKind;
use crate::inspect::Desk;

/// The workload's own interface; blocks for a moment.
pub(super) fn interface(
    netns: &Netns,
    own: (MacAddr, IpAddr),
    towards: IpAddr,
) -> Option<Interface> {
    host::interface_with(netns, own, towards).ok().flatten()
}

/// Whether somebody listens for the packet; blocks for a moment.
pub(super) fn listening(netns: &Netns, kind: PacketKind, at: IpAddr) -> Option<Listening> {
    let (protocol, port) = match kind {
        PacketKind::Tcp(port) => (host::Ported::Tcp, port?),
        PacketKind::Udp(port) => (host::Ported::Udp, port?),
        PacketKind::Echo => return None,
    };
    let all = host::listeners(netns, protocol, port).ok()?;
    let reaches = |address: &IpAddr| address.is_unspecified() || *address == at;
    Some(match all.first() {
        None => Listening::No,
        Some(_) if all.iter().any(reaches) => Listening::Yes,
        Some(elsewhere) => Listening::Elsewhere(*elsewhere),
    })
}

/// What differs of a network, at the port of one endpoint; `swift`: whether programs carry a packet
/// between the hosts by themselves, if they carry this network.
pub(super) fn parts(
    desk: &Desk,
    vni: Vni,
    port: &IfName,
    (closeup, swift): (&Closeup, bool),
) -> Parts {
    let target = desk.target.borrow();
    let held = Held {
        segment: closeup.segment.as_ref(),
        woven: closeup.woven.as_ref(),
        shared: closeup.shared.as_ref(),
        gate: closeup.gate.as_ref(),
        swift,
    };
    Parts::compare(target.desired.engine, target.desired.segments.get(&vni), port, &held)
}

/// How this host keeps its kernel.
pub(super) fn standing(desk: &Desk) -> Standing {
    let pass = desk.fabric.reconciled.borrow().clone();
    let failures = pass.into_iter().flat_map(|pass| pass.failures);
    Standing {
        paused: desk.fabric.pause.is_set(),
        failures: failures.map(|failure| format!("{}: {}", failure.what, failure.why)).collect(),
    }
}
