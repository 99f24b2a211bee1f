//! Whose first process is waited for.

use std::collections::{BTreeMap, BTreeSet};

/// One run of a container, from a start to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// The number of its first process. The kernel gives it to others later.
    pub process: i32,
    /// When it began, in the runtime's own words: it tells two runs with one number apart.
    pub began: String,
}

/// What is to be done after a word of the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<E> {
    /// Nothing.
    Nothing,
    /// Get hold of the process, and say with [`Runs::held`] or [`Runs::forget`] whether that went well.
    Hold,
    /// These endpoints run: the process is held.
    Run(BTreeSet<E>),
}

/// The containers that run, one process each, and the endpoints that end with it.
#[derive(Clone, Debug)]
pub struct Runs<E> {
    known: BTreeMap<String, Known<E>>,
}

#[derive(Clone, Debug)]
struct Known<E> {
    run: Run,
    endpoints: BTreeSet<E>,
    held: bool,
}

impl<E> Default for Runs<E> {
    fn default() -> Self {
        Self { known: BTreeMap::new() }
    }
}

impl<E: Clone + Ord> Runs<E> {
    /// The runtime says that a container runs, and with which endpoints: all of them.
    ///
    /// One that has never had any is of no interest.
    pub fn runs(&mut self, container: &str, run: Run, endpoints: BTreeSet<E>) -> Turn<E> {
        match self.known.get_mut(container) {
            Some(known) if known.run == run => {
                known.endpoints = endpoints;
                if known.held { Turn::Run(known.endpoints.clone()) } else { Turn::Nothing }
            }
            None if endpoints.is_empty() => Turn::Nothing,
            Some(_) | None => {
                self.known.insert(container.to_owned(), Known { run, endpoints, held: false });
                Turn::Hold
            }
        }
    }

    /// The process of a run is held from now on; answers the endpoints that run with it.
    pub fn held(&mut self, container: &str, run: &Run) -> BTreeSet<E> {
        let known = self.known.get_mut(container).filter(|known| known.run == *run);
        known.map_or_else(BTreeSet::new, |known| {
            known.held = true;
            known.endpoints.clone()
        })
    }

    /// The process of a run has ended; answers the endpoints that ended with it.
    pub fn ended(&mut self, container: &str, run: &Run) -> BTreeSet<E> {
        self.forget(container, run).unwrap_or_default()
    }

    /// The process of a run cannot be held: the runtime's next word counts anew.
    pub fn forget(&mut self, container: &str, run: &Run) -> Option<BTreeSet<E>> {
        let is_this = self.known.get(container).is_some_and(|known| known.run == *run);
        is_this.then(|| self.known.remove(container))?.map(|known| known.endpoints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(process: i32, began: &str) -> Run {
        Run { process, began: began.to_owned() }
    }

    fn set(endpoints: &[&'static str]) -> BTreeSet<&'static str> {
        endpoints.iter().copied().collect()
    }

    /// One container that is held.
    fn held(run: &Run, endpoints: &[&'static str]) -> Runs<&'static str> {
        let mut runs = Runs::default();
        assert_eq!(runs.runs("c", run.clone(), set(endpoints)), Turn::Hold);
        assert_eq!(runs.held("c", run), set(endpoints));
        runs
    }

    #[test]
    fn an_end_is_the_end_of_all_endpoints_that_the_container_has_by_then() {
        let first = run(7, "noon");
        let mut runs = held(&first, &["a"]);
        assert_eq!(runs.runs("c", first.clone(), set(&["a", "b"])), Turn::Run(set(&["a", "b"])));
        assert_eq!(runs.ended("c", &first), set(&["a", "b"]));
        assert_eq!(runs.ended("c", &first), set(&[]), "it ends once");
    }

    #[test]
    fn the_end_of_one_run_is_not_the_end_of_the_next_one() {
        let first = run(7, "noon");
        for second in [run(8, "one"), run(7, "one")] {
            let mut runs = held(&first, &["a"]);
            assert_eq!(runs.runs("c", second.clone(), set(&["b"])), Turn::Hold);
            assert_eq!(runs.ended("c", &first), set(&[]));
            assert_eq!(runs.held("c", &first), set(&[]), "too late");
            assert_eq!(runs.held("c", &second), set(&["b"]));
            assert_eq!(runs.ended("c", &second), set(&["b"]));
        }
    }

    #[test]
    fn a_process_is_asked_for_once_and_again_when_it_could_not_be_held() {
        let first = run(7, "noon");
        let mut runs = Runs::default();
        assert_eq!(runs.runs("c", first.clone(), set(&["a"])), Turn::Hold);
        assert_eq!(runs.runs("c", first.clone(), set(&["a"])), Turn::Nothing, "it is under way");
        assert_eq!(runs.forget("c", &first), Some(set(&["a"])));
        assert_eq!(runs.runs("c", first, set(&["a"])), Turn::Hold);
    }

    #[test]
    fn a_stale_word_about_a_run_that_has_ended_brings_nothing_back_by_itself() {
        let first = run(7, "noon");
        let mut runs = held(&first, &["a"]);
        runs.ended("c", &first);
        assert_eq!(runs.runs("c", first, set(&["a"])), Turn::Hold, "the process tells the truth");
    }

    #[test]
    fn one_process_is_held_however_often_networks_come_and_go() {
        let first = run(7, "noon");
        let mut nobody = Runs::default();
        assert_eq!(nobody.runs("c", first.clone(), set(&[])), Turn::Nothing, "no network of ours");
        let mut runs = held(&first, &["a"]);
        assert_eq!(runs.runs("c", first.clone(), set(&[])), Turn::Run(set(&[])));
        assert_eq!(runs.runs("c", first.clone(), set(&["b"])), Turn::Run(set(&["b"])));
        assert_eq!(runs.ended("c", &first), set(&["b"]));
    }
}
