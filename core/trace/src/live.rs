//! A packet that was really sent, and seen at every hop on its way there and back.

use serde::{Deserialize, Serialize};
use weft_model::Hop;

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// How many were sent, one after the other.
    pub sent: u32,
    /// How many were seen all the way there and back.
    pub returned: u32,
    /// Where they were watched, in travel order, there and back.
    pub points: Vec<Point>,
    /// From leaving the sender's port to coming back to it, in microseconds; of the fastest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
    /// Where it is lost, in words, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

/// A place where frames are watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The hop that it has just passed.
    pub hop: Hop,
    /// Whether it was on its way back.
    pub back: bool,
    /// The host.
    pub host: String,
    /// The interface.
    pub at: String,
    /// How many of them were seen there.
    pub seen: u32,
    /// Since it was seen at the point before, in microseconds. Between two hosts it is half of
    /// what the way there and back takes, since their clocks are not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
}

/// Where on a host a frame is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spot {
    /// At the workload's bridge port, or at its own interface.
    Port,
    /// At the host's interface that leads to the other host, in VXLAN.
    Wire,
}

/// One frame, seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// Which of those that were sent.
    pub sequence: u16,
    /// Whether it was the answer.
    pub back: bool,
    /// Where.
    pub spot: Spot,
    /// When, in microseconds of this host's own clock.
    pub at_us: u64,
}

/// What one host has seen of it.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// The host.
    pub host: &'a str,
    /// The interface at which the workload's frames pass.
    pub port: &'a str,
    /// The interface that leads to the other host.
    pub wire: &'a str,
    /// All frames.
    pub seen: &'a [Sighting],
}

/// One place on the way, and whose it is.
#[derive(Clone, Copy)]
struct Leg {
    by_sender: bool,
    spot: Spot,
    back: bool,
    hop: Hop,
}

const fn leg(by_sender: bool, spot: Spot, back: bool, hop: Hop) -> Leg {
    Leg { by_sender, spot, back, hop }
}

/// Between two hosts.
const ACROSS: [Leg; 8] = [
    leg(true, Spot::Port, false, Hop::Neighbor),
    leg(true, Spot::Wire, false, Hop::Encap),
    leg(false, Spot::Wire, false, Hop::Underlay),
    leg(false, Spot::Port, false, Hop::Deliver),
    leg(false, Spot::Port, true, Hop::Neighbor),
    leg(false, Spot::Wire, true, Hop::Encap),
    leg(true, Spot::Wire, true, Hop::Underlay),
    leg(true, Spot::Port, true, Hop::Deliver),
];

impl Live {
    /// Puts together what both hosts have seen; if it stays on a host, that is both.
    #[must_use]
    pub fn assemble(sent: u32, sender: Watched<'_>, receiver: Watched<'_>, crosses: bool) -> Self {
        let legs: Vec<Leg> =
            ACROSS.into_iter().filter(|leg| crosses || leg.spot == Spot::Port).collect();
        let of = |leg: &Leg| if leg.by_sender { sender } else { receiver };
        let times = |sequence: u16| -> Option<Vec<u64>> {
            legs.iter().map(|leg| moment(of(leg).seen, *leg, sequence)).collect()
        };
        let whole: Vec<Vec<u64>> = sequences(sender.seen).into_iter().filter_map(times).collect();
        let length = |times: &Vec<u64>| Some(times.last()?.saturating_sub(*times.first()?));
        let best = whole.iter().min_by_key(|times| length(times));
        let points: Vec<Point> = legs
            .iter()
            .enumerate()
            .map(|(index, leg)| Point {
                hop: leg.hop,
                back: leg.back,
                host: of(leg).host.to_owned(),
                at: match leg.spot {
                    Spot::Port => of(leg).port.to_owned(),
                    Spot::Wire => of(leg).wire.to_owned(),
                },
                seen: count(of(leg).seen, *leg),
                took_us: best.and_then(|times| took(&legs, times, index)),
            })
            .collect();
        let lost = points.iter().zip(&legs).find(|(point, _)| point.seen == 0);
        Self {
            sent,
            returned: u32::try_from(whole.len()).unwrap_or(u32::MAX),
            round_trip_us: best.and_then(length),
            lost: lost.map(|(_, leg)| told(*leg, sender.host, receiver.host)),
            points,
        }
    }

    /// The hop at which it is lost; a workload that does not answer pings loses nothing.
    #[must_use]
    pub fn lost_at(&self) -> Option<Hop> {
        let point = self.points.iter().find(|point| point.seen == 0)?;
        let unanswered = point.back && point.hop == Hop::Neighbor;
        (!unanswered).then_some(point.hop)
    }
}

