//! Random and bent bytes for everything that reads what others wrote.
//!
//! No coverage feedback and no tools beside cargo: many cheap inputs, mostly seeds with a few
//! places bent, from a generator that repeats itself. A failure prints the seed, the round and
//! the bytes: [`Fuzz::round`] brings it back.

mod dice;
mod seeds;
mod targets;

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use dice::Dice;
pub use targets::{TARGETS, Target};

/// The longest input; the parsers' limits are far below.
const LONGEST: usize = 2048;

/// One run over one target.
#[derive(Clone, Copy, Debug)]
pub struct Fuzz {
    /// What reads the bytes.
    pub target: Target,
    /// Gives the whole run.
    pub seed: u64,
}

/// An input that a target does not bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The target's name.
    pub target: &'static str,
    /// The run.
    pub seed: u64,
    /// Which input of it.
    pub round: u64,
    /// The input, in hexadecimal digits.
    pub bytes: String,
}

impl Fuzz {
    /// Feeds `rounds` inputs; stops at the first one that makes the target panic.
    ///
    /// # Errors
    ///
    /// [`Finding`] says how to repeat it.
    pub fn run(&self, rounds: u64) -> Result<(), Finding> {
        let seeds = (self.target.seeds)();
        (0..rounds).try_for_each(|round| self.feed(round, &self.bent(round, &seeds)))
    }

    /// Feeds one input again.
    ///
    /// # Errors
    ///
    /// [`Finding`] if the target panics.
    pub fn round(&self, round: u64) -> Result<(), Finding> {
        self.feed(round, &self.input(round))
    }

    /// The input of one round: it depends on target, seed and round only.
    #[must_use]
    pub fn input(&self, round: u64) -> Vec<u8> {
        self.bent(round, &(self.target.seeds)())
    }

    fn bent(&self, round: u64, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut dice = Dice::new(self.seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut input = match dice.below(8) {
            0 => dice.bytes(256),
            _ => dice.pick(seeds).cloned().unwrap_or_default(),
        };
        for _bend in 0..dice.below(6) {
            dice.bend(&mut input, seeds);
        }
        input.truncate(LONGEST);
        input
    }

    fn feed(&self, round: u64, input: &[u8]) -> Result<(), Finding> {
        catch_unwind(AssertUnwindSafe(|| (self.target.read)(input))).map_err(|_panic| Finding {
            target: self.target.name,
            seed: self.seed,
            round,
            bytes: hex(input),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ok = write!(text, "{byte:02x}");
        text
    })
}
