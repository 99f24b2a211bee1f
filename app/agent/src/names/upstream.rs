//! Where questions go that are not ours: to Docker's resolver in the same namespace, or from there to
//! the servers beyond.

use std::net::{Ipv4Addr, SocketAddr};

use weft_kernel::{Netns, dns};
use weft_resolver::{Factories, marked_tcp, marked_udp, plain_udp};

const DOCKER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);

/// Docker's resolver in `ns`, reached past our own redirect by its mark.
pub(super) fn docker(ns: &Netns) -> Factories {
    let (for_udp, for_tcp, for_beyond) = (ns.clone(), ns.clone(), ns.clone());
    let server = SocketAddr::from(DOCKER);
    Factories::new(
        move || for_udp.run(|| marked_udp(dns::MARK, server))?,
        move || for_tcp.run(|| marked_tcp(dns::MARK, server))?,
        move |server, count| for_beyond.run(|| (0..count).map(|_| plain_udp(server)).collect())?,
    )
}
