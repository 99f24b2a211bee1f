//! Frames of one ping, seen and timed by the kernel at an interface.
//!
//! Nothing is asked of the data path: a packet socket with a filter stands at the interface for as
//! long as a trace takes, and for no longer.

use std::io;
use std::time::{Instant, SystemTime};

use weft_model::Vni;

use super::Nonce;
use crate::Netns;
use crate::capture::{Capture, Is, Step, any_of, tunnel};

/// ICMP's number, and where IPv4 has it.
const ICMP: u32 = 1;
/// The type of an answer.
const REPLY: u8 = 0;
/// From the ICMP header's beginning to its data.
const ICMP_HEADER: usize = 8;
/// So many bytes of a frame are looked at: all headers, in VXLAN over IPv6, and more.
const HEADERS: usize = 192;

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoSeen {
    /// Which of those that were sent.
    pub sequence: u16,
    /// Whether it was the answer.
    pub back: bool,
    /// When it passed.
    pub at: SystemTime,
}

/// Watches one interface.
#[derive(Debug)]
pub struct Watch {
    capture: Capture,
    nonce: Nonce,
}

impl Watch {
    /// Of the interface of a namespace by which a workload's frames pass.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or the right is missing.
    pub fn of_port(netns: &Netns, port: &str, nonce: Nonce) -> io::Result<Self> {
        Self::open(netns, port, nonce, &pings())
    }

    /// Of the host's interface that leads to another host.
    ///
    /// # Errors
    ///
    /// As [`of_port`](Self::of_port).
    pub fn of_wire(device: &str, (port, vni): (u16, Vni), nonce: Nonce) -> io::Result<Self> {
        let filter = tunnel::of_network(port, vni.number(), Some(ICMP));
        Self::open(&Netns::current()?, device, nonce, &filter)
    }

    fn open(netns: &Netns, interface: &str, nonce: Nonce, filter: &[Step]) -> io::Result<Self> {
        let capture = Capture::open(netns, interface)?;
        capture.keep_only(filter)?;
        Ok(Self { capture, nonce })
    }

    /// All that pass until `enough` says so, or the deadline.
    pub fn seen(
        &mut self,
        deadline: Instant,
        mut enough: impl FnMut(&[EchoSeen]) -> bool,
    ) -> Vec<EchoSeen> {
        let mut seen = Vec::new();
        while !enough(&seen) {
            let Some(heard) = self.capture.hear(deadline) else { break };
            let ping = read(&heard.bytes, &self.nonce);
            seen.extend(ping.map(|(sequence, back)| EchoSeen { sequence, back, at: heard.at }));
        }
        seen
    }
}

/// The data of a ping is the nonce; its header stands before.
fn read(frame: &[u8], nonce: &Nonce) -> Option<(u16, bool)> {
    let headers = frame.get(..HEADERS.min(frame.len()))?;
    let data = headers.windows(nonce.len()).position(|bytes| bytes == nonce)?;
    let header = frame.get(data.checked_sub(ICMP_HEADER)?..data)?;
    let [kind, _, _, _, _, _, high, low] = header.try_into().ok()?;
    Some((u16::from_be_bytes([high, low]), kind == REPLY))
}

fn pings() -> Vec<Step> {
    let (over_ipv4, icmp) =
        (Is(vec![Step::LoadHalf(12)], 0x0800), Is(vec![Step::LoadByte(23)], ICMP));
    any_of(&[vec![over_ipv4, icmp]])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::Echo;

    const NONCE: Nonce = *b"a nonce of tests";

    #[test]
    fn a_ping_and_its_answer_are_seen_and_timed() {
        let netns = Netns::unnamed().unwrap();
        let up = || std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(netns.run(up).unwrap().unwrap().success());
        let mut watch = Watch::of_port(&netns, "lo", NONCE).unwrap();
        let before = SystemTime::now();
        let to = "127.0.0.1".parse().unwrap();
        Echo::open(&netns, to, *b"a nonce of other").unwrap().send(1).unwrap();
        Echo::open(&netns, to, NONCE).unwrap().send(7).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        let seen = watch.seen(deadline, |seen| seen.iter().any(|one| one.back));
        assert!(seen.iter().all(|one| one.sequence == 7), "{seen:?}");
        assert!(seen.iter().any(|one| !one.back), "{seen:?}");
        assert!(seen.iter().all(|one| one.at >= before && one.at <= SystemTime::now()), "{seen:?}");
    }
}
