//! Meshes over real sockets on the loopback interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

mod certificates;
mod hostile;
mod joining;
mod nodes;
mod questions;
mod world;
