//! Keeps this host's Docker networks and the cluster's networks the same.
//!
//! What is to be done is [`steps`]' decision; here it is done, one pass after the other.

mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use weft_docker_api::{ApiError, Engine};
use weft_model::NetworkId;

pub(crate) use steps::DRIVER;
use steps::{Copy, Step, steps};

use crate::{Degraded, DockerNetworkId, Overlay, Refusal};

/// Everything that changes is told; this is for what got lost.
const EVERY: Duration = Duration::from_secs(30);
const LIST_WITHIN: Duration = Duration::from_secs(10);
/// Docker calls the drivers meanwhile, and they the cluster.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);
/// A copy that Docker does not list may be one that it is just making.
const LOST_AFTER: Duration = Duration::from_secs(5);
/// What Docker refused it would refuse again.
const RETRY_AFTER: Duration = Duration::from_secs(25);

/// The driver's state: one task owns it.
pub(crate) struct Mirror {
    engine: Engine,
    overlay: Arc<dyn Overlay>,
    /// Docker's copies that it does not list, and since when.
    missing: BTreeMap<DockerNetworkId, Instant>,
    /// Cluster networks that Docker refused, when and why.
    refused: BTreeMap<NetworkId, (Instant, Degraded)>,
    reported: Vec<Degraded>,
}

impl Mirror {
    pub(crate) fn new(engine: Engine, overlay: Arc<dyn Overlay>) -> Self {
        let (missing, refused) = (BTreeMap::new(), BTreeMap::new());
        Self { engine, overlay, missing, refused, reported: Vec::new() }
    }

    /// Passes at each change of the cluster's networks, at each nudge, and now and then.
    pub(crate) async fn run(mut self, nudge: Arc<Notify>, stop: CancellationToken) {
        let mut networks = self.overlay.networks();
        let mut timer = tokio::time::interval(EVERY);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // All four are cancel-safe; a change seen by none of them is seen by the pass.
            tokio::select! {
                () = stop.cancelled() => return,
                changed = networks.changed() => if changed.is_err() { return },
                () = nudge.notified() => {}
                _ = timer.tick() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.pass() => if let Err(error) = outcome {
                    tracing::debug!(error = %error, "the mirror cannot see docker's networks");
                }
            }
        }
    }

    /// Docker's list first and the cluster's afterwards: a network that Docker lists was told to
    /// the overlay before, so the overlay knows it unless it is gone.
    async fn pass(&mut self) -> Result<(), ApiError> {
        let here = self.engine.networks(None, LIST_WITHIN).await?;
        let Some(cluster) = self.overlay.networks().borrow_and_update().clone() else {
            return Ok(());
        };
        self.refused.retain(|id, _| cluster.contains_key(id));
        let mut degraded = Vec::new();
        let mut lost = BTreeSet::new();
        for step in steps(&cluster, &here) {
            match step {
                Step::Lost(id) => _ = lost.insert(id),
                step => degraded.extend(self.take(step).await),
            }
        }
        self.forget(lost).await;
        self.report(degraded);
        Ok(())
    }

    async fn take(&mut self, step: Step) -> Option<Degraded> {
        match step {
            Step::Adopt { docker_id, cluster_id } => {
                let outcome = self.overlay.adopt_network(&docker_id, cluster_id).await;
                outcome.err().map(|refusal| Degraded { network: Some(cluster_id), refusal })
            }
            Step::Name { docker_id, cluster_id, name, labels } => {
                let outcome = self.overlay.name_network(&docker_id, &name, &labels).await;
                outcome.err().map(|refusal| Degraded { network: Some(cluster_id), refusal })
            }
            Step::Collision { cluster_id, refusal } => {
                Some(Degraded { network: Some(cluster_id), refusal })
            }
            Step::Remove { docker_id, name } => {
                self.remove(&docker_id, &name).await;
                None
            }
            Step::Create(copy) => self.create(*copy).await,
            Step::Lost(_) => None,
        }
    }

    /// Docker itself refuses to remove a network that a container is in: until the next pass.
    async fn remove(&self, docker_id: &DockerNetworkId, name: &str) {
        match self.engine.remove_network(docker_id.as_str(), CHANGE_WITHIN).await {
            Ok(()) => tracing::info!(network = name, "docker's copy of a gone network is removed"),
            Err(error) if error.is_not_found() => {}
            Err(error) => {
                tracing::debug!(network = name, %error, "docker keeps its copy of a gone network");
            }
        }
    }

    async fn create(&mut self, copy: Copy) -> Option<Degraded> {
        let id = copy.cluster_id;
        if let Some((when, degraded)) = self.refused.get(&id)
            && when.elapsed() < RETRY_AFTER
        {
            return Some(degraded.clone());
        }
        let name = copy.network.name.as_str();
        match self.engine.create_network(&copy.network, CHANGE_WITHIN).await {
            Ok(created) => {
                tracing::info!(network = name, docker_id = created.id, "docker has its copy");
                self.refused.remove(&id);
                None
            }
            Err(error) => {
                let refusal = Refusal::new(
                    format!("network {name} cannot be made in this host's Docker"),
                    error.hint(),
                );
                let degraded = Degraded { network: Some(id), refusal: refusal.because(error) };
                self.refused.insert(id, (Instant::now(), degraded.clone()));
                Some(degraded)
            }
        }
    }

    /// A copy counts as lost once two passes in a row have missed it.
    async fn forget(&mut self, lost: BTreeSet<DockerNetworkId>) {
        self.missing.retain(|id, _| lost.contains(id));
        for id in lost {
            let since = *self.missing.entry(id.clone()).or_insert_with(Instant::now);
            if since.elapsed() < LOST_AFTER {
                continue;
            }
            tracing::info!(docker_id = %id, "docker lost its copy of a network");
            match self.overlay.forget_network(&id).await {
                Ok(()) => _ = self.missing.remove(&id),
                Err(refusal) => tracing::warn!(%refusal, "a lost copy stays on record"),
            }
        }
    }

    fn report(&mut self, degraded: Vec<Degraded>) {
        if degraded != self.reported {
            for Degraded { refusal, .. } in &degraded {
                tracing::warn!(%refusal, "docker and the cluster differ");
            }
            self.reported.clone_from(&degraded);
            self.overlay.report(degraded);
        }
    }
}
