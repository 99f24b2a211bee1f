//! Places of workloads that have ended.

use std::collections::BTreeSet;

use crate::Life;

/// Places, such as addresses, whose last workload has ended, and that no other one has.
///
/// `taken` are those with a workload, and whether it runs; `given_back` those whose workload its runtime has
/// taken away. The runtime's own resolver knows it for a while longer, and longer the more there is to do.
#[must_use]
pub fn ended<P: Copy + Ord>(
    taken: impl IntoIterator<Item = (P, Life)>,
    given_back: impl IntoIterator<Item = P>,
) -> BTreeSet<P> {
    let (mut running, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for (place, life) in taken {
        match life {
            Life::Running => running.insert(place),
            Life::Ended => ended.insert(place),
        };
    }
    ended.extend(given_back);
    ended.retain(|place| !running.contains(place));
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_of_what_has_ended_until_another_workload_has_it() {
        let (runs, over) = (Life::Running, Life::Ended);
        let table = [
            (vec![(1, runs)], vec![], vec![]),
            (vec![(1, runs), (2, over)], vec![], vec![2]),
            (vec![(1, runs)], vec![2], vec![2]),
            (vec![(2, runs)], vec![2], vec![]),
            (vec![(2, over), (2, runs)], vec![], vec![]),
        ];
        for (taken, given_back, expected) in table {
            let found: Vec<i32> = ended(taken, given_back).into_iter().collect();
            assert_eq!(found, expected);
        }
    }
}
