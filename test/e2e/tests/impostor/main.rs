//! Members in wrong hands: whoever claims what is another's, or comes with what was stolen, is not
//! believed, not let in, counted and told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

mod claims;
mod down;
mod forger;
mod stolen;
mod watched;
