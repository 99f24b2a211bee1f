//! Questions about a packet's path.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// `GET /v1/path?from=&to=`: the answer is `core/path`'s journey, six hops at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PathQuestion {
    /// The endpoint that asks and sends: a `{ref}`.
    pub from: String,
    /// The name it asks for, or an overlay address.
    pub to: String,
}
