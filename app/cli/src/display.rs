//! How the API's nouns look to people.

use std::collections::BTreeMap;

use weft_api::{EndpointKind, Standing};

use crate::paint::Tone;

/// The tone of a node's standing.
pub(crate) const fn standing_tone(standing: Standing) -> Tone {
    match standing {
        Standing::Own | Standing::Up => Tone::Good,
        Standing::Unreachable | Standing::Indirect => Tone::Wary,
        Standing::Down => Tone::Bad,
    }
}

/// The tone of an endpoint's kind.
pub(crate) const fn kind_tone(kind: EndpointKind) -> Tone {
    match kind {
        EndpointKind::Docker | EndpointKind::Plain => Tone::Neutral,
        EndpointKind::Remote => Tone::Faint,
    }
}

/// The first twelve digits of an id.
#[expect(clippy::needless_pass_by_value, reason = "numbers and names are shown alike")]
pub(crate) fn short(id: impl ToString) -> String {
    id.to_string().chars().take(12).collect()
}

/// Values in one cell.
pub(crate) fn joined<V: ToString>(values: impl IntoIterator<Item = V>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

/// `key=value`, as they were typed.
pub(crate) fn pairs(map: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    map.iter().map(|(key, value)| format!("{key}={value}"))
}

/// Reads `key=value`.
pub(crate) fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form KEY=VALUE")),
    }
}

/// Reads a range of addresses.
pub(crate) fn parse_range(text: &str) -> Result<ipnet::IpNet, String> {
    text.parse().map_err(|_syntax| format!("`{text}` is not a range of addresses: 10.7.0.0/16 is"))
}

/// Reads a name of one label: what a network, a node or a workload may be called.
pub(crate) fn parse_label(text: &str) -> Result<weft_model::Name, weft_model::ParseNameError> {
    weft_model::Name::label(text)
}
