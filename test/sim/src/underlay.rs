//! The wires between hosts.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;

/// One way of a packet takes this long, evenly spread: hosts of one data centre.
const LATENCY: std::ops::Range<u64> = 200_000..1_000_000;
/// A packet that takes another way takes up to this long.
const DETOUR: std::ops::Range<u64> = 1_000_000..50_000_000;

/// Every ordered pair of hosts.
#[derive(Debug)]
pub(crate) struct Underlay {
    /// In thousandths.
    loss: u32,
    /// Whether packets are doubled now and then, and overtake each other.
    pub(crate) unruly: bool,
    /// From the first no packet reaches the second.
    cut: BTreeSet<(usize, usize)>,
    /// Hosts on the one side of a split, while there is one.
    side: Option<BTreeSet<usize>>,
}

impl Underlay {
    pub(crate) const fn new(loss_percent: u32) -> Self {
        Self { loss: loss_percent * 10, unruly: false, cut: BTreeSet::new(), side: None }
    }

    /// How long this packet is under way; absent if it is lost.
    pub(crate) fn carry(&self, from: usize, to: usize, dice: &mut Pcg64Mcg) -> Option<Duration> {
        let lost = dice.random_ratio(self.loss.min(1000), 1000);
        let mut latency = dice.random_range(LATENCY);
        if self.unruly && dice.random_ratio(1, 50) {
            latency += dice.random_range(DETOUR);
        }
        (!lost && self.is_open(from, to)).then_some(Duration::from_nanos(latency))
    }

    /// Whether a second copy of a packet is under way.
    pub(crate) fn doubles(&self, dice: &mut Pcg64Mcg) -> bool {
        self.unruly && dice.random_ratio(1, 50)
    }

    /// Whether packets from one host may reach another.
    pub(crate) fn is_open(&self, from: usize, to: usize) -> bool {
        let apart = |side: &BTreeSet<usize>| side.contains(&from) != side.contains(&to);
        !self.cut.contains(&(from, to)) && !self.side.as_ref().is_some_and(apart)
    }

    /// Ends one direction.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
    }

    /// Parts these hosts from all others.
    pub(crate) fn split(&mut self, side: BTreeSet<usize>) {
        self.side = Some(side);
    }

    /// All wires are whole.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        self.side = None;
    }
}
