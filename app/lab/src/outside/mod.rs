//! Everything that is not a host: the default gateway, "the internet" and its name server.
//!
//! It knows no route to any overlay, so a packet that leaves a host with an overlay address as its
//! source never gets an answer.

mod dns;
mod echo;

use std::io::{self, Read};
use std::process::ExitCode;

use nix::mount::{MsFlags, mount};

use crate::LabError;
use crate::error::{NEED_ROOT, OrHint, TRY_DOWN};
use crate::protocol::{self, Reply};
use crate::spec::{GATEWAY, INTERNET, NAME_SERVERS, OUTSIDE, Order};
use crate::tool;

/// Becomes the outside; answers on standard output when it is up.
pub(crate) fn main() -> ExitCode {
    let started = start();
    let failed = started.is_err();
    // A keeper that is gone ends the outside a moment later.
    drop(protocol::send(io::stdout().lock(), &Reply::from(started)));
    if failed {
        return ExitCode::FAILURE;
    }
    // However the reading ends, nobody keeps the lab any more.
    drop(io::stdin().read_to_end(&mut Vec::new()));
    ExitCode::SUCCESS
}

fn start() -> Result<(), LabError> {
    let what = "start the outside";
    let _none: Option<Order> =
        protocol::receive(&mut io::stdin().lock()).or_hint(what, TRY_DOWN)?;
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).or_hint(what, NEED_ROOT)?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), None::<&str>)
        .or_hint(what, NEED_ROOT)?;
    nix::unistd::sethostname(OUTSIDE).or_hint(what, NEED_ROOT)?;
    tool::ip(&format!(
        "link set lo up\n\
         link set eth0 addrgenmode none up\n\
         addr add {GATEWAY}/24 dev eth0\n\
         addr add {INTERNET}/32 dev lo\n\
         addr add {}/32 dev lo\n\
         addr add {}/32 dev lo\n",
        NAME_SERVERS[0], NAME_SERVERS[1]
    ))?;
    dns::serve().or_hint(what, TRY_DOWN)?;
    echo::serve().or_hint(what, TRY_DOWN)
}
