//! The programs: loaded, pinned, and put at interfaces.
//!
//! A program that is the same as the pinned one (the same instructions on the same tables) is not
//! replaced, so a restart of the agent changes nothing. Another one replaces it at each interface
//! in one step.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use aya::Ebpf;
use aya::programs::{ProgramInfo, SchedClassifier};

use super::error::failed;
use super::site::{Attached, Site, Sites};
use super::{Attachment, GuardError};
use crate::Netns;
use crate::netlink::Rtnl;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Duty {
    /// At interfaces that lead to other hosts.
    Underlay,
    /// At bridges that lead to workloads.
    Workloads,
    /// At the host's end of a workload's interface, which is a port of a bridge.
    Port,
    /// At Ethernet that leads to other hosts: what it lets in goes straight to workloads.
    Arrival,
    /// At the host's end of a workload's interface that is at no bridge.
    Weave,
    /// At the VXLAN device of all networks.
    Shared,
}

impl Duty {
    const ALL: [Self; 6] =
        [Self::Underlay, Self::Workloads, Self::Port, Self::Arrival, Self::Weave, Self::Shared];

    /// Whether it stands at interfaces of the host that are not Weft's own.
    pub(super) const fn is_hosts(self) -> bool {
        matches!(self, Self::Underlay | Self::Workloads | Self::Arrival)
    }

    /// The function in `bpf/guard.c`.
    const fn word(self) -> &'static str {
        match self {
            Self::Underlay => "underlay",
            Self::Workloads => "workloads",
            Self::Port => "port",
            Self::Arrival => "arrival",
            Self::Weave => "weave",
            Self::Shared => "shared",
        }
    }
}

/// The number of `lo` in every namespace.
const LOOPBACK: u32 = 1;

/// What stands at interfaces.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// These programs, by the interfaces' numbers.
    pub(super) ours: BTreeMap<u32, Duty>,
    /// Whether others stand somewhere, which an older agent or one with other tables has put there.
    pub(super) older: bool,
    /// Interfaces that had one and are not there any more.
    pub(super) gone: Vec<u32>,
}

/// The programs in the kernel.
#[derive(Debug)]
pub(crate) struct Programs {
    sites: Sites,
    programs: Vec<(Duty, u32, SchedClassifier)>,
    /// Those that are to replace older ones as soon as their tables are whole.
    held: Option<BTreeMap<u32, (Duty, Site)>>,
}

impl Programs {
    /// Loads them and pins those that are new.
    pub(super) fn load(object: &mut Ebpf, root: &Path, by: Attachment) -> Result<Self, GuardError> {
        let load = |duty: Duty| {
            let pin = root.join("programs").join(duty.word());
            let program = load(object, duty.word(), &pin)?;
            let info = program.info().map_err(failed("ask for a program's id"))?;
            Ok((duty, info.id(), program))
        };
        let programs = Duty::ALL.into_iter().map(load).collect::<Result<_, _>>()?;
        let mut programs = Self { sites: Sites::new(root, by), programs, held: None };
        if by == Attachment::Clsact {
            programs.try_out()?;
        }
        Ok(programs)
    }

    /// Whether one can be attached, in a namespace that vanishes with it: a kernel that loads them
    /// may still lack the module for that, and is then one without a guard.
    fn try_out(&mut self) -> Result<(), GuardError> {
        let netns = Netns::unnamed().map_err(failed("make a namespace to try a program in"))?;
        self.attach(Duty::Port, &Site { netns, name: "lo".to_owned(), number: LOOPBACK })
    }

    /// From now on older programs stay where they stand, until [`Self::release`].
    pub(super) fn hold(&mut self) {
        self.held = Some(BTreeMap::new());
    }

    /// Puts all programs in the places of older ones that waited for it.
    pub(super) fn release(&mut self) -> Result<(), GuardError> {
        for (duty, site) in self.held.take().into_iter().flat_map(BTreeMap::into_values) {
            if self.seen(&site)?.is_some() {
                self.attach(duty, &site)?;
            }
        }
        Ok(())
    }

    /// What stands at interfaces of these namespaces; `known` had one once.
    pub(super) fn standing(
        &self,
        sockets: &mut [&mut Rtnl],
        known: impl Iterator<Item = u32>,
    ) -> io::Result<Standing> {
        let Attached { programs, gone } = self.sites.all(sockets, known)?;
        let mut standing = Standing { gone, ..Standing::default() };
        for (number, program) in programs {
            let ours = self.programs.iter().find(|(_, id, _)| *id == program);
            standing.older |= ours.is_none();
            standing.ours.extend(ours.map(|(duty, ..)| (number, *duty)));
        }
        Ok(standing)
    }

    /// Puts a program at an interface, in place of whichever of ours stands there.
    pub(super) fn attach(&mut self, duty: Duty, site: &Site) -> Result<(), GuardError> {
        let seen = self.seen(site)?;
        let program = self.programs.iter_mut().find(|(known, ..)| *known == duty);
        let Some((_, id, program)) = program else { return Ok(()) };
        match (seen, &mut self.held) {
            (Some(seen), _) if seen == *id => Ok(()),
            (Some(_older), Some(held)) => {
                held.insert(site.number, (duty, site.clone()));
                Ok(())
            }
            _ => {
                let what = format!("put program `{}` at interface {}", duty.word(), site.name);
                let put = self.sites.put((program, duty.word()), site, seen);
                put.map_err(failed(what))
            }
        }
    }

    fn seen(&self, site: &Site) -> Result<Option<u32>, GuardError> {
        let what = || format!("look what stands at interface {}", site.name);
        self.sites.seen(site).map_err(|error| failed(what())(error))
    }

    /// Takes the program from an interface.
    pub(super) fn detach(&self, netns: &Netns, number: u32) -> io::Result<()> {
        self.sites.take(netns, number)
    }

    /// One of them, for tests of what it decides.
    #[cfg(test)]
    pub(super) fn get(&self, duty: Duty) -> &SchedClassifier {
        self.programs
            .iter()
            .find(|(known, ..)| *known == duty)
            .map(|(.., program)| program)
            .unwrap()
    }
}

fn load(object: &mut Ebpf, name: &str, pin: &Path) -> Result<SchedClassifier, GuardError> {
    let program = object.program_mut(name).ok_or("it is not in the object");
    let program: &mut SchedClassifier =
        program.map_err(failed("find a program"))?.try_into().map_err(failed("find a program"))?;
    program.load().map_err(failed(format!("load program `{name}`")))?;
    if let Ok(pinned) = SchedClassifier::from_pin(pin) {
        if is_same(&pinned, program).map_err(failed("compare programs"))? {
            return Ok(pinned);
        }
        fs::remove_file(pin).map_err(failed("remove an old program"))?;
    }
    program.pin(pin).map_err(failed(format!("pin program `{name}`")))?;
    SchedClassifier::from_pin(pin).map_err(failed("open a pinned program"))
}

fn is_same(a: &SchedClassifier, b: &SchedClassifier) -> Result<bool, aya::programs::ProgramError> {
    let key = |info: ProgramInfo| {
        let mut maps = info.map_ids()?.unwrap_or_default();
        maps.sort_unstable();
        Ok::<_, aya::programs::ProgramError>((info.tag(), maps))
    };
    Ok(key(a.info()?)? == key(b.info()?)?)
}
