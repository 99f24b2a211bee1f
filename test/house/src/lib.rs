//! The repository's own rules, as functions; `tests/` applies them to the repository.
//!
//! A rule that only people know is broken by the third of them. Each function here takes text and
//! returns complaints, so that the rules are tested too.

mod layers;
mod markdown;
mod repository;
mod sources;

pub use layers::{Crate, layer_complaints, workspace_crates};
pub use markdown::{Document, link_complaints, section_titles};
pub use repository::{files, read, root};
pub use sources::{Source, forbidden_words, head_complaints, length_complaints, product_lines};
