//! What is read inside a workload's namespace, and how its host keeps its kernel.

use std::net::IpAddr;

use weft_kernel::{Netns, host};
use weft_model::MacAddr;
use weft_plan::Engine;
use weft_trace::{Interface, Listening, Silence, Standing};

use super::question::PacketKind;
use crate::inspect::Desk;

/// The workload's own interface; blocks for a moment.
pub(super) fn interface(
    netns: &Netns,
    own: (MacAddr, IpAddr),
    towards: IpAddr,
) -> Option<Interface> {
    let seen = host::interface_with(netns, own, towards).ok().flatten()?;
    let host::Interface { name, up, mtu, addresses, leads_by, fixed } = seen;
    Some(Interface { name, up, mtu, addresses, leads_by, fixed })
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

/// Whether this host's data plane can be read hop by hop: that of programs cannot yet.
pub(super) fn readable(desk: &Desk) -> Result<(), Silence> {
    match desk.target.borrow().desired.engine {
        Engine::Bridge => Ok(()),
        Engine::Bpf => Err(Silence {
            why: "its data plane is bpf, which is not read hop by hop".to_owned(),
            hint: "compare it with what is meant: weft verify".to_owned(),
        }),
    }
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
