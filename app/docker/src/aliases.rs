//! What containers are found by, learnt before they start.
//!
//! A driver's call must not ask for a container (it is locked while it starts), so the watcher
//! fills this from `container create` on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use weft_docker_api::{Container, EndpointSettings, Network};
use weft_model::Name;

use crate::Names;

/// The containers of this host's Docker, by id. Shared: cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aliases {
    known: Arc<Mutex<BTreeMap<String, Known>>>,
}

#[derive(Clone, Debug)]
struct Known {
    name: String,
    /// By the network's name, as Docker keys them.
    networks: BTreeMap<String, Names>,
}

impl Known {
    /// Until the first start Docker keeps what the user typed: the name, the id or its beginning.
    fn on(&self, network: &Network) -> Option<&Names> {
        let by_id = |key: &str| key.len() >= 12 && network.id.starts_with(key);
        let meant = |(key, _): &(&String, &Names)| **key == network.name || by_id(key);
        self.networks.iter().find(meant).map(|(_, names)| names)
    }
}

impl Aliases {
    /// Learns all about one container.
    pub(crate) fn learn(&self, container: &Container) {
        let networks = &container.network_settings.networks;
        let of = |(network, settings): (&String, &EndpointSettings)| {
            (network.clone(), names_of(container, settings))
        };
        let known = Known {
            name: container.bare_name().to_owned(),
            networks: networks.iter().map(of).collect(),
        };
        self.with(|all| all.insert(container.id.clone(), known));
    }

    /// The container is gone.
    pub(crate) fn forget(&self, container_id: &str) {
        self.with(|all| all.remove(container_id));
    }

    /// What the container of that name is found by on a network.
    pub(crate) fn names(&self, container: &str, network: &Network) -> Names {
        let known = self.with(|all| {
            let known = all.values().find(|known| known.name == container);
            known.and_then(|known| known.on(network)).cloned()
        });
        known.unwrap_or_else(|| Names { name: name(container), aliases: BTreeSet::new() })
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Known>) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a container is found by: Engine 25 and later list it, before that it is put together.
pub(crate) fn names_of(container: &Container, settings: &EndpointSettings) -> Names {
    let own = name(container.bare_name());
    let short_id = container.id.get(..12).unwrap_or(&container.id);
    let listed = settings.dns_names.iter().chain(&settings.aliases).map(String::as_str);
    let aliases = listed.chain([short_id, container.config.hostname.as_str()]);
    let aliases = aliases.filter_map(name).filter(|alias| Some(alias) != own.as_ref()).collect();
    Names { name: own, aliases }
}

/// Docker allows names that DNS does not; by these nobody is found.
fn name(text: &str) -> Option<Name> {
    if text.is_empty() {
        return None;
    }
    text.parse().inspect_err(|error| tracing::debug!(%error, "a name that dns cannot carry")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(networks: &str) -> Container {
        let body = format!(
            r#"{{"Id":"0123456789abcdef","Name":"/web","Config":{{"Hostname":"Web1"}},
                "NetworkSettings":{{"Networks":{networks}}}}}"#
        );
        serde_json::from_str(&body).unwrap()
    }

    fn network(name: &str) -> Network {
        Network { name: name.into(), ..Network::default() }
    }

    fn texts(names: &Names) -> Vec<&str> {
        names.aliases.iter().map(Name::as_str).collect()
    }

    #[test]
    fn aliases_of_an_old_engine_are_put_together() {
        let aliases = Aliases::default();
        aliases
            .learn(&container(r#"{"app":{"Aliases":["db","bad name"]},"other":{"Aliases":null}}"#));
        let names = aliases.names("web", &network("app"));
        assert_eq!(names.name.as_ref().map(Name::as_str), Some("web"));
        assert_eq!(texts(&names), ["0123456789ab", "db", "web1"]);
        assert_eq!(texts(&aliases.names("web", &network("other"))), ["0123456789ab", "web1"]);
    }

    #[test]
    fn names_that_a_new_engine_lists_are_taken() {
        let aliases = Aliases::default();
        let listed = r#"{"app":{"Aliases":["db"],"DNSNames":["web","db","0123456789ab","web1"]}}"#;
        aliases.learn(&container(listed));
        let names = aliases.names("web", &network("app"));
        assert_eq!(texts(&names), ["0123456789ab", "db", "web1"]);
    }

    #[test]
    fn an_unknown_container_is_found_by_its_name_alone() {
        let aliases = Aliases::default();
        aliases.learn(&container(r#"{"app":{}}"#));
        aliases.forget("0123456789abcdef");
        let names = aliases.names("web", &network("app"));
        assert_eq!((names.name.as_ref().map(Name::as_str), texts(&names)), (Some("web"), vec![]));
    }
}
