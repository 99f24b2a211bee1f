//! Rules for every source file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use weft_house::{
    Source, files, forbidden_words, head_complaints, length_complaints, product_lines, read,
};

/// Files that may be longer, and why.
const LONG: &[(&str, &str)] = &[];

#[test]
fn every_file_says_first_what_it_is_for() {
    let named = |source: &&Source| !source.path.ends_with("/tests.rs");
    none(sources().iter().filter(named).flat_map(head_complaints));
}

#[test]
fn no_file_does_too_much() {
    none(sources().iter().flat_map(|source| length_complaints(source, LONG)));
}

#[test]
fn no_excuse_for_length_is_out_of_date() {
    for (path, reason) in LONG {
        assert!(!reason.is_empty(), "{path} needs a reason");
        assert!(product_lines(&read(path).unwrap()) > 300, "{path} is short enough by now");
    }
}

#[test]
fn unsafe_code_is_in_the_kernel_crate_alone() {
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "expect(unsafe_code"];
    let elsewhere = |source: &&Source| {
        !source.path.starts_with("io/kernel/") && !source.path.starts_with("test/house/")
    };
    none(sources().iter().filter(elsewhere).flat_map(|source| forbidden_words(source, &words)));
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_for_later() {
    let words = ["#[ignore", "todo!(", "unimplemented!(", "dbg!("];
    let others = |source: &&Source| !source.path.starts_with("test/house/");
    none(sources().iter().filter(others).flat_map(|source| forbidden_words(source, &words)));
}

fn sources() -> Vec<Source> {
    let paths = files(".rs").unwrap();
    assert!(paths.len() > 30, "the sources were not found");
    paths.into_iter().map(|path| Source { text: read(&path).unwrap(), path }).collect()
}

#[track_caller]
fn none(complaints: impl Iterator<Item = String>) {
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
