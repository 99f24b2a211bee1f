//! A new name is withheld until the kernel knows the way to what it names.
//!
//! A client that is told an address too early asks the network for the neighbor, is not answered, and asks
//! again after a second (`retrans_time_ms`): an answer some milliseconds later is an answer
//! a second earlier. What is gone is not told any more at once.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::Zones;

/// So many changes are told apart; more are taken together.
const APART: usize = 64;

/// What is meant, and how much of that may be told.
#[derive(Clone, Debug, Default)]
pub struct Veil {
    /// What was meant by each generation of the kernel's target that is not reached, the last one
    /// too if it is.
    meant: VecDeque<(u64, Arc<Zones>)>,
    /// The generation that the kernel has reached.
    reached: u64,
    /// What was meant by it.
    known: Arc<Zones>,
}

impl Veil {
    /// Takes what is meant from now on, and which generation of the kernel's target belongs to it.
    pub fn mean(&mut self, generation: u64, zones: Arc<Zones>) {
        let many = self.meant.len() >= APART;
        match self.meant.back_mut() {
            Some((last, meant)) if *last == generation || many => {
                (*last, *meant) = (generation, zones);
            }
            _ => self.meant.push_back((generation, zones)),
        }
        self.reach(self.reached);
    }

    /// The kernel has reached a generation.
    pub fn reach(&mut self, generation: u64) {
        self.reached = self.reached.max(generation);
        while let Some((_, zones)) =
            self.meant.pop_front_if(|(generation, _)| *generation <= self.reached)
        {
            self.known = Arc::clone(&zones);
            if self.meant.is_empty() {
                // It stays what is meant.
                self.meant.push_back((self.reached, zones));
                return;
            }
        }
    }

    /// Tells everything, whatever the kernel knows.
    pub fn lift(&mut self) {
        if let Some((generation, _)) = self.meant.back() {
            self.reach(*generation);
        }
    }

    /// Whether anything waits for the kernel.
    #[must_use]
    pub fn withholds(&self) -> bool {
        self.meant.back().is_some_and(|(generation, _)| *generation > self.reached)
    }

    /// What may be told: what is meant, as far as the kernel knows it.
    #[must_use]
    pub fn told(&self) -> Arc<Zones> {
        match self.meant.back() {
            Some((_, meant)) if self.withholds() => Arc::new(meant.within(&self.known)),
            Some((_, meant)) => Arc::clone(meant),
            None => Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use weft_model::{Name, NetworkId};

    use super::*;
    use crate::Zone;

    fn zones(names: &[(&str, u8)]) -> Arc<Zones> {
        let mut zone = Zone {
            network: NetworkId::from_random(1),
            name: None,
            internal: false,
            subnets: Vec::new(),
            records: Default::default(),
            pointers: Default::default(),
            ended: Default::default(),
        };
        for (name, last) in names {
            let (name, address) = (Name::label(name).unwrap(), IpAddr::from([10, 0, 0, *last]));
            zone.records.entry(name.clone()).or_default().insert(address);
            zone.pointers.insert(address, name);
        }
        Arc::new([zone].into_iter().collect())
    }

    #[test]
    fn a_new_name_waits_and_one_that_is_gone_does_not() {
        let mut veil = Veil::default();
        veil.mean(1, zones(&[("a", 1)]));
        veil.reach(1);
        assert_eq!(veil.told(), zones(&[("a", 1)]));
        veil.mean(2, zones(&[("b", 2)]));
        assert!(veil.withholds());
        assert_eq!(veil.told(), zones(&[]));
        veil.reach(2);
        assert_eq!(veil.told(), zones(&[("b", 2)]));
    }

    #[test]
    fn a_name_does_not_wait_for_those_that_come_after_it() {
        let mut veil = Veil::default();
        veil.mean(1, zones(&[("a", 1)]));
        veil.mean(2, zones(&[("a", 1), ("b", 2)]));
        veil.mean(3, zones(&[("a", 1), ("b", 2), ("b", 3)]));
        veil.reach(2);
        assert_eq!(veil.told(), zones(&[("a", 1), ("b", 2)]), "address by address");
        assert!(veil.withholds());
        veil.reach(7);
        assert_eq!(veil.told(), zones(&[("a", 1), ("b", 2), ("b", 3)]));
    }

    #[test]
    fn what_needs_nothing_of_the_kernel_is_told_at_once() {
        let mut veil = Veil::default();
        veil.mean(1, zones(&[("a", 1)]));
        veil.reach(1);
        veil.mean(1, zones(&[("renamed", 1)]));
        assert_eq!(veil.told(), zones(&[("renamed", 1)]));
    }

    #[test]
    fn a_kernel_that_gets_nowhere_is_not_waited_for_for_ever() {
        let mut veil = Veil::default();
        veil.mean(5, zones(&[("a", 1)]));
        assert_eq!(veil.told(), zones(&[]));
        veil.lift();
        assert_eq!(veil.told(), zones(&[("a", 1)]));
        for generation in 6..200 {
            veil.mean(generation, zones(&[("a", 1), ("b", 2)]));
        }
        assert!(veil.meant.len() <= APART, "what waits is bounded");
        veil.lift();
        assert_eq!(veil.told(), zones(&[("a", 1), ("b", 2)]));
    }
}
