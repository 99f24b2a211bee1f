//! What the tests of durability share.

pub(crate) mod etcds;
pub(crate) mod managers;

use std::path::Path;
use std::process::{Command, Stdio};

use weft_registry::{Committed, Op, Revision, Txn};
use weft_store::{Store, StoreError};

/// Puts one entry.
pub(crate) async fn put(
    store: &impl Store,
    key: &str,
    value: Vec<u8>,
) -> Result<Revision, StoreError> {
    let ops = vec![Op::Put { key: key.to_owned(), value, lease: None }];
    match store.commit(Txn { conditions: Vec::new(), ops }).await? {
        Committed::Applied(revision) => Ok(revision),
        Committed::Conflict => panic!("there was no condition"),
    }
}

/// Runs one test of this very binary as another process, which finds `path` in its environment.
pub(crate) fn child(test: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    as_child(&mut command, test, path);
    command
}

/// Adds what makes a command run one test of this binary.
pub(crate) fn as_child(command: &mut Command, test: &str, path: &Path) {
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env("WEFT_STORE", path);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// In a child process: the path it was given.
pub(crate) fn given() -> Option<std::path::PathBuf> {
    std::env::var_os("WEFT_STORE").map(Into::into)
}

/// Tells loudly that a test could not be done here.
pub(crate) fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}
