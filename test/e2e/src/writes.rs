//! A stream of writes to the registry, and what was acknowledged of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use tokio::task::JoinHandle;
use weft_api::{Client, NetworkCreate};
use weft_lab::Host;

use crate::Cluster;

/// Before a write is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes one network after the other at one host's agent, until it is told to end.
#[derive(Debug)]
pub struct Writes {
    stop: Arc<AtomicBool>,
    task: JoinHandle<anyhow::Result<Written>>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The names of networks whose making was acknowledged.
    pub acknowledged: BTreeSet<String>,
    /// The longest time without an acknowledgement.
    pub silence: Duration,
    /// What refused writes were told, each once.
    pub refusals: BTreeSet<String>,
}

impl Writes {
    /// Begins at `host`; the networks' names begin with `prefix`.
    ///
    /// # Errors
    ///
    /// If there is no client to be had.
    pub fn start(host: &Host, prefix: &str) -> anyhow::Result<Self> {
        let client = client(host)?;
        let (stop, prefix) = (Arc::new(AtomicBool::new(false)), prefix.to_owned());
        let told = Arc::clone(&stop);
        let task = tokio::spawn(async move { write(&client, &prefix, &told).await });
        Ok(Self { stop, task })
    }

    /// Ends it, after the write that is under way.
    ///
    /// # Errors
    ///
    /// If it has failed in another way than by refusals.
    pub async fn finish(self) -> anyhow::Result<Written> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.context("the writer")?
    }
}

async fn write(client: &Client, prefix: &str, stop: &AtomicBool) -> anyhow::Result<Written> {
    let (mut acknowledged, mut refusals) = (BTreeSet::new(), BTreeSet::new());
    let (mut silence, mut last) = (Duration::ZERO, Instant::now());
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{prefix}{number}");
        let network: NetworkCreate = serde_json::from_value(json!({ "name": name }))?;
        match client.create_network(&network).await {
            Ok(_made) => {
                acknowledged.insert(name);
                silence = silence.max(last.elapsed());
                last = Instant::now();
            }
            Err(error) => {
                refusals.insert(error.to_string());
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(Written { acknowledged, silence: silence.max(last.elapsed()), refusals })
}

/// A client of a host's agent, without a process for each call.
fn client(host: &Host) -> anyhow::Result<Client> {
    Ok(Client::at(&host.root().join("run/weft/weft.sock"))?)
}

impl Cluster {
    /// The names of the networks that a host knows.
    ///
    /// # Errors
    ///
    /// If its agent does not answer.
    pub async fn networks(&self, host: &Host) -> anyhow::Result<BTreeSet<String>> {
        let networks = client(host)?.networks().await?;
        Ok(networks.into_iter().filter_map(|n| n.name).map(|name| name.to_string()).collect())
    }

    /// The manager that leads, as a host sees it.
    ///
    /// # Errors
    ///
    /// If it sees none.
    pub async fn leader(&self, host: &Host) -> anyhow::Result<String> {
        let nodes = client(host)?.nodes().await?;
        let leads = nodes.into_iter().find(|node| node.leads);
        leads
            .map(|node| node.name.to_string())
            .with_context(|| format!("{} sees none", host.name()))
    }
}
