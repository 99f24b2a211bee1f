//! Workloads that come and go on each host, whatever happens to the managers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use tokio::time::{sleep, timeout};
use weft_api::{AttachmentCreate, CallError, Client, EndpointFilter, EndpointKind};
use weft_e2e::eventually;
use weft_lab::Host;

use crate::field::Common;

/// The network that they are on.
pub(crate) const NETWORK: &str = "app";
/// So many there are on each host.
const PLACES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(15);
const THINK: Duration = Duration::from_millis(150);

/// Which of a host's workloads are attached; nothing of those of which nobody was told.
pub(crate) struct Workloads(BTreeMap<String, Option<bool>>);

/// Makes the namespaces of a host.
pub(crate) async fn places(host: &Host) -> Vec<String> {
    let names: Vec<String> = (0..PLACES).map(|n| format!("w{n}-{}", host.name())).collect();
    for name in &names {
        host.run(&["ip", "netns", "add", name]).await.unwrap();
    }
    names
}

/// Attaches and detaches at one host until it is told to end.
pub(crate) async fn run(
    client: Client,
    common: Arc<Common>,
    places: Vec<String>,
    number: u32,
    seed: u64,
) -> Workloads {
    let mut random = Pcg64::seed_from_u64(seed.wrapping_mul(64) + 32 + u64::from(number));
    let mut states: BTreeMap<String, Option<bool>> =
        places.iter().map(|name| (name.clone(), Some(false))).collect();
    while !common.ends.load(Ordering::Relaxed) {
        let name = &places[random.random_range(0..places.len())];
        if let Some(state) = step(&client, name, states[name]).await {
            states.insert(name.clone(), state);
        }
        sleep(THINK).await;
    }
    Workloads(states)
}

/// What becomes of a workload; nothing if the agent was not asked.
async fn step(client: &Client, name: &str, state: Option<bool>) -> Option<Option<bool>> {
    let Some(attached) = state else {
        return here(client).await.map(|here| Some(here.contains(name)));
    };
    let done = timeout(PATIENCE, async {
        if attached {
            client.detach(name).await.map(drop)
        } else {
            client.attach(&attachment(name)).await.map(drop)
        }
    });
    match done.await {
        Ok(Ok(())) => Some(Some(!attached)),
        Ok(Err(CallError::NoSocket(_) | CallError::NotListening(_))) => None,
        _ => Some(None),
    }
}

fn attachment(name: &str) -> AttachmentCreate {
    AttachmentCreate {
        network: NETWORK.to_owned(),
        name: name.parse().unwrap(),
        aliases: Vec::new(),
        netns: Path::new("/run/netns").join(name),
        address: None,
    }
}

/// The workloads that a host says it has.
async fn here(client: &Client) -> Option<BTreeSet<String>> {
    let endpoints = timeout(PATIENCE, client.endpoints(&EndpointFilter::default())).await;
    let plain = endpoints.ok()?.ok()?.into_iter().filter(|e| e.kind == EndpointKind::Plain);
    Some(plain.filter_map(|endpoint| endpoint.name).map(|name| name.to_string()).collect())
}

impl Workloads {
    /// What the host has now: all of which it was told, and nothing of what was taken off it.
    pub(crate) async fn left(self, client: &Client) -> BTreeSet<String> {
        let told = || async { here(client).await.ok_or_else(|| anyhow::anyhow!("no answer")) };
        let here = eventually(PATIENCE, told).await.unwrap();
        for (name, state) in &self.0 {
            if let Some(attached) = state {
                assert_eq!(here.contains(name), *attached, "{name}: {here:?}");
            }
        }
        here
    }
}
