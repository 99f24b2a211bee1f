//! Frames of one endpoint, as they pass.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weft_model::Hop;

/// `GET /v1/capture?endpoint=&bytes=`: streams [`FrameView`], one a line, for as long as somebody
/// reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CaptureQuestion {
    /// The endpoint, a `{ref}`, on whichever host.
    pub endpoint: String,
    /// So much of each frame is kept; 2048 unless told otherwise, which is the most.
    pub bytes: Option<u32>,
}

/// A frame, and what it is a part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FrameView {
    /// When, in nanoseconds since 1970, by the clock of the host that saw it.
    pub at: u64,
    /// That host.
    pub host: String,
    /// The interface.
    pub interface: String,
    /// What the interface is: `port`, `tunnel` or `underlay`.
    pub point: String,
    /// The hop of its path.
    #[schema(value_type = String, example = "encap")]
    pub hop: Hop,
    /// What happens to it there.
    pub told: String,
    /// Whether it left by the interface, else it came in.
    pub outgoing: bool,
    /// How long it was.
    pub length: u32,
    /// What was kept of it, in hexadecimal digits.
    pub bytes: String,
    /// How many frames were not seen since the one before, because they came too fast.
    pub lost: u64,
}
