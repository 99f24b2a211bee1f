//! What goes wrong, and how it is mended.

use std::collections::BTreeSet;

use rand::RngExt as _;
use weft_membership::Settings;

use super::{Event, World};
use crate::fault::Fault;

impl World {
    /// Something goes wrong now, and is mended by itself later.
    pub(crate) fn harm(&mut self, fault: Fault) {
        let at = self.dice.random_range(0..self.nodes.len());
        let lasts = Fault::duration(&mut self.dice);
        self.watch.faults += 1;
        match fault {
            Fault::Crash => {
                self.crash(at);
                self.put(lasts, Event::Start { node: at });
            }
            Fault::Burn => {
                self.burn(at);
                self.put(lasts, Event::Start { node: at });
            }
            Fault::Pause => {
                if let Some(node) = self.nodes.get_mut(at) {
                    node.paused = true;
                }
                self.put(lasts, Event::Resume { node: at });
            }
            Fault::Mute => {
                (0..self.nodes.len()).for_each(|other| self.underlay.cut(at, other));
                self.put(lasts, Event::Heal);
            }
            Fault::CutOne => {
                let other = self.dice.random_range(0..self.nodes.len());
                self.underlay.cut(at, other);
                self.put(lasts, Event::Heal);
            }
            Fault::Split => {
                self.split();
                self.put(lasts, Event::Heal);
            }
        }
        self.review();
    }

    /// Half of the hosts, chosen at random, see only each other.
    pub(crate) fn split(&mut self) {
        let half: BTreeSet<usize> =
            (0..self.nodes.len()).filter(|_| self.dice.random_bool(0.5)).collect();
        self.underlay.split(half);
        self.review();
    }

    /// The wires are whole.
    pub(crate) fn heal(&mut self) {
        self.underlay.heal();
        self.review();
    }

    /// Every host runs.
    pub(crate) fn wake_all(&mut self) {
        for at in 0..self.nodes.len() {
            self.start(at);
            self.resume(at);
        }
    }

    /// Its agent ends.
    pub(crate) fn crash(&mut self, at: usize) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.agent = None;
            node.timer.0 = crate::time::SimTime(u64::MAX);
        }
        self.watch.forget(at);
        self.review();
    }

    /// Does nothing if it runs already.
    pub(crate) fn start(&mut self, at: usize) {
        let (now, registry, seed) = (self.now, self.registry.clone(), self.dice.random());
        let mesh = self.mesh;
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.agent.is_none()) else { return };
        node.start(now, &registry, seed, Settings { mesh, ..Settings::default() });
        self.reset(at);
        self.review();
        self.dial_all(at);
        self.pump(at);
        let networks = self.nodes.get(at).into_iter().flat_map(|node| node.rows.keys().copied());
        networks.collect::<Vec<_>>().into_iter().for_each(|network| self.ask(at, network));
    }

    pub(crate) fn resume(&mut self, at: usize) {
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.paused) else { return };
        node.paused = false;
        // What was due meanwhile is due now.
        node.timer.0 = crate::time::SimTime(u64::MAX);
        self.lose_stale(at);
        self.follow_registry(at);
        self.review();
        self.pump(at);
    }
}
