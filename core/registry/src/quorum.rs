//! How many managers may be lost, and what number of them is advised.

/// So many managers decide by majority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// How many there are.
    pub managers: usize,
}

impl Quorum {
    /// So many of them may be away, and what should exist can still be changed.
    #[must_use]
    pub const fn spare(self) -> usize {
        self.managers.saturating_sub(1) / 2
    }

    /// What to try if another number would be better; an even number bears no more losses than the
    /// odd one below it, and each manager makes a change a little slower.
    #[must_use]
    pub fn advice(self) -> Option<String> {
        let Self { managers } = self;
        let (fewer, more) = (managers.saturating_sub(1), managers + 1);
        match managers {
            0 | 1 | 3 | 5 => None,
            2 | 4 => Some(format!(
                "{managers} managers bear the loss of {}, as {fewer} would: make it {more} \
                 (`weft node promote`) or {fewer} (`weft node demote`)",
                named(self.spare()),
            )),
            _many => Some(
                "more than five managers make changes slower and hardly safer: `weft node demote`"
                    .to_owned(),
            ),
        }
    }
}

fn named(number: usize) -> String {
    if number == 0 { "none".to_owned() } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minority_may_be_lost() {
        let spare: Vec<usize> = (0..=5).map(|managers| Quorum { managers }.spare()).collect();
        assert_eq!(spare, [0, 0, 0, 1, 1, 2]);
    }

    #[test]
    fn one_three_and_five_need_no_advice() {
        for managers in [1, 3, 5] {
            assert_eq!(Quorum { managers }.advice(), None, "{managers}");
        }
        let two = Quorum { managers: 2 }.advice().unwrap();
        assert!(two.contains("bear the loss of none, as 1 would: make it 3"), "{two}");
        let four = Quorum { managers: 4 }.advice().unwrap();
        assert!(four.contains("bear the loss of 1, as 3 would: make it 5"), "{four}");
        assert!(Quorum { managers: 6 }.advice().unwrap().contains("hardly safer"));
    }
}
