//! Frames counted by the flow that they are of.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use weft_kernel::capture::{Capture, Heard};
use weft_wire::{Decoded, Flow};

/// So many flows are told apart; frames of further ones count as unseen.
const MOST: usize = 4096;

/// What was seen, and how much was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Packets and bytes of each flow.
    pub(super) flows: BTreeMap<Flow, (u64, u64)>,
    /// Frames that came too fast, or of flows beyond the bound.
    pub(super) unseen: u64,
}

impl Tally {
    /// Each frame comes into a segment once, by the port of its sender or by the tunnel, and that
    /// is where it counts.
    pub(super) fn hear(&mut self, heard: &Heard) {
        if !heard.outgoing
            && let Ok(frame) = Decoded::parse(&heard.bytes)
        {
            self.count(&frame, heard.length);
        }
    }

    /// What goes to all stations comes in more than once, and is left out.
    pub(super) fn count(&mut self, frame: &Decoded, length: usize) {
        let counts = frame.ethernet.destination.is_unicast();
        let Some(flow) = Flow::of(frame).filter(|_| counts) else { return };
        if self.flows.len() >= MOST && !self.flows.contains_key(&flow) {
            self.unseen += 1;
            return;
        }
        let (packets, bytes) = self.flows.entry(flow).or_default();
        *packets += 1;
        *bytes += length as u64;
    }
}

/// Looks at frames for so long, and tells how many it has missed.
pub(super) async fn listen<T: Send + 'static>(
    mut capture: Capture,
    lasting: Duration,
    mut into: T,
    count: impl Fn(&mut T, &Heard) + Send + 'static,
) -> io::Result<(T, u64)> {
    let counted = tokio::task::spawn_blocking(move || {
        let deadline = Instant::now() + lasting;
        while Instant::now() < deadline {
            if let Some(heard) = capture.hear(deadline) {
                count(&mut into, &heard);
            }
        }
        (into, capture.lost())
    });
    counted.await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use weft_model::MacAddr;
    use weft_wire::{Checksum, EtherType, Ethernet, Fragment, Ipv4, Protocol, Udp};

    use super::*;

    fn heard(destination: MacAddr, port: u16, outgoing: bool) -> Heard {
        let ip = Ipv4 {
            traffic_class: 0,
            identification: 0,
            fragment: Fragment::WHOLE,
            ttl: 64,
            protocol: Protocol::Udp,
            source: [10, 7, 0, 2].into(),
            destination: [10, 7, 0, 3].into(),
            options: Vec::new(),
        };
        let udp = Udp { source_port: port, destination_port: 53, checksum: Checksum::Absent };
        let packet = ip.emit(&udp.emit(b"who?", ip.ends()));
        let source = MacAddr([2, 0, 0, 0, 0, 1]);
        let bytes = Ethernet { destination, source, ethertype: EtherType::Ipv4 }.emit(&packet);
        Heard { at: SystemTime::UNIX_EPOCH, interface: 1, outgoing, length: bytes.len(), bytes }
    }

    #[test]
    fn a_frame_counts_once_where_it_comes_in() {
        let station = MacAddr([2, 0, 0, 0, 0, 2]);
        let mut tally = Tally::default();
        tally.hear(&heard(station, 7, false));
        tally.hear(&heard(station, 7, true));
        tally.hear(&heard(station, 7, false));
        tally.hear(&heard(MacAddr::BROADCAST, 7, false));
        let counted: Vec<_> = tally.flows.iter().map(|(f, seen)| (f.to_string(), *seen)).collect();
        assert_eq!(counted, [("udp 10.7.0.2 7 > 10.7.0.3 53".to_owned(), (2, 92))]);
    }

    #[test]
    fn flows_are_bounded() {
        let mut tally = Tally::default();
        for port in 0..u16::try_from(MOST).unwrap() + 5 {
            tally.hear(&heard(MacAddr([2, 0, 0, 0, 0, 2]), port, false));
        }
        assert_eq!((tally.flows.len(), tally.unseen), (MOST, 5));
    }
}
