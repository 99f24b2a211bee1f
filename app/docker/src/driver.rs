//! What Docker's two drivers do: one file each. They translate; the overlay decides.

pub(crate) mod ipam;
pub(crate) mod network;

use std::sync::Arc;

use weft_docker_api::Engine;

use crate::Overlay;
use crate::aliases::Aliases;
use crate::presence::Presence;

/// What a driver's call needs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Drivers {
    pub overlay: Arc<dyn Overlay>,
    pub engine: Engine,
    pub aliases: Aliases,
    pub presence: Presence,
}
