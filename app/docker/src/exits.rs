//! Sees containers end before Docker tells of it.
//!
//! Docker puts its own things in order first, and tells its plugins some tens of milliseconds later; a
//! dockerd that is stopped or gone tells nothing. What cannot be seen here, Docker's calls tell as ever.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use weft_docker_api::Container;
use weft_kernel::Process;
use weft_life::{Life, Run, Runs, Turn};

use crate::{Attachment, DockerEndpointId, Overlay};

type Ended = Result<Option<(String, Run)>, JoinError>;

/// Words of Docker that wait to be taken in.
const QUEUE: usize = 64;

/// Takes Docker's word for who runs. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Exits {
    told: mpsc::Sender<Told>,
}

/// A container that runs, as Docker says.
#[derive(Debug)]
struct Told {
    container: String,
    run: Run,
    /// The file of its network namespace.
    sandbox: PathBuf,
    endpoints: BTreeSet<DockerEndpointId>,
}

/// Holds one descriptor for each container that is on a network of ours.
pub(crate) struct Keeper {
    overlay: Arc<dyn Overlay>,
    heard: mpsc::Receiver<Told>,
    runs: Runs<DockerEndpointId>,
    /// Nothing comes of a wait that the runtime's end has cut short.
    waits: JoinSet<Option<(String, Run)>>,
}

impl Exits {
    /// The two ends: who tells, and who keeps.
    pub(crate) fn new(overlay: Arc<dyn Overlay>) -> (Self, Keeper) {
        let (told, heard) = mpsc::channel(QUEUE);
        let keeper = Keeper { overlay, heard, runs: Runs::default(), waits: JoinSet::new() };
        (Self { told }, keeper)
    }

    /// Docker has told of `container` as it is now, and `ours` are all endpoints that we know.
    pub(crate) async fn runs(&self, container: &Container, ours: &[Attachment]) {
        // Between two runs it counts as running, without a process.
        if !container.state.running || container.state.pid <= 0 {
            return;
        }
        let known = |id: &DockerEndpointId| ours.iter().any(|a| a.endpoint == *id);
        let settings = container.network_settings.networks.values();
        let endpoints = settings.map(|settings| DockerEndpointId(settings.endpoint_id.clone()));
        let told = Told {
            container: container.id.clone(),
            run: Run { process: container.state.pid, began: container.state.started_at.clone() },
            sandbox: PathBuf::from(&container.network_settings.sandbox_key),
            endpoints: endpoints.filter(known).collect(),
        };
        // At shutdown nobody needs to know.
        drop(self.told.send(told).await);
    }
}

impl Keeper {
    /// Waits for ends until told to stop, or until nobody tells of beginnings any more.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            // Cancel-safe: a word or an end is taken only by the branch that wins.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(ended) = self.waits.join_next() => self.end(ended).await,
                told = self.heard.recv() => match told {
                    Some(told) => self.take(told).await,
                    None => return,
                },
            }
        }
    }

    async fn take(&mut self, told: Told) {
        let Told { container, run, sandbox, endpoints } = told;
        match self.runs.runs(&container, run.clone(), endpoints) {
            Turn::Nothing => {}
            Turn::Run(endpoints) => self.tell(endpoints, Life::Running).await,
            Turn::Hold => self.hold(container, run, &sandbox).await,
        }
    }

    async fn hold(&mut self, container: String, run: Run, sandbox: &Path) {
        match Process::inside(sandbox, run.process) {
            Ok(process) => {
                let endpoints = self.runs.held(&container, &run);
                self.tell(endpoints, Life::Running).await;
                self.waits
                    .spawn(async move { process.ended().await.ok().map(|()| (container, run)) });
            }
            Err(error) => {
                self.runs.forget(&container, &run);
                tracing::debug!(container, process = run.process, %error, "docker will tell its end");
            }
        }
    }

    /// All that have ended by now are told of together.
    async fn end(&mut self, first: Ended) {
        let mut endpoints = BTreeSet::new();
        let mut next = Some(first);
        while let Some(ended) = next {
            if let Ok(Some((container, run))) = ended {
                tracing::debug!(
                    container,
                    process = run.process,
                    "a container's process has ended"
                );
                endpoints.append(&mut self.runs.ended(&container, &run));
            }
            next = self.waits.try_join_next();
        }
        self.tell(endpoints, Life::Ended).await;
    }

    async fn tell(&self, endpoints: BTreeSet<DockerEndpointId>, life: Life) {
        if endpoints.is_empty() {
            return;
        }
        if let Err(refusal) = self.overlay.live(endpoints, life).await {
            tracing::warn!(%refusal, ?life, "it is not told which containers run");
        }
    }
}

#[cfg(test)]
mod tests;
