//! A container that is asked what it finds, without the time that `docker exec` takes.

use std::time::Duration;

use anyhow::Context as _;
use hickory_proto::rr::RecordType;
use weft_kernel::Netns;

use crate::dns::ask_within;
use crate::{Container, Over, holds};

/// A question that gets lost is to be asked again after this time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks from inside a container's network namespace.
#[derive(Debug)]
pub struct Asker {
    name: String,
    netns: Netns,
}

impl Asker {
    /// Asks where `container` does, as long as it runs.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn of(container: &Container<'_>) -> anyhow::Result<Self> {
        Ok(Self { name: container.name.clone(), netns: container.netns().await? })
    }

    /// Each of these names has one address.
    ///
    /// # Errors
    ///
    /// If one has another number of them.
    pub fn resolves(&self, names: &[&str]) -> anyhow::Result<()> {
        names.iter().try_for_each(|name| {
            let found = self.addresses(name)?;
            holds(found.len() == 1, || format!("{} finds {found:?} for {name}", self.name))
        })
    }

    /// None of these names has an address.
    ///
    /// # Errors
    ///
    /// If one has.
    pub fn misses(&self, names: &[&str]) -> anyhow::Result<()> {
        names.iter().try_for_each(|name| {
            let found = self.addresses(name)?;
            holds(found.is_empty(), || format!("{} finds {found:?} for {name}", self.name))
        })
    }

    fn addresses(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let said = ask_within(PATIENCE, &self.netns, (name, RecordType::A), Over::Udp);
        Ok(said.with_context(|| format!("{} asks for {name}", self.name))?.records)
    }
}
