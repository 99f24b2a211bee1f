//! Networks, as the Engine tells and takes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::nullable::nullable;

/// One network of this Engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Network {
    /// The Engine's id.
    pub id: String,
    /// What users call it. Old Engines may have several of one name.
    pub name: String,
    /// The driver's name.
    pub driver: String,
    /// `local`, `global` or `swarm`.
    pub scope: String,
    /// When it was made (RFC 3339).
    pub created: String,
    /// Without a way out.
    pub internal: bool,
    /// Address management.
    #[serde(rename = "IPAM", deserialize_with = "nullable")]
    pub ipam: Ipam,
    /// Driver options.
    #[serde(deserialize_with = "nullable")]
    pub options: BTreeMap<String, String>,
    /// Labels.
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// Endpoints by container id, or by `ep-<endpoint id>` while the container starts. Lists of
    /// networks leave it empty.
    #[serde(deserialize_with = "nullable")]
    pub containers: BTreeMap<String, Attached>,
}

impl Network {
    /// The endpoint of that id, whatever key it stands under.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Attached> {
        let starting = |key: &str| key.strip_prefix("ep-") == Some(id);
        let mut entries = self.containers.iter();
        entries.find(|(key, entry)| entry.endpoint_id == id || starting(key)).map(|(_, e)| e)
    }
}

/// One endpoint of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Attached {
    /// The container's name.
    pub name: String,
    /// The endpoint's id.
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// Its MAC address.
    pub mac_address: String,
    /// Its address with prefix length.
    #[serde(rename = "IPv4Address")]
    pub ipv4_address: String,
}

/// A network's address management.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Ipam {
    /// The IPAM driver's name.
    pub driver: String,
    /// One entry a subnet.
    #[serde(deserialize_with = "nullable")]
    pub config: Vec<IpamConfig>,
}

/// One subnet of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IpamConfig {
    /// The range.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subnet: String,
    /// The gateway.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// Addresses to keep free, by what the user calls them.
    #[serde(
        rename = "AuxiliaryAddresses",
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub auxiliary_addresses: BTreeMap<String, String>,
}

/// A network to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewNetwork {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Always `true`: Engine 20.10 makes a second network of the same name without it.
    pub check_duplicate: CheckDuplicate,
    /// Without a way out.
    pub internal: bool,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Address management.
    #[serde(rename = "IPAM")]
    pub ipam: Ipam,
}

/// Serialized as `true`, whoever makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckDuplicate;

impl Serialize for CheckDuplicate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// What the Engine made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreatedNetwork {
    /// The Engine's id.
    pub id: String,
    /// What it thinks of it.
    pub warning: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_found_while_its_container_starts_and_after() {
        let starting = r#"{"Id":"n","Name":"app","Labels":null,"Containers":
            {"ep-0e":{"Name":"web","EndpointID":"0e","IPv4Address":"10.77.0.2/16"}}}"#;
        let network: Network = serde_json::from_str(starting).unwrap();
        assert_eq!(network.endpoint("0e").unwrap().name, "web");
        let started = r#"{"Id":"n","Containers":{"c1":{"Name":"web","EndpointID":"0e"}}}"#;
        let network: Network = serde_json::from_str(started).unwrap();
        assert_eq!(network.endpoint("0e").unwrap().name, "web");
        assert_eq!(network.endpoint("0f"), None);
    }

    #[test]
    fn a_new_network_always_asks_for_the_duplicate_check() {
        let ipam = Ipam {
            driver: "weft".into(),
            config: vec![IpamConfig { subnet: "10.77.0.0/16".into(), ..IpamConfig::default() }],
        };
        let new =
            NewNetwork { name: "app".into(), driver: "weft".into(), ipam, ..NewNetwork::default() };
        assert_eq!(
            serde_json::to_string(&new).unwrap(),
            r#"{"Name":"app","Driver":"weft","CheckDuplicate":true,"Internal":false,"Options":{},"#
                .to_owned()
                + r#""Labels":{},"IPAM":{"Driver":"weft","Config":[{"Subnet":"10.77.0.0/16"}]}}"#
        );
    }
}
