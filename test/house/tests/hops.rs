//! Six words, everywhere the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use weft_house::{files, read, section_titles};

const HOPS: [&str; 6] = ["lookup", "neighbor", "encap", "underlay", "decap", "deliver"];

#[test]
fn the_hop_type_has_the_six_words_in_travel_order() {
    let source = read("core/model/src/hop.rs").unwrap();
    let quoted: Vec<&str> = source.split("=> \"").skip(1).filter_map(word_before_quote).collect();
    assert_eq!(quoted, HOPS);
}

fn word_before_quote(text: &str) -> Option<&str> {
    text.split('"').next()
}

#[test]
fn the_walk_has_a_module_a_hop() {
    let modules = files(".rs").unwrap();
    for hop in HOPS {
        let found = modules.iter().any(|path| {
            path.starts_with("core/path/src/") && path.ends_with(&format!("/{hop}.rs"))
        });
        assert!(found, "core/path has no {hop}.rs");
    }
}

#[test]
fn the_path_document_has_a_section_a_hop_in_travel_order() {
    let titles = section_titles(&read("docs/path.md").unwrap());
    let hops: Vec<&str> = titles.iter().filter_map(|title| hop_of(title)).collect();
    assert_eq!(hops, HOPS, "sections of docs/path.md");
}

/// `2. neighbor: who has that address` is about neighbor.
fn hop_of(title: &str) -> Option<&'static str> {
    let title = title.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ');
    let first = title.split(|c: char| !c.is_alphanumeric()).next()?;
    HOPS.into_iter().find(|hop| first.eq_ignore_ascii_case(hop))
}

#[test]
fn the_readme_shows_the_six_hops_in_travel_order() {
    let readme = read("README.md").unwrap();
    let picture = readme.split("```").skip(1).step_by(2).find(|block| block.contains("lookup"));
    let picture = picture.expect("README.md has a picture with the word lookup");
    let places: Vec<Option<usize>> = HOPS.iter().map(|hop| picture.find(hop)).collect();
    assert!(places.iter().all(Option::is_some), "a hop is missing in the picture");
    assert!(places.is_sorted(), "the hops of the picture are not in travel order");
}

#[test]
fn the_end_to_end_tests_have_a_file_a_hop_once_they_have_one() {
    let tests = files(".rs").unwrap();
    let has = |hop: &&str| tests.contains(&format!("test/e2e/tests/{hop}.rs"));
    let missing: Vec<&str> = HOPS.into_iter().filter(|hop| !has(hop)).collect();
    let none = missing.len() == HOPS.len();
    assert!(none || missing.is_empty(), "test/e2e/tests lacks {missing:?}");
}
