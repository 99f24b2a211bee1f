//! Questions for the MAC addresses of hosts on the way, beside the kernel's own.
//!
//! While nobody answers, the kernel repeats its question once a second (`retrans_time_ms`, arp(7);
//! RFC 1122 §2.3.2.1), and what is sent meanwhile waits: for so long nothing reaches a host that is back.
//! The kernel takes every answer, whoever asked. Its neighbour table is read, and not changed.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, sendto, socket};
use weft_model::MacAddr;
use weft_wire::question;

use super::ask;
use crate::Netns;
use crate::capture::address_of;
use crate::netlink::Rtnl;
use crate::netlink::address::{self, Route};
use crate::netlink::entry::{self, Entry};
use crate::netlink::link::{self, Link};

/// Asks once more for each neighbor on the way to one of these addresses of which the kernel has no MAC
/// address, and says how many those are: the host itself, or the router before it.
///
/// # Errors
///
/// If the kernel does not answer, or the right is missing.
pub async fn ask_again(towards: Vec<IpAddr>) -> io::Result<usize> {
    ask_again_in(&Netns::current()?, towards).await
}

async fn ask_again_in(netns: &Netns, towards: Vec<IpAddr>) -> io::Result<usize> {
    let inside = netns.clone();
    ask(netns, move |rtnl| {
        let mut awaited: Vec<_> =
            towards.into_iter().filter_map(|address| Awaited::towards(rtnl, address)).collect();
        awaited.sort();
        awaited.dedup();
        // Who cannot be asked for keeps nobody else from it.
        inside.run(|| awaited.iter().map(Awaited::ask).fold(Ok(()), Result::and))??;
        Ok(awaited.len())
    })
    .await
}

/// A neighbor that has not told its MAC address.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Awaited {
    interface: String,
    own: (MacAddr, IpAddr),
    address: IpAddr,
}

impl Awaited {
    /// The neighbor on the way to an address, if the kernel waits for it. No way, no entry or an interface without
    /// MAC addresses: nobody is waited for.
    fn towards(rtnl: &mut Rtnl, address: IpAddr) -> Option<Self> {
        let route = Route::of(rtnl.get(address::route_to(address)).ok()?)?;
        let (device, source) = (route.device?, route.source?);
        let next = route.gateway.unwrap_or(address);
        let entry = Entry::of(rtnl.get(entry::one(device, next)).ok()?)?;
        if !entry::UNANSWERED.contains(&entry.state) {
            return None;
        }
        let link = Link::of(rtnl.get(link::numbered(device)).ok()?)?;
        Some(Self { interface: link.name, own: (link.mac?, source), address: next })
    }

    fn ask(&self) -> io::Result<()> {
        let Some(frame) = question(self.own, self.address) else { return Ok(()) };
        // Of no protocol: it hears nothing.
        let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
        let interface = address_of(&self.interface)?;
        sendto(socket.as_raw_fd(), &frame, &interface, MsgFlags::MSG_DONTWAIT)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use weft_model::Mtu;
    use weft_plan::IfName;

    use super::*;
    use crate::host::answers_ping;
    use crate::netlink::link::End;

    /// Two hosts; the first one's kernel asks once an hour.
    fn hosts() -> (Netns, Netns) {
        let (near, far) = (Netns::unnamed().unwrap(), Netns::unnamed().unwrap());
        let name: IfName = "e0".parse().unwrap();
        let end = End { name: &name, mac: None };
        let pair = link::add_veth(&end, &end, Mtu::ETHERNET, &far);
        Rtnl::open(&near).unwrap().request(pair).unwrap();
        run(&near, "ip addr add 10.0.0.1/24 dev e0; ip addr add fd00::1/64 dev e0 nodad");
        for netns in [&near, &far] {
            run(netns, "ip link set e0 up");
        }
        for family in ["ipv4", "ipv6"] {
            run(&near, &format!("echo 3600000 >/proc/sys/net/{family}/neigh/e0/retrans_time_ms"));
        }
        (near, far)
    }

    fn run(netns: &Netns, script: &str) -> String {
        let output = netns.run(|| Command::new("sh").args(["-c", script]).output()).unwrap();
        let output = output.unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn state(netns: &Netns, of: &str) -> String {
        run(netns, &format!("ip neigh show {of} dev e0"))
    }

    #[tokio::test]
    async fn a_host_that_is_back_is_found_before_the_kernel_asks_again() {
        for (own, prefix) in [("10.0.0.2", 24), ("fd00::2", 64)] {
            let (near, far) = hosts();
            let target = vec![own.parse().unwrap()];
            let ask = || ask_again_in(&near, target.clone());
            assert_eq!(ask().await.unwrap(), 0, "nothing was sent there yet");
            let ping = || answers_ping(target[0], *b"a nonce of tests", Duration::from_millis(30));
            assert!(!near.run(ping).unwrap().unwrap());
            assert!(state(&near, own).contains("INCOMPLETE"), "{}", state(&near, own));
            assert_eq!(ask().await.unwrap(), 1);
            assert!(state(&near, own).contains("INCOMPLETE"), "nobody is there to answer");

            let nodad = if own.contains(':') { "nodad" } else { "" };
            run(&far, &format!("ip addr add {own}/{prefix} dev e0 {nodad}"));
            let deadline = Instant::now() + Duration::from_secs(5);
            while state(&near, own).contains("INCOMPLETE") && Instant::now() < deadline {
                ask().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(state(&near, own).contains("REACHABLE"), "{}", state(&near, own));
            assert_eq!(ask().await.unwrap(), 0, "nobody is waited for any more");
        }
    }
}
