//! The programs: loaded, pinned, and put at interfaces.
//!
//! A program that is the same as the pinned one (the same instructions on the same tables) is not
//! replaced, so a restart of the agent changes nothing. Another one replaces it at each interface
//! in one step.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::Ebpf;
use aya::programs::links::{FdLink, LinkOrder, PinnedLink};
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::{ProgramInfo, SchedClassifier, TcAttachType};

use super::GuardError;
use super::error::failed;
use super::link;
use crate::Netns;

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

/// What stands at interfaces.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// These programs, by the interfaces' numbers.
    pub(super) ours: Vec<(u32, Duty)>,
    /// Whether others stand somewhere, which an older agent or one with other tables has put there.
    pub(super) older: bool,
}

/// The programs in the kernel.
#[derive(Debug)]
pub(crate) struct Programs {
    links: PathBuf,
    programs: Vec<(Duty, u32, SchedClassifier)>,
    /// Those that are to replace older ones as soon as their tables are whole.
    held: Option<BTreeMap<u32, Duty>>,
}

impl Programs {
    /// Loads them and pins those that are new.
    pub(super) fn load(object: &mut Ebpf, root: &Path) -> Result<Self, GuardError> {
        let load = |duty: Duty| {
            let pin = root.join("programs").join(duty.word());
            let program = load(object, duty.word(), &pin)?;
            let info = program.info().map_err(failed("ask for a program's id"))?;
            Ok((duty, info.id(), program))
        };
        let programs = Duty::ALL.into_iter().map(load).collect::<Result<_, _>>()?;
        Ok(Self { links: root.join("links"), programs, held: None })
    }

    /// From now on older programs stay where they stand, until [`Self::release`].
    pub(super) fn hold(&mut self) {
        self.held = Some(BTreeMap::new());
    }

    /// Puts all programs in the places of older ones that waited for it.
    pub(super) fn release(&mut self) -> Result<(), GuardError> {
        for (number, duty) in self.held.take().into_iter().flatten() {
            let program = self.programs.iter_mut().find(|(known, ..)| *known == duty);
            let pin = self.links.join(number.to_string());
            let there = link::read(&pin).is_ok_and(|seen| seen.interface == number);
            if let Some((_, _, program)) = program.filter(|_| there) {
                replace(program, &pin)?;
            }
        }
        Ok(())
    }

    /// What stands at interfaces, by their numbers. Pins of interfaces that are gone are removed
    /// and told as `gone`.
    pub(super) fn standing(&self, mut gone: impl FnMut(u32)) -> io::Result<Standing> {
        let mut standing = Standing::default();
        for entry in fs::read_dir(&self.links)? {
            let path = entry?.path();
            let number = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
            let (Some(number), Ok(seen)) = (number, link::read(&path)) else { continue };
            if seen.interface != number {
                fs::remove_file(&path)?;
                gone(number);
            }
            let program = self.programs.iter().find(|(_, id, _)| *id == seen.program);
            if seen.interface == number {
                standing.older |= program.is_none();
                standing.ours.extend(program.map(|(duty, ..)| (number, *duty)));
            }
        }
        Ok(standing)
    }

    /// Puts a program at an interface, in place of whichever of ours stands there.
    pub(super) fn attach(
        &mut self,
        duty: Duty,
        netns: &Netns,
        (name, number): (&str, u32),
    ) -> Result<(), GuardError> {
        let pin = self.links.join(number.to_string());
        let program = self.programs.iter_mut().find(|(known, ..)| *known == duty);
        let Some((_, _, program)) = program else { return Ok(()) };
        match (link::read(&pin), &mut self.held) {
            (Ok(seen), held) if seen.interface == number => {
                return match held {
                    Some(held) => {
                        held.insert(number, duty);
                        Ok(())
                    }
                    None => replace(program, &pin),
                };
            }
            (Ok(_gone), _) => fs::remove_file(&pin).map_err(failed("remove an old link"))?,
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {}
            (Err(error), _) => return Err(failed("read an old link")(error)),
        }
        let what = format!("put program `{}` at interface {name}", duty.word());
        let made = netns.run(|| {
            let first = TcAttachOptions::TcxOrder(LinkOrder::first());
            let link = program.attach_with_options(name, TcAttachType::Ingress, first)?;
            program.take_link(link)
        });
        let link = made.map_err(failed("enter a namespace"))?.map_err(failed(what))?;
        let link = FdLink::try_from(link).map_err(failed("take a link"))?;
        link.pin(pin).map_err(failed("pin a link"))?;
        Ok(())
    }

    /// Takes the program from an interface.
    pub(super) fn detach(&self, number: u32) -> io::Result<()> {
        match fs::remove_file(self.links.join(number.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
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

/// One program instead of another, without a packet between them.
fn replace(program: &mut SchedClassifier, pin: &Path) -> Result<(), GuardError> {
    let what = "replace a program";
    let link = FdLink::from(PinnedLink::from_pin(pin).map_err(failed(what))?);
    let link = SchedClassifierLink::try_from(link).map_err(failed(what))?;
    let link = program.attach_to_link(link).map_err(failed(what))?;
    // The pin keeps it.
    drop(program.take_link(link).map_err(failed(what))?);
    Ok(())
}
