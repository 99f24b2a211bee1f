//! What nodes ask of each other about themselves: members only, bounded, and read-only unless the
//! inquiry says otherwise.
//!
//! An [`Inquiry`] is one question, an [`Inspector`] asks it of any node, a [`Desk`] answers it here.

mod ask;
mod desk;
mod difference;
mod history;
mod inquiry;
mod load;

pub(crate) use ask::{Inspector, Unanswered, known_elsewhere, routes_elsewhere};
pub(crate) use desk::Desk;
pub(crate) use difference::Difference;
pub(crate) use history::{Believed, Happened};
pub(crate) use inquiry::Inquiry;
