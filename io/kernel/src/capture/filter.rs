//! Filters of packet sockets: classic BPF (the kernel's `Documentation/networking/filter.rst`).

use nix::libc;

/// One instruction. Offsets are from the Ethernet header; jumps count instructions to skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A ← the byte at an offset.
    LoadByte(u32),
    /// A ← the 16 bits at an offset.
    LoadHalf(u32),
    /// A ← the byte at X and an offset.
    LoadByteAfter(u32),
    /// A ← the 32 bits at an offset.
    LoadWord(u32),
    /// X ← four times the low half of the byte at an offset: an IPv4 header's length.
    HeaderLength(u32),
    /// A ← the 16 bits at X and an offset.
    LoadHalfAfter(u32),
    /// A ← the 32 bits at X and an offset.
    LoadWordAfter(u32),
    /// A ← A and a mask.
    Mask(u32),
    /// If A is a number the next instruction, else so many further on.
    EqualElse(u32, u8),
    /// Takes the frame.
    Accept,
    /// Leaves it.
    Reject,
}

/// A condition: what the steps load is the number.
#[derive(Clone, Debug)]
pub(crate) struct Is(pub(crate) Vec<Step>, pub(crate) u32);

/// Accepts a frame for which all conditions of one of the cases hold.
pub(crate) fn any_of(cases: &[Vec<Is>]) -> Vec<Step> {
    let mut program = vec![Step::Reject];
    for case in cases.iter().rev() {
        // From its end on, so that it is known how far it is to the next case.
        let mut steps = vec![Step::Accept];
        for Is(load, number) in case.iter().rev() {
            let skip = u8::try_from(steps.len()).unwrap_or(u8::MAX);
            let compared = [load.as_slice(), &[Step::EqualElse(*number, skip)]].concat();
            steps.splice(..0, compared);
        }
        program.splice(..0, steps);
    }
    program
}

/// Of an accepted frame everything is wanted.
const WHOLE: u32 = u32::MAX;

impl Step {
    pub(super) fn instruction(&self) -> libc::sock_filter {
        use libc::{
            BPF_ABS, BPF_ALU, BPF_AND, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD,
            BPF_LDX, BPF_MSH, BPF_RET, BPF_W,
        };
        let (code, jf, k) = match *self {
            Self::LoadByte(at) => (BPF_LD | BPF_B | BPF_ABS, 0, at),
            Self::LoadByteAfter(at) => (BPF_LD | BPF_B | BPF_IND, 0, at),
            Self::LoadHalf(at) => (BPF_LD | BPF_H | BPF_ABS, 0, at),
            Self::LoadWord(at) => (BPF_LD | BPF_W | BPF_ABS, 0, at),
            Self::HeaderLength(at) => (BPF_LDX | BPF_B | BPF_MSH, 0, at),
            Self::LoadHalfAfter(at) => (BPF_LD | BPF_H | BPF_IND, 0, at),
            Self::LoadWordAfter(at) => (BPF_LD | BPF_W | BPF_IND, 0, at),
            Self::Mask(mask) => (BPF_ALU | BPF_AND | BPF_K, 0, mask),
            Self::EqualElse(number, skip) => (BPF_JMP | BPF_JEQ | BPF_K, skip, number),
            Self::Accept => (BPF_RET | BPF_K, 0, WHOLE),
            Self::Reject => (BPF_RET | BPF_K, 0, 0),
        };
        libc::sock_filter { code: u16::try_from(code).unwrap_or_default(), jt: 0, jf, k }
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Accept, EqualElse, LoadByte, LoadHalf, Mask, Reject};
    use super::*;

    #[test]
    fn a_condition_that_does_not_hold_leads_to_the_next_case() {
        let cases = [
            vec![Is(vec![LoadHalf(12)], 1), Is(vec![LoadByte(23), Mask(7)], 2)],
            vec![Is(vec![LoadHalf(12)], 3)],
        ];
        let first = [LoadHalf(12), EqualElse(1, 4), LoadByte(23), Mask(7), EqualElse(2, 1), Accept];
        let second = [LoadHalf(12), EqualElse(3, 1), Accept];
        assert_eq!(any_of(&cases), [first.as_slice(), &second, &[Reject]].concat());
        assert_eq!(any_of(&[]), [Reject]);
    }
}
