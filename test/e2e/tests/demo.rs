//! `make demo` from a newcomer's seat: all of it, told, and over by itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::process::{Command, Stdio};

use weft_model::Hop;

/// Plays the demo and answers what it told.
fn play(arguments: &[&str]) -> String {
    let exe = weft_lab::executable().unwrap();
    let out = Command::new(exe)
        .args(["lab", "demo"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{told}\n{}", String::from_utf8_lossy(&out.stderr));
    told
}

#[track_caller]
fn check(told: &str, egress: &str) {
    for hop in Hop::ALL {
        let line = told.lines().find(|line| line.trim_start().starts_with(hop.word()));
        assert!(line.is_some(), "no {hop} in:\n{told}");
    }
    let encap = told.lines().find(|line| line.trim_start().starts_with("encap")).unwrap();
    assert!(encap.contains("from 192.0.2.1 to 192.0.2.2"), "{encap}");
    let caught = told.lines().find(|line| line.trim_start().starts_with("caught")).unwrap();
    assert!(caught.contains("192.0.2.1 > 192.0.2.2: VXLAN"), "{caught}");
    assert!(told.contains("3 packets transmitted, 3 packets received, 0% packet loss"), "{told}");
    assert!(told.contains("200 packets transmitted, 200 packets received"), "{told}");
    assert!(
        told.contains(&format!("the outside sees c1 as 192.0.2.1, through {egress}")),
        "{told}"
    );
    assert!(told.contains("the outside gets no answer from"), "{told}");
    let moved = told.lines().find_map(|line| line.trim().split_once(" bytes, headers counted"));
    assert!(moved.unwrap().0.parse::<u64>().unwrap() >= 1 << 30, "{told}");
    assert!(told.lines().last().unwrap().ends_with("in all"), "{told}");
}

#[test]
fn containers_talk_by_name_and_their_packet_is_told() {
    check(&play(&[]), "docker_gwbridge");
}

#[test]
fn without_docker_plain_processes_do_the_same() {
    check(&play(&["--plain"]), "weft-egress");
}
