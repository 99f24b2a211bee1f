//! Several managers: any may go, most may go, and how it comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "integration tests"
)]

mod from_backup;
mod most_away;
mod one_away;
mod roles;
mod three;
