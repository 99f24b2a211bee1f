//! Containers, as the Engine tells them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::nullable::nullable;

/// One container, in full. Asking for it waits until a start in progress has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Container {
    /// The Engine's id.
    pub id: String,
    /// Its name, with a slash before it.
    pub name: String,
    /// The file on the host that is `/etc/resolv.conf` inside.
    pub resolv_conf_path: String,
    /// What it does.
    pub state: ContainerState,
    /// What the user asked for.
    #[serde(deserialize_with = "nullable")]
    pub config: ContainerConfig,
    /// What the user asked of this host.
    #[serde(deserialize_with = "nullable")]
    pub host_config: HostConfig,
    /// Where it is attached.
    #[serde(deserialize_with = "nullable")]
    pub network_settings: NetworkSettings,
}

impl Container {
    /// The name without the slash.
    #[must_use]
    pub fn bare_name(&self) -> &str {
        self.name.strip_prefix('/').unwrap_or(&self.name)
    }
}

/// What a container does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerState {
    /// `created`, `running`, `exited` and so on.
    pub status: String,
    /// Whether it runs.
    pub running: bool,
    /// Its first process, as the Engine's own PID namespace numbers it; 0 if it does not run.
    pub pid: i32,
    /// When it was last started, as text.
    pub started_at: String,
    /// Why the last start failed; empty if it did not.
    pub error: String,
}

/// What the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerConfig {
    /// The host name inside.
    pub hostname: String,
    /// Labels.
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
}

/// What the user asked of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostConfig {
    /// When the Engine starts it by itself.
    #[serde(deserialize_with = "nullable")]
    pub restart_policy: RestartPolicy,
    /// The name servers that the user named for it (`--dns`).
    #[serde(deserialize_with = "nullable")]
    pub dns: Vec<String>,
    /// Others that it knows by names of its own (`--link`).
    #[serde(deserialize_with = "nullable")]
    pub links: Vec<String>,
}

/// When the Engine starts a container by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RestartPolicy {
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    pub name: String,
}

/// Where a container is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkSettings {
    /// The file of its network namespace.
    pub sandbox_key: String,
    /// By the network's name.
    #[serde(deserialize_with = "nullable")]
    pub networks: BTreeMap<String, EndpointSettings>,
}

/// One attachment of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EndpointSettings {
    /// The network's id; empty before the first start.
    #[serde(rename = "NetworkID")]
    pub network_id: String,
    /// The endpoint's id; empty while it does not run.
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// The user's aliases; before Engine 25 also the short id.
    #[serde(deserialize_with = "nullable")]
    pub aliases: Vec<String>,
    /// All names (Engine 25 and later).
    #[serde(rename = "DNSNames", deserialize_with = "nullable")]
    pub dns_names: Vec<String>,
    /// Others that it knows by names of its own (`--link`).
    #[serde(deserialize_with = "nullable")]
    pub links: Vec<String>,
    /// Its address.
    #[serde(rename = "IPAddress")]
    pub ip_address: String,
    /// Its MAC address.
    pub mac_address: String,
}

/// One container of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerSummary {
    /// The Engine's id.
    pub id: String,
    /// Its names, each with a slash before it.
    #[serde(deserialize_with = "nullable")]
    pub names: Vec<String>,
    /// `created`, `running`, `exited` and so on.
    pub state: String,
    /// Where it is attached; without endpoint ids and aliases while it starts.
    #[serde(deserialize_with = "nullable")]
    pub network_settings: SummaryNetworks,
}

/// Where a container of a list is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SummaryNetworks {
    /// By the network's name.
    #[serde(deserialize_with = "nullable")]
    pub networks: BTreeMap<String, EndpointSettings>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_container_of_an_old_engine_is_read() {
        let body = r#"{"Id":"c1","Name":"/web","State":{"Status":"created","Running":false,"Error":""},
            "HostConfig":{"RestartPolicy":{"Name":"always","MaximumRetryCount":0},"Dns":null,"Links":null},
            "Config":{"Hostname":"web1","Labels":null},
            "NetworkSettings":{"SandboxKey":"","Networks":{"app":{"IPAMConfig":null,"Aliases":["db"],
              "NetworkID":"","EndpointID":"","DriverOpts":null},"other":{"Aliases":null}}}}"#;
        let container: Container = serde_json::from_str(body).unwrap();
        assert_eq!(container.bare_name(), "web");
        assert_eq!(container.host_config.restart_policy.name, "always");
        assert_eq!(container.network_settings.networks["app"].aliases, ["db"]);
        assert!(container.network_settings.networks["other"].aliases.is_empty());
        assert_eq!(container.state.pid, 0);
    }

    #[test]
    fn the_names_that_a_container_asks_for_itself_are_read() {
        let body = r#"{"ResolvConfPath":"/var/lib/docker/containers/c1/resolv.conf",
            "HostConfig":{"Dns":["192.0.2.53"],"Links":["/db:/web/database"]},
            "NetworkSettings":{"Networks":{"app":{"Links":["db:database"]},"other":{"Links":null}}}}"#;
        let container: Container = serde_json::from_str(body).unwrap();
        assert_eq!(container.resolv_conf_path, "/var/lib/docker/containers/c1/resolv.conf");
        assert_eq!(container.host_config.dns, ["192.0.2.53"]);
        assert_eq!(container.host_config.links, ["/db:/web/database"]);
        assert_eq!(container.network_settings.networks["app"].links, ["db:database"]);
        assert!(container.network_settings.networks["other"].links.is_empty());
    }

    #[test]
    fn the_run_of_a_container_is_read() {
        let body = r#"{"State":{"Status":"running","Running":true,"Pid":4711,
            "StartedAt":"2026-11-29T18:00:00.123456789Z","FinishedAt":"0001-01-01T00:00:00Z"}}"#;
        let container: Container = serde_json::from_str(body).unwrap();
        let ContainerState { running, pid, started_at, .. } = container.state;
        assert_eq!(
            (running, pid, started_at.as_str()),
            (true, 4711, "2026-11-29T18:00:00.123456789Z")
        );
    }
}
