//! Tables of refusals: what is typed, how it ends, what is said.

use std::time::Duration;

use weft_e2e::{eventually, holds};
use weft_lab::{Host, Lab, Spec};

use crate::asked::{refused, state_of};

/// One line of a table: what is typed, how it ends, and words that the refusal has.
pub(crate) type Line<'a> = (&'a str, i32, &'a [&'a str]);

pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Types each line on a host; each is refused so, and leaves everything as it was.
pub(crate) async fn table(host: &Host, lines: &[Line<'_>]) {
    let before = state_of(host).await;
    let mut wrong = Vec::new();
    for (typed, exit, words) in lines {
        match refused(host, typed, *exit).await {
            Ok(said) => {
                let missing = words.iter().filter(|word| !said.contains(**word));
                wrong.extend(missing.map(|word| format!("{typed}: no `{word}` in: {said}")));
            }
            Err(why) => wrong.push(format!("{typed}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "on {}:\n{}", host.name(), wrong.join("\n"));
    // The socket that asked a manager is closed a moment after its answer.
    let settled = || async { holds(state_of(host).await == before, || "not yet".to_owned()) };
    eventually(SOON, settled).await.ok();
    same(&state_of(host).await, &before);
}

/// Shows only the lines that differ, if some do.
#[track_caller]
pub(crate) fn same(after: &str, before: &str) {
    let only = |one: &str, other: &str| -> Vec<String> {
        one.lines().filter(|line| !other.lines().any(|l| l == *line)).map(str::to_owned).collect()
    };
    let (gone, new) = (only(before, after), only(after, before));
    assert!(after == before, "something has changed: gone {gone:#?}, new {new:#?}");
}

pub(crate) async fn plain_lab(hosts: u8) -> Lab {
    Lab::up(Spec { hosts, docker: false, ..Spec::default() }).await.unwrap()
}
