//! Zones and answers: which address a name has for which asker.
//!
//! **Invariant:** an answer never comes from a network that the asker is not on.
//! [`answer`] reaches zones through [`Zones::of`] only, which takes the asker.

mod answer;
mod beyond;
mod question;
mod reverse;
mod veil;
mod zone;

pub use answer::{Answer, answer};
pub use beyond::{Setup, is_beyond, servers_beyond};
pub use question::{Asker, Kind, Question};
pub use reverse::parse_reverse;
pub use veil::Veil;
pub use zone::{Zone, Zones};
