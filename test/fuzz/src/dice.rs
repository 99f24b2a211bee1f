//! A generator that repeats itself, and the ways in which it bends bytes.

/// Values that parsers trip over: limits of lengths and counts, DNS pointers, quotes.
const NASTY: [u8; 12] = [0, 1, 3, 4, 0x0f, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same seed gives the same throws.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; zero if that is zero.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let thrown = self.throw().checked_rem(limit).unwrap_or(0);
        usize::try_from(thrown).unwrap_or(0)
    }

    /// One of `all`.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = self.below(all.len());
        all.get(at)
    }

    /// Random bytes, fewer than `limit`.
    pub fn bytes(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.byte()).collect()
    }

    fn byte(&mut self) -> u8 {
        let [byte, ..] = self.throw().to_le_bytes();
        byte
    }

    /// Bends `input` in one place.
    pub fn bend(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len());
        match self.below(7) {
            0 => input.truncate(at),
            1 => input.insert(at, self.byte()),
            2 => {
                let end = input.len().min(at + self.below(16));
                input.drain(at..end);
            }
            3 => {
                let copied = input.get(at..).unwrap_or_default().to_vec();
                input.extend(copied);
            }
            4 => self.splice(input, at, seeds),
            5 => self.set(input, at, |dice, _byte| dice.pick(&NASTY).copied().unwrap_or(0)),
            _ => self.set(input, at, |dice, byte| byte ^ (1 << dice.below(8))),
        }
    }

    /// From here on it is another seed.
    fn splice(&mut self, input: &mut Vec<u8>, at: usize, seeds: &[Vec<u8>]) {
        let other = self.pick(seeds).cloned().unwrap_or_default();
        let from = self.below(other.len());
        input.truncate(at);
        input.extend(other.into_iter().skip(from));
    }

    fn set(&mut self, input: &mut [u8], at: usize, value: impl FnOnce(&mut Self, u8) -> u8) {
        if let Some(byte) = input.get_mut(at) {
            *byte = value(self, *byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_throws() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            [dice.throw(), dice.throw(), dice.throw()]
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
    }

    #[test]
    fn numbers_stay_below_their_limit() {
        let mut dice = Dice::new(1);
        assert!((0..1000).all(|_| dice.below(3) < 3));
        assert_eq!(dice.below(0), 0);
    }
}
