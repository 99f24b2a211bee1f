//! `weft doctor` finds nothing on healthy hosts, and of each fault that is made here exactly that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

mod certificate;
mod hosts;
mod links;
mod row;
mod table;
