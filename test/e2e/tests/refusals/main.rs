//! Item 10: whatever is asked wrongly is refused in words, and nothing has changed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

mod asked;
mod cluster;
mod damage;
mod full;
mod joining;
mod rights;
mod table;
mod wrong;
