//! Programs at interfaces by TCX. The link of each is pinned, under the interface's number: it
//! outlives the agent, and goes with the pin or the interface.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::programs::links::{FdLink, LinkOrder, PinnedLink};
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::{ProgramError, SchedClassifier, TcAttachType};

use super::GuardError;
use super::error::failed;
use super::link::{self, Standing};
use super::site::Site;

/// The directory of the pins.
#[derive(Debug)]
pub(super) struct Tcx {
    links: PathBuf,
}

impl Tcx {
    pub(super) fn new(root: &Path) -> Self {
        Self { links: root.join("links") }
    }

    fn pin(&self, interface: u32) -> PathBuf {
        self.links.join(interface.to_string())
    }

    /// The id of the program that stands there.
    pub(super) fn seen(&self, interface: u32) -> io::Result<Option<u32>> {
        let pin = self.pin(interface);
        match link::read(&pin) {
            Ok(seen) if seen.interface == interface => Ok(Some(seen.program)),
            // That was another interface of this number.
            Ok(_gone) => fs::remove_file(&pin).map(|()| None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a program where none stands, before all others.
    pub(super) fn put(&self, program: &mut SchedClassifier, site: &Site) -> Result<(), GuardError> {
        let made = site.netns.run(|| {
            let first = TcAttachOptions::TcxOrder(LinkOrder::first());
            let link = program.attach_with_options(&site.name, TcAttachType::Ingress, first)?;
            program.take_link(link)
        });
        let made: Result<_, ProgramError> = made.map_err(failed("enter a namespace"))?;
        let link = made.map_err(failed("attach it by TCX"))?;
        let link = FdLink::try_from(link).map_err(failed("take a link"))?;
        link.pin(self.pin(site.number)).map_err(failed("pin a link"))?;
        Ok(())
    }

    /// One program instead of another, without a packet between them.
    pub(super) fn replace(
        &self,
        program: &mut SchedClassifier,
        interface: u32,
    ) -> Result<(), GuardError> {
        let what = "replace a program";
        let link = PinnedLink::from_pin(self.pin(interface)).map_err(failed(what))?;
        let link = SchedClassifierLink::try_from(FdLink::from(link)).map_err(failed(what))?;
        let link = program.attach_to_link(link).map_err(failed(what))?;
        // The pin keeps it.
        drop(program.take_link(link).map_err(failed(what))?);
        Ok(())
    }

    pub(super) fn take(&self, interface: u32) -> io::Result<()> {
        match fs::remove_file(self.pin(interface)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Every interface's number with what stands there. A pin whose interface is gone is removed,
    /// and told with nothing.
    pub(super) fn all(&self) -> io::Result<Vec<(u32, Option<u32>)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.links)? {
            let path = entry?.path();
            let number = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
            let (Some(number), Ok(Standing { program, interface })) = (number, link::read(&path))
            else {
                continue;
            };
            let there = interface == number;
            if !there {
                fs::remove_file(&path)?;
            }
            all.push((number, there.then_some(program)));
        }
        Ok(all)
    }
}
