//! What can go wrong, and how often.

use std::time::Duration;

use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;

/// One thing that goes wrong with a host or between hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The agent ends; its disk stays.
    Crash,
    /// The host is lost with its disk; a new one takes its place under a new identity.
    Burn,
    /// The host stands still, and then goes on.
    Pause,
    /// Its packets reach nobody, but it hears everybody.
    Mute,
    /// From it to one other host nothing passes, in one direction.
    CutOne,
    /// Half of the cluster does not see the other half.
    Split,
}

impl Fault {
    const ALL: [Self; 6] =
        [Self::Crash, Self::Burn, Self::Pause, Self::Mute, Self::CutOne, Self::Split];

    pub(crate) fn draw(dice: &mut Pcg64Mcg) -> Self {
        let which = dice.random_range(0..Self::ALL.len());
        Self::ALL.get(which).copied().unwrap_or(Self::Crash)
    }

    /// How long until it is mended by itself: shorter and longer than connections live.
    pub(crate) fn duration(dice: &mut Pcg64Mcg) -> Duration {
        Duration::from_millis(dice.random_range(20..8_000))
    }
}
