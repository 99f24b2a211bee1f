//! Documents: links lead somewhere, and the ones that people look for are there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use weft_house::{Document, files, link_complaints, read, root, section_titles};

#[test]
fn links_between_documents_lead_somewhere() {
    let documents: Vec<Document> = files(".md")
        .unwrap()
        .into_iter()
        .map(|path| Document { text: read(&path).unwrap(), path })
        .collect();
    let exists = |path: &str| root().join(path).exists();
    let complaints: Vec<String> = documents
        .iter()
        .flat_map(|document| link_complaints(document, &documents, &exists))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn the_changelog_has_a_place_for_what_comes_next() {
    let titles = section_titles(&read("CHANGELOG.md").unwrap());
    assert!(titles.iter().any(|title| title == "Unreleased"), "{titles:?}");
}

#[test]
fn the_architecture_fits_one_sitting_and_names_every_crate() {
    let text = read("ARCHITECTURE.md").unwrap();
    assert!(text.lines().count() <= 300, "ARCHITECTURE.md is over 300 lines");
    let mut missing = Vec::new();
    for manifest in files("Cargo.toml").unwrap() {
        let Some(folder) = manifest.strip_suffix("/Cargo.toml") else { continue };
        if !text.contains(&format!("`{folder}`")) {
            missing.push(folder.to_owned());
        }
    }
    assert!(missing.is_empty(), "ARCHITECTURE.md does not tell of {missing:?}");
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let numbers: Vec<String> = files(".md")
        .unwrap()
        .iter()
        .filter_map(|path| path.strip_prefix("docs/decisions/"))
        .map(|name| name.chars().take(4).collect())
        .collect();
    let expected: Vec<String> = (1..=numbers.len()).map(|n| format!("{n:04}")).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn every_verb_that_a_document_types_exists() {
    let sources = files(".rs").unwrap();
    let mut unknown = Vec::new();
    for path in files(".md").unwrap() {
        for verb in typed_verbs(&read(&path).unwrap()) {
            let known = matches!(verb.as_str(), "agent" | "lab")
                || sources.contains(&format!("app/cli/src/verb/{verb}.rs"));
            if !known {
                unknown.push(format!("{path}: weft {verb}"));
            }
        }
    }
    assert!(unknown.is_empty(), "\n{}", unknown.join("\n"));
}

/// The words after `weft` in code, where `weft` is not the name of a driver.
fn typed_verbs(text: &str) -> Vec<String> {
    let mut verbs = Vec::new();
    for code in text.split('`').skip(1).step_by(2) {
        for (at, weft) in code.match_indices("weft ") {
            let driver = code[..at].ends_with("driver ") || code[..at].ends_with("-d ");
            let rest = &code[at + weft.len()..];
            let verb = rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
            if !driver && verb.len() > 1 {
                verbs.push(verb.to_owned());
            }
        }
    }
    verbs
}
