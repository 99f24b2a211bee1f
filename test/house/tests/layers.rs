//! Dependencies point down.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::process::Command;

use weft_house::{layer_complaints, root, workspace_crates};

#[test]
fn dependencies_point_down() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let crates = workspace_crates(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert!(crates.len() > 10, "the workspace was not read");
    let complaints = layer_complaints(&crates);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
