//! Where all frames of a workload pass on this host, for whoever wants to watch them.
//!
//! At a bridge that is its port. What programs hand to a workload passes no interface of the host's
//! (`bpf_redirect_peer`), and is seen inside the workload alone.

use std::io;

use weft_kernel::{Netns, host};
use weft_model::Vni;
use weft_plan::IfName;

use crate::local::Attachment;

/// An interface, and which side of the wire it is.
#[derive(Clone, Debug)]
pub(crate) struct Outlook {
    /// Where the interface is.
    pub(crate) netns: Netns,
    /// What it is called there.
    pub(crate) interface: IfName,
    /// Whether it is the workload's own end: what leaves by it comes in to the host.
    pub(crate) inside: bool,
    /// Where frames are between bridge and tunnel; with programs they are nowhere between.
    pub(crate) tunnel: Option<IfName>,
}

impl Outlook {
    /// Of a workload of this host; blocks for a moment.
    ///
    /// # Errors
    ///
    /// If the workload, or its interface, is gone.
    pub(crate) fn find(attachment: &Attachment, vni: Vni) -> io::Result<Self> {
        if let Ok(netns) = Netns::named(&format!("weft-{vni}")) {
            let interface = IfName::port(attachment.endpoint.id);
            let tunnel = Some(IfName::vxlan());
            return Ok(Self { netns, interface, inside: false, tunnel });
        }
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the workload's interface is gone");
        let netns = Netns::open(attachment.workload.netns().ok_or_else(gone)?)?;
        let endpoint = &attachment.endpoint;
        let &address = endpoint.addresses.first().ok_or_else(gone)?;
        let seen = host::interface_with(&netns, (endpoint.mac, address), address)?;
        let name = seen.ok_or_else(gone)?.name;
        let interface = name.parse().map_err(io::Error::other)?;
        Ok(Self { netns, interface, inside: true, tunnel: None })
    }
}
