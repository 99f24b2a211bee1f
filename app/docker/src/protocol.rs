//! Docker's plugin protocol, version 1: the bodies of requests and answers.
//!
//! Go writes `null`, an empty text or nothing at all for what is not there; all three are taken.

pub(crate) mod ipam;
pub(crate) mod network;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What every answer is labelled as.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.docker.plugins.v1.1+json";

/// `Plugin.Activate`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Activated {
    pub implements: [&'static str; 2],
}

/// A body without anything of interest, either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nothing {}

/// Options as Docker passes them: any JSON.
pub(crate) type Options = BTreeMap<String, Value>;

/// Takes `null` for the default value.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An option's value as the user typed it.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
