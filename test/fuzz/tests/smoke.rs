//! A short run over every target: enough to notice, quick enough for every change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use weft_fuzz::{Fuzz, TARGETS, Target};

const SEED: u64 = 0x7765_6674;
const ROUNDS: u64 = 20_000;

#[track_caller]
fn check(name: &str) {
    let target = *TARGETS.iter().find(|target| target.name == name).unwrap();
    let finding = Fuzz { target, seed: SEED }.run(ROUNDS).err();
    assert_eq!(finding, None, "`Fuzz {{ target, seed }}.round(round)` repeats it");
}

#[test]
fn frames_are_told_whatever_they_are() {
    check("frames");
}

#[test]
fn headers_are_written_as_they_were_read() {
    check("headers");
}

#[test]
fn names_and_questions_are_read_or_refused() {
    check("names");
}

#[test]
fn tokens_and_certificates_are_read_or_refused() {
    check("tokens");
}

#[test]
fn registry_entries_are_read_or_refused() {
    check("registry");
}

#[test]
fn the_inputs_get_past_the_first_check() {
    let target = TARGETS[0];
    let fuzz = Fuzz { target, seed: SEED };
    let told = (0..1000).filter_map(|round| weft_wire::Decoded::parse(&fuzz.input(round)).ok());
    let deep = told.filter(|decoded| decoded.vxlan().is_some()).count();
    assert!(deep > 100, "only {deep} of 1000 frames are still VXLAN");
}

#[test]
fn the_seeds_are_right() {
    let seeds = |name: &str| (TARGETS.iter().find(|target| target.name == name).unwrap().seeds)();
    for entry in seeds("registry") {
        let text = String::from_utf8(entry).unwrap();
        let (key, value) = text.split_once('\n').unwrap();
        let (key, value) = (key.to_owned(), value.as_bytes().to_vec());
        let entry = weft_registry::Entry { key: key.clone(), value, modified: 1 };
        let snapshot = weft_registry::Snapshot { revision: 1, entries: vec![entry] };
        let viewed = weft_registry::View::from_snapshot(&snapshot);
        assert!(viewed.is_ok() || key == "/cluster", "{viewed:?}");
    }
    for frame in seeds("frames") {
        let told = weft_wire::Decoded::parse(&frame).unwrap().to_string();
        assert!(!told.contains("broken") && !told.contains("checksum"), "{told}");
    }
}

#[test]
fn a_finding_can_be_repeated() {
    fn fragile(bytes: &[u8]) {
        assert!(bytes.len() != 3, "three");
    }
    let target = Target { name: "fragile", seeds: || vec![vec![0; 4]], read: fragile };
    let fuzz = Fuzz { target, seed: SEED };
    let finding = fuzz.run(ROUNDS).unwrap_err();
    assert_eq!(fuzz.round(finding.round), Err(finding.clone()));
    assert_eq!(finding.bytes.len(), 6);
}
