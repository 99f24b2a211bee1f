//! Where a program is to stand, and how it gets there.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use aya::programs::SchedClassifier;

use super::error::failed;
use super::tcx::Tcx;
use super::{Attachment, GuardError, clsact};
use crate::Netns;
use crate::netlink::Rtnl;

/// An interface.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) netns: Netns,
    pub(crate) name: String,
    pub(crate) number: u32,
}

/// Which programs stand at interfaces, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// The programs' ids.
    pub(super) programs: BTreeMap<u32, u32>,
    /// Interfaces that had one and are not there any more.
    pub(super) gone: Vec<u32>,
}

/// How programs get to interfaces.
#[derive(Debug)]
pub(super) struct Sites {
    by: Attachment,
    tcx: Tcx,
}

impl Sites {
    pub(super) fn new(root: &Path, by: Attachment) -> Self {
        Self { by, tcx: Tcx::new(root) }
    }

    /// The id of the program that stands there: one of ours, or of an agent before this one.
    pub(super) fn seen(&self, site: &Site) -> io::Result<Option<u32>> {
        match self.by {
            Attachment::Tcx => self.tcx.seen(site.number),
            Attachment::Clsact => {
                let filter = clsact::seen(&mut Rtnl::open(&site.netns)?, site.number)?;
                Ok(filter.map(|filter| filter.program))
            }
        }
    }

    /// Puts a program of this name there, in place of what was seen there.
    pub(super) fn put(
        &self,
        (program, name): (&mut SchedClassifier, &str),
        site: &Site,
        seen: Option<u32>,
    ) -> Result<(), GuardError> {
        match (self.by, seen) {
            (Attachment::Tcx, Some(_)) => self.tcx.replace(program, site.number),
            (Attachment::Tcx, None) => {
                self.tcx.put(program, site)?;
                let other = Rtnl::open(&site.netns);
                let other = other.and_then(|mut rtnl| clsact::take(&mut rtnl, site.number));
                other.map_err(failed("take away what stood there by clsact"))
            }
            (Attachment::Clsact, _) => {
                let fd = program.fd().map_err(failed("find a program's descriptor"))?;
                let put = Rtnl::open(&site.netns)
                    .and_then(|mut rtnl| clsact::put(&mut rtnl, site.number, (fd.as_fd(), name)));
                put.map_err(failed("attach it by clsact"))?;
                self.tcx.take(site.number).map_err(failed("take away what stood there by TCX"))
            }
        }
    }

    /// Takes away what stands there.
    pub(super) fn take(&self, netns: &Netns, interface: u32) -> io::Result<()> {
        match self.by {
            Attachment::Tcx => self.tcx.take(interface),
            Attachment::Clsact => clsact::take(&mut Rtnl::open(netns)?, interface),
        }
    }

    /// What stands at interfaces of these namespaces; `known` had a program once.
    pub(super) fn all(
        &self,
        sockets: &mut [&mut Rtnl],
        known: impl Iterator<Item = u32>,
    ) -> io::Result<Attached> {
        let mut attached = Attached::default();
        if self.by == Attachment::Tcx {
            for (number, program) in self.tcx.all()? {
                attached.gone.extend(program.is_none().then_some(number));
                attached.programs.extend(program.map(|program| (number, program)));
            }
            return Ok(attached);
        }
        for rtnl in &mut *sockets {
            let filters = clsact::all(rtnl)?.into_iter();
            attached.programs.extend(filters.map(|(number, filter)| (number, filter.program)));
        }
        for number in known.filter(|number| !attached.programs.contains_key(number)) {
            let mut there = false;
            for rtnl in &mut *sockets {
                there = there || clsact::has_interface(rtnl, number)?;
            }
            attached.gone.extend((!there).then_some(number));
        }
        Ok(attached)
    }
}
