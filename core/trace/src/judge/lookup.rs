//! First hop: did the workload's resolver say what was decided?

use std::collections::BTreeSet;
use std::net::IpAddr;

use weft_model::Hop;
use weft_path::Lookup;

use super::judged::Judged;
use super::obstacle;
use crate::{Asked, Outbound, Redirect};

/// What somebody types who wants the resolver of a workload back.
const RESTART: &str = "see `weft status` and the agent's log on that host (`journalctl -u weft`): \
                       the agent serves every workload's resolver";

pub(super) fn judge(found: &Lookup, out: &Outbound) -> Judged {
    let Some(asked) = &out.lookup else {
        return Judged::ok("nothing was asked: the address was given");
    };
    match asked {
        Asked::Answered { addresses, micros, .. } if same(addresses, &found.found) => {
            let told = listed(addresses);
            Judged::ok(format!("127.0.0.11 answers {told} inside the workload, in {micros} µs"))
        }
        _ => held(out),
    }
}

/// What the workload is told, if that is not what was decided.
pub(super) fn held(out: &Outbound) -> Judged {
    let Some(asked) = &out.lookup else { return Judged::failed("nothing was asked", "", "") };
    let blocked = obstacle(&out.obstacles, Hop::Lookup);
    match asked {
        Asked::Silent { why, redirect } => {
            let kernel = format!("127.0.0.11 does not answer inside the workload: {why}");
            let (cause, remedy) = blocked.unwrap_or_else(|| unanswered(*redirect));
            Judged::failed(kernel, cause, remedy)
        }
        Asked::Answered { addresses, redirect, .. } => {
            let told = if addresses.is_empty() { "no such name".into() } else { listed(addresses) };
            let kernel = format!("127.0.0.11 answers inside the workload: {told}");
            let (cause, remedy) = answered_otherwise(*redirect, addresses);
            Judged::failed(kernel, cause, remedy)
        }
    }
}

fn unanswered(redirect: Redirect) -> (String, String) {
    let cause = match redirect {
        Redirect::Direct => {
            "nobody answers at 127.0.0.11 inside the workload: the resolver has ended, or the \
             workload's loopback is down"
        }
        Redirect::Stands => "the redirection stands, but Weft's resolver behind it does not answer",
        Redirect::Expired | Redirect::Missing => {
            "questions go to Docker's resolver, which does not answer"
        }
    };
    let remedy = format!("`ip link set lo up` in the workload; {RESTART}");
    (cause.to_owned(), remedy)
}

fn answered_otherwise(redirect: Redirect, addresses: &BTreeSet<IpAddr>) -> (String, String) {
    match redirect {
        Redirect::Missing => (
            "the redirection of the workload's questions (nft table `ip weft_dns` in its \
             namespace) was removed: Docker's resolver answers, and knows no names of the cluster"
                .to_owned(),
            format!("restart the container, or the agent: systemctl restart weft; {RESTART}"),
        ),
        Redirect::Expired => (
            "the redirection of the workload's questions is not renewed: Docker's resolver \
             answers, and knows no names of the cluster"
                .to_owned(),
            RESTART.to_owned(),
        ),
        // What was decided to be unknown is told by who decided.
        Redirect::Direct | Redirect::Stands if addresses.is_empty() => Default::default(),
        Redirect::Direct | Redirect::Stands => (
            "the resolver answers something else than what is decided: a change is on its way"
                .to_owned(),
            "trace again in a second; if it stays, restart the agent of that host".to_owned(),
        ),
    }
}

fn same(addresses: &BTreeSet<IpAddr>, decided: &[IpAddr]) -> bool {
    *addresses == decided.iter().copied().collect()
}

fn listed(addresses: &BTreeSet<IpAddr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
