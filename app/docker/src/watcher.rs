//! Follows what happens in Docker: who is called what, who is gone, who could not start.
//!
//! Asking for a container waits while it starts, so each such question is a task of its own and
//! never holds up the events.

mod compare;
mod missing;
mod revive;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use weft_docker_api::{ApiError, Container, Engine, Event, EventStream, Filters};

use crate::aliases::{Aliases, names_of};
use crate::beyond::BeyondKeeper;
use crate::exits::Exits;
use crate::mirror::DRIVER;
use crate::presence::Presence;
use crate::{Attachment, DockerEndpointId, DockerNetworkId, Overlay};
use compare::Known;
use missing::Missing;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const LIST_WITHIN: Duration = Duration::from_secs(10);
/// As long as a start may take.
const INSPECT_WITHIN: Duration = Duration::from_secs(60);
/// Questions at a time; Docker answers each in about a millisecond.
const INSPECTIONS: usize = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Events tell everything; this is for what got lost.
const EVERY: Duration = Duration::from_secs(10);

type Answered = (String, Result<Container, ApiError>);

/// The driver's state: one task owns it.
pub(crate) struct Watcher {
    engine: Engine,
    overlay: Arc<dyn Overlay>,
    aliases: Aliases,
    mirror: Arc<Notify>,
    presence: Presence,
    exits: Exits,
    beyond: BeyondKeeper,
    /// Containers that are being asked for, and whether something happened to them meanwhile.
    asking: BTreeMap<String, bool>,
    answers: JoinSet<Answered>,
    permits: Arc<Semaphore>,
    missing: Missing,
    /// Containers to start if it was for us that they did not.
    revivable: BTreeSet<String>,
    starts: JoinSet<()>,
}

impl Watcher {
    pub(crate) fn new(
        engine: Engine,
        overlay: Arc<dyn Overlay>,
        aliases: Aliases,
        mirror: Arc<Notify>,
        (presence, exits): (Presence, Exits),
    ) -> Self {
        let beyond = BeyondKeeper::new(Arc::clone(&overlay));
        Self {
            engine,
            overlay,
            beyond,
            aliases,
            mirror,
            presence,
            exits,
            asking: BTreeMap::new(),
            answers: JoinSet::new(),
            permits: Arc::new(Semaphore::new(INSPECTIONS)),
            missing: Missing::default(),
            revivable: BTreeSet::new(),
            starts: JoinSet::new(),
        }
    }

