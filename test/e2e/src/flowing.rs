//! Pings and a stream between two containers, of which nothing may be missing.

use std::fmt;

use anyhow::ensure;

use crate::{Answers, Container, Pinging, Streaming};

/// Fewer pings, and fewer bytes, tell nothing.
const ENOUGH: (u16, u64) = (100, 100_000);

/// Both, until they are ended.
#[derive(Debug)]
pub struct Flowing {
    pings: Pinging,
    stream: Streaming,
}

/// What has arrived, which is all that was sent.
#[derive(Clone, Debug)]
pub struct Flowed {
    pings: Answers,
    bytes: u64,
}

impl Flowing {
    /// Begins, over a network that both are on.
    ///
    /// # Errors
    ///
    /// If one of them is not there, or does not answer.
    pub async fn start(
        from: &Container<'_>,
        to: &Container<'_>,
        network: &str,
    ) -> anyhow::Result<Self> {
        let (here, there) = (from.netns().await?, to.netns().await?);
        let address = to.address(network).await?.parse()?;
        let pings = Pinging::start(&here, address)?;
        Ok(Self { pings, stream: Streaming::start(&here, &there, address)? })
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// If something is missing, or too little was sent to tell.
    pub fn finish(self) -> anyhow::Result<Flowed> {
        let (pings, bytes) = (self.pings.finish()?, self.stream.finish()?);
        ensure!(pings.lost.is_empty(), "pings were lost: {pings:?}");
        let enough = pings.sent > ENOUGH.0 && bytes > ENOUGH.1;
        ensure!(enough, "too little to tell: {pings:?}, {bytes} bytes");
        Ok(Flowed { pings, bytes })
    }
}

impl fmt::Display for Flowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pings: Answers { sent, silence, .. }, bytes } = self;
        write!(f, "{sent} pings, longest silence {silence:?}; {bytes} bytes")
    }
}
