//! What may be typed, and what is written about it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use clap::Command;

/// Every command and its path, the root's own excluded.
fn commands(root: &Command, path: &str) -> Vec<(String, Command)> {
    let below = root.get_subcommands().flat_map(|command| {
        let path = format!("{path} {}", command.get_name());
        let mut all = commands(command, &path);
        all.push((path, command.clone()));
        all
    });
    below.collect()
}

#[test]
fn the_grammar_is_sound() {
    weft_cli::grammar().debug_assert();
}

#[test]
fn help_mentions_every_verb() {
    let help = weft_cli::grammar().render_help().to_string();
    let verbs = "init join leave token ca status node backup restore recover network endpoint run \
                 attach detach path trace doctor verify reconcile drops events top capture lab agent \
                 completions man version";
    for verb in verbs.split_whitespace() {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb} is not in\n{help}");
    }
}

#[test]
fn every_command_says_what_it_does_in_one_line() {
    for (path, command) in commands(&weft_cli::grammar(), "weft") {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty(), "{path} says nothing");
        assert!(about.len() <= 90 && !about.ends_with('.'), "{path}: {about}");
    }
}

#[test]
fn every_argument_is_explained() {
    for (path, command) in commands(&weft_cli::grammar(), "weft") {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{path}: {}", argument.get_id());
        }
    }
}

#[test]
fn examples_in_help_are_accepted() {
    for (path, command) in commands(&weft_cli::grammar(), "weft") {
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let typed = examples.lines().filter_map(|line| line.strip_prefix("  weft "));
        for line in typed.filter(|line| !line.contains(['|', '>', '&', '"'])) {
            let words = line.split("   ").next().unwrap_or_default();
            let words = std::iter::once("weft").chain(words.split_whitespace());
            let parsed = weft_cli::grammar().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{path}: weft {line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish]
    {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut weft_cli::grammar(), "weft", &mut script);
        assert!(String::from_utf8(script).unwrap().contains("endpoint"), "{shell}");
    }
    let pages = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(weft_cli::grammar(), pages.path()).unwrap();
    assert!(pages.path().join("weft-network-create.1").exists());
}
