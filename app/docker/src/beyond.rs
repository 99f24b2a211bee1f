//! Whom Docker's resolver asks for a container, as far as Docker tells.
//!
//! What may be concluded is decided in `core/names`; here the facts are brought together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use weft_docker_api::{Container, ContainerSummary, EndpointSettings};
use weft_names::Setup;

use crate::{Attachment, Beyond, Overlay};

/// A container can write into its own `resolv.conf`; so much of it is read.
const LONGEST: u64 = 64 << 10;

/// What is known of each container that runs, by its id.
pub(crate) struct BeyondKeeper {
    overlay: Arc<dyn Overlay>,
    known: BTreeMap<String, Known>,
    told: Beyond,
}

#[derive(PartialEq)]
struct Known {
    sandbox: PathBuf,
    servers: Vec<SocketAddr>,
}

impl BeyondKeeper {
    pub(crate) fn new(overlay: Arc<dyn Overlay>) -> Self {
        Self { overlay, known: BTreeMap::new(), told: Beyond::default() }
    }

    /// Docker has told of `container` as it is now, and `ours` are all endpoints that we know.
    pub(crate) async fn learn(&mut self, container: &Container, ours: &[Attachment]) {
        let sandbox = PathBuf::from(&container.network_settings.sandbox_key);
        let mut servers = Vec::new();
        if container.state.running {
            servers = weft_names::servers_beyond(&setup(container, ours).await);
        }
        if servers.is_empty() {
            return self.forget(&container.id);
        }
        let known = Known { sandbox, servers };
        if self.known.get(&container.id) != Some(&known) {
            self.known.insert(container.id.clone(), known);
            self.tell();
        }
    }

    /// The container is gone.
    pub(crate) fn forget(&mut self, container: &str) {
        if self.known.remove(container).is_some() {
            self.tell();
        }
    }

    /// There are no other containers.
    pub(crate) fn keep(&mut self, containers: &[ContainerSummary]) {
        let all: BTreeSet<&str> = containers.iter().map(|one| one.id.as_str()).collect();
        self.known.retain(|id, _| all.contains(id.as_str()));
        self.tell();
    }

    fn tell(&mut self) {
        let entries = self.known.values();
        let now: BTreeMap<_, _> =
            entries.map(|known| (known.sandbox.clone(), known.servers.clone())).collect();
        if *self.told != now {
            self.told = Arc::new(now);
            self.overlay.beyond(Arc::clone(&self.told));
        }
    }
}

async fn setup(container: &Container, ours: &[Attachment]) -> Setup {
    let networks = &container.network_settings.networks;
    let is_ours =
        |on: &EndpointSettings| ours.iter().any(|a| a.endpoint.as_str() == on.endpoint_id);
    let ours_alone = !networks.is_empty() && networks.values().all(is_ours);
    let linked =
        !container.host_config.links.is_empty() || networks.values().any(|on| !on.links.is_empty());
    let dns = container.host_config.dns.clone();
    // Of most containers of this host nothing more needs to be known.
    let resolv_conf = if ours_alone { read(&container.resolv_conf_path).await } else { None };
    Setup { ours_alone, linked, dns, resolv_conf: resolv_conf.unwrap_or_default() }
}

async fn read(path: &str) -> Option<String> {
    let path = PathBuf::from(path);
    let read = move || -> io::Result<String> {
        let mut text = Vec::new();
        File::open(path)?.take(LONGEST).read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let text = tokio::task::spawn_blocking(read).await.ok()?;
    text.inspect_err(|error| tracing::debug!(%error, "a container's resolv.conf is not read")).ok()
}