    /// Connects, looks at everything, follows; again and again.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            match self.engine.events(&wanted(), CONNECT_WITHIN).await {
                Ok(events) => {
                    pause = FIRST_PAUSE;
                    tracing::info!("docker's events are followed");
                    self.presence.set(true);
                    self.look_at_all().await;
                    self.follow(events, &stop).await;
                    self.presence.set(false);
                }
                Err(error) => tracing::debug!(%error, "docker's events cannot be had"),
            }
            if !stop.is_cancelled() {
                self.rest(pause, &stop).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }

    /// Nothing is asked meanwhile, but answers are taken.
    async fn rest(&mut self, pause: Duration, stop: &CancellationToken) {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(until) => return,
                Some(answer) = self.answers.join_next() => self.take(answer).await,
            }
        }
    }

    async fn follow(&mut self, mut events: EventStream, stop: &CancellationToken) {
        let mut look = Instant::now() + self.next_look();
        loop {
            // All are cancel-safe: a branch that is not taken has taken nothing.
            tokio::select! {
                () = stop.cancelled() => return,
                event = events.next() => match event {
                    Some(Ok(event)) => self.handle(&event).await,
                    Some(Err(error)) => return tracing::warn!(%error, "docker's events broke off"),
                    None => return tracing::info!("docker ended its events"),
                },
                Some(answer) = self.answers.join_next() => self.take(answer).await,
                Some(_) = self.starts.join_next() => {}
                () = sleep_until(look) => {
                    self.compare(Known::Doubtful).await;
                    look = Instant::now() + self.next_look();
                }
            }
        }
    }

    /// What is missing is looked for again as soon as that counts.
    fn next_look(&self) -> Duration {
        if self.missing.is_empty() { EVERY } else { missing::GONE_AFTER }
    }

    async fn handle(&mut self, event: &Event) {
        let id = event.actor.id.as_str();
        tracing::debug!(kind = event.kind, action = event.action, id, "docker says");
        match (event.kind.as_str(), event.action.as_str()) {
            ("network", "create") => self.mirror.notify_one(),
            ("network", "destroy" | "remove") => self.destroyed(event).await,
            ("network", "connect" | "disconnect") => {
                self.ask(event.attribute("container").to_owned());
            }
            ("container", "create" | "start" | "rename") => self.ask(id.to_owned()),
            ("container", "destroy") => self.forget(id),
            _ => {}
        }
    }

    /// Usually `DeleteNetwork` came before; it did not if we were away.
    async fn destroyed(&self, event: &Event) {
        if event.attribute("type") == DRIVER {
            let id = DockerNetworkId(event.actor.id.clone());
            if let Err(refusal) = self.overlay.forget_network(&id).await {
                tracing::warn!(%refusal, "a destroyed network stays on record");
            }
        }
        self.mirror.notify_one();
    }

    /// Asks for a container, once at a time: the last answer is the newest.
    fn ask(&mut self, id: String) {
        if id.is_empty() {
            return;
        }
        if let Some(again) = self.asking.get_mut(&id) {
            *again = true;
            return;
        }
        self.asking.insert(id.clone(), false);
        let (engine, permits) = (self.engine.clone(), Arc::clone(&self.permits));
        self.answers.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let answer = engine.container(&id, INSPECT_WITHIN).await;
            (id, answer)
        });
    }

    async fn take(&mut self, answer: Result<Answered, JoinError>) {
        let Ok((id, answer)) = answer else {
            return tracing::error!("a question about a container broke off");
        };
        if self.asking.remove(&id) == Some(true) {
            self.ask(id.clone());
        }
        match answer {
            Ok(container) => {
                self.aliases.learn(&container);
                let attachments = self.overlay.attachments().await;
                self.rename(&container, &attachments).await;
                self.exits.runs(&container, &attachments).await;
                self.beyond.learn(&container, &attachments).await;
                self.revive(&container);
            }
            Err(error) if error.is_not_found() => self.forget(&id),
            Err(error) => tracing::warn!(%error, "docker does not tell a container's names"),
        }
    }

    fn forget(&mut self, id: &str) {
        self.aliases.forget(id);
        self.beyond.forget(id);
    }

    async fn rename(&self, container: &Container, attachments: &[Attachment]) {
        for settings in container.network_settings.networks.values() {
            let id = DockerEndpointId(settings.endpoint_id.clone());
            let names = names_of(container, settings);
            let renamed = attachments.iter().any(|a| a.endpoint == id && a.names != names);
            if renamed && let Err(refusal) = self.overlay.rename(&id, names).await {
                tracing::warn!(%refusal, "an endpoint keeps its old names");
            }
        }
    }

    /// After a time without events anything may have happened.
    async fn look_at_all(&mut self) {
        self.mirror.notify_one();
        match self.engine.containers(LIST_WITHIN).await {
            Ok(containers) => {
                self.beyond.keep(&containers);
                for container in containers {
                    if matches!(container.state.as_str(), "created" | "exited") {
                        self.revivable.insert(container.id.clone());
                    }
                    self.ask(container.id);
                }
            }
            Err(error) => tracing::warn!(%error, "docker does not tell its containers"),
        }
        self.compare(Known::All).await;
    }

    fn revive(&mut self, container: &Container) {
        if self.revivable.remove(&container.id) && revive::is_lost_start(container) {
            self.starts.spawn(revive::start(self.engine.clone(), container.clone()));
        }
    }
}

fn wanted() -> Filters {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    Filters {
        kinds: words(&["network", "container"]),
        actions: words(&[
            "create",
            "destroy",
            "remove",
            "connect",
            "disconnect",
            "start",
            "rename",
        ]),
    }
}

#[cfg(test)]
mod tests;