fn sequences(seen: &[Sighting]) -> Vec<u16> {
    let mut all: Vec<u16> = seen.iter().map(|one| one.sequence).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// When a frame was seen at a leg first.
fn moment(seen: &[Sighting], leg: Leg, sequence: u16) -> Option<u64> {
    let here = |one: &&Sighting| (one.spot, one.back) == (leg.spot, leg.back);
    let its = seen.iter().filter(here).filter(|one| one.sequence == sequence);
    its.map(|one| one.at_us).min()
}

fn count(seen: &[Sighting], leg: Leg) -> u32 {
    let here = seen.iter().filter(|one| (one.spot, one.back) == (leg.spot, leg.back));
    let mut sequences: Vec<u16> = here.map(|one| one.sequence).collect();
    sequences.sort_unstable();
    sequences.dedup();
    u32::try_from(sequences.len()).unwrap_or(u32::MAX)
}

/// Since the leg before. Of the way between the hosts only both directions together are known.
fn took(legs: &[Leg], times: &[u64], index: usize) -> Option<u64> {
    let before = index.checked_sub(1)?;
    let (leg, previous) = (legs.get(index)?, legs.get(before)?);
    if leg.by_sender == previous.by_sender || legs.len() < ACROSS.len() {
        return times.get(index)?.checked_sub(*times.get(before)?);
    }
    let away = times.get(6)?.checked_sub(*times.get(1)?)?;
    let there = times.get(5)?.checked_sub(*times.get(2)?)?;
    Some(away.saturating_sub(there) / 2)
}

fn told(leg: Leg, sender: &str, receiver: &str) -> String {
    match (leg.by_sender, leg.spot, leg.back) {
        (true, Spot::Port, false) => "it does not come out of the sender's interface".to_owned(),
        (true, Spot::Wire, false) => format!("{sender} does not send it in VXLAN"),
        (false, Spot::Wire, false) => format!("it does not arrive at {receiver}"),
        (false, Spot::Port, false) => format!("{receiver} does not let it in"),
        (false, Spot::Port, true) => "the receiver does not answer pings".to_owned(),
        (false, Spot::Wire, true) => format!("{receiver} does not send the answer in VXLAN"),
        (true, Spot::Wire, true) => format!("the answer does not arrive at {sender}"),
        (true, Spot::Port, true) => format!("{sender} does not let the answer in"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clocks of the two hosts have nothing to do with each other.
    fn seen(legs: &[(bool, u64)], by_sender: bool) -> Vec<Sighting> {
        let here = ACROSS.iter().zip(legs).filter(|(leg, _)| leg.by_sender == by_sender);
        here.filter(|(_, (seen, _))| *seen)
            .map(|(leg, (_, at_us))| Sighting {
                sequence: 1,
                back: leg.back,
                spot: leg.spot,
                at_us: *at_us,
            })
            .collect()
    }

    fn live(legs: &[(bool, u64)]) -> Live {
        let (here, there) = (seen(legs, true), seen(legs, false));
        let sender = Watched { host: "a", port: "wp1", wire: "eth0", seen: &here };
        let receiver = Watched { host: "b", port: "wp2", wire: "eth0", seen: &there };
        Live::assemble(1, sender, receiver, true)
    }

    const TIMES: [u64; 8] = [100, 110, 9_000, 9_020, 9_050, 9_060, 250, 255];

    #[test]
    fn what_comes_back_is_timed_hop_by_hop() {
        let told = live(&TIMES.map(|at| (true, at)));
        assert_eq!((told.returned, told.round_trip_us), (1, Some(155)));
        let took: Vec<_> = told.points.iter().map(|point| point.took_us).collect();
        let expected = [None, Some(10), Some(40), Some(20), Some(30), Some(10), Some(40), Some(5)];
        assert_eq!(took, expected);
        assert_eq!((told.lost.as_deref(), told.lost_at()), (None, None));
    }

    #[test]
    fn what_is_lost_is_lost_at_the_first_place_that_has_not_seen_it() {
        let until = |last: usize| {
            let legs: Vec<_> = TIMES.iter().enumerate().map(|(n, at)| (n < last, *at)).collect();
            live(&legs)
        };
        assert_eq!(until(2).lost.as_deref(), Some("it does not arrive at b"));
        assert_eq!(until(2).lost_at(), Some(Hop::Underlay));
        assert_eq!(until(3).lost_at(), Some(Hop::Deliver));
        assert_eq!(until(4).lost.as_deref(), Some("the receiver does not answer pings"));
        assert_eq!(until(4).lost_at(), None);
        assert_eq!(until(0).points.len(), 8);
    }
}
