//! A file that cannot be used is told, with a next step, and left as it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    reason = "integration tests"
)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use common::{child, given, put, skip};
use weft_store::{Redb, Store, StoreError};

#[tokio::test]
async fn a_file_of_something_else_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let texts: [&[u8]; 3] = [b"", b"not a database", &[0xa5; 100_000]];
    for bytes in texts {
        fs::write(&path, bytes).unwrap();
        check_corrupt(&path);
    }
}

#[tokio::test]
async fn a_truncated_file_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path()).await;
    let whole = fs::read(&path).unwrap();
    for part in [1, 4, 100, 512, 4095, 4096, 50_000, whole.len() / 2, whole.len() - 4096] {
        fs::write(&path, &whole[..part.min(whole.len() - 1)]).unwrap();
        check_corrupt(&path);
    }
}

#[tokio::test]
async fn a_damaged_file_never_opens_with_less_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path()).await;
    let whole = fs::read(&path).unwrap();
    check_damages(&path, &whole).await;
}

#[tokio::test]
async fn a_damaged_file_of_a_killed_process_never_opens_with_less_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path()).await;
    let store = Redb::open(&path).unwrap();
    put(&store, "/0", vec![7; 1000]).await.unwrap();
    let whole = fs::read(&path).unwrap();
    drop(store);
    check_damages(&path, &whole).await;
}

/// Damages one page at a time.
async fn check_damages(path: &Path, whole: &[u8]) {
    fs::write(path, whole).unwrap();
    let expected = Redb::open(path).unwrap().range("").await.unwrap();
    assert_eq!(expected.entries.len(), 200);
    let mut refused = 0;
    for page in (0..whole.len()).step_by(4096) {
        let mut damaged = whole.to_vec();
        damaged[page..page + 600].fill(0x5a);
        fs::write(path, &damaged).unwrap();
        match Redb::open(path) {
            Ok(store) => assert!(store.range("").await.unwrap() == expected, "page at {page}"),
            Err(StoreError::Corrupt { .. }) => {
                assert!(fs::read(path).unwrap() == damaged, "page at {page}: the file was changed");
                refused += 1;
            }
            Err(other) => panic!("page at {page}: {other}"),
        }
    }
    assert!(refused > 10, "{refused} damages were noticed");
}

#[tokio::test]
async fn a_file_that_another_process_has_open_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path()).await;
    let mut process = child("a_child_holds_the_file", &path).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "opened"));
    let error = Redb::open(&path).unwrap_err();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(error, StoreError::Locked { path: path.clone() });
    assert!(error.hint().contains("fuser"));
    assert_eq!(Redb::open(&path).unwrap().range("").await.unwrap().revision, 200);
}

#[tokio::test]
async fn a_child_holds_the_file() {
    let Some(path) = given() else { return };
    let _store = Redb::open(&path).unwrap();
    println!("\nopened");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_file_that_may_not_be_opened_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path()).await;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if chown(directory.path(), Some(0), None).is_err() {
        return skip("another user's process needs root");
    }
    let output = child("a_child_may_not_open_the_file", &path).uid(65_534).gid(65_534).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return skip(&format!("another user cannot run the test: {error}")),
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{told}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn a_child_may_not_open_the_file() {
    let Some(path) = given() else { return };
    let error = Redb::open(&path).unwrap_err();
    assert_eq!(error, StoreError::NoPermission { path: path.clone() });
    assert!(error.hint().contains("as root"));
    let missing = path.with_file_name("new.redb");
    assert_eq!(Redb::open(&missing).unwrap_err(), StoreError::NoPermission { path: missing });
}

#[tokio::test]
async fn a_missing_directory_is_told() {
    let path = PathBuf::from("/nonexistent/weft/state.redb");
    let error = Redb::open(&path).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/weft/state.redb"), "{error}");
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_only_and_leaves_nothing_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path()).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

async fn filled(directory: &Path) -> PathBuf {
    let path = directory.join("state.redb");
    let store = Redb::open(&path).unwrap();
    for n in 0..200 {
        put(&store, &format!("/{n}"), vec![7; 1000]).await.unwrap();
    }
    path
}

#[track_caller]
fn check_corrupt(path: &Path) {
    let before = fs::read(path).unwrap();
    let error = Redb::open(path).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{} bytes: {error}", before.len());
    assert!(error.to_string().contains(path.to_str().unwrap()), "the path is told: {error}");
    assert!(error.hint().contains("backup"), "the next step is told: {}", error.hint());
    assert!(fs::read(path).unwrap() == before, "{} bytes: the file was changed", before.len());
}
