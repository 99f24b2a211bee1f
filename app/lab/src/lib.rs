//! Several hosts on one machine, in network namespaces.
//!
//! Each host has its own network, mounts, processes and name, runs the real agent and, if asked, a
//! real Docker Engine. The hosts share a fabric whose links can be cut, healed and made lossy. This
//! crate is both `weft lab` and the test bed of every end-to-end test.

mod cli;
mod demo;
mod enter;
mod error;
mod faults;
mod host;
mod image;
mod init;
mod keeper;
mod lab;
mod outside;
mod protocol;
mod show;
mod spec;
mod tool;

pub use cli::{Target, Up, Verb, Whom, main, run};
pub use enter::Output;
pub use error::LabError;
pub use faults::Fault;
pub use host::Host;
pub use image::IMAGE;
pub use lab::Lab;
pub use protocol::{HostState, LabState, Service};
pub use show::Form;
pub use spec::{GATEWAY, INTERNET, MOST_HOSTS, NAME_SERVERS, OUTSIDE, Spec, executable};

use std::process::ExitCode;

/// The hidden verb with which the executable keeps a lab.
pub const KEEPER_VERB: &str = "lab-keeper";
/// The hidden verb with which the executable becomes a host.
pub const HOST_VERB: &str = "lab-host";
/// The hidden verb with which the executable becomes the outside.
pub const OUTSIDE_VERB: &str = "lab-outside";

/// Plays the part of the lab that `verb` names, if it is one of the three hidden verbs.
#[must_use]
pub fn play(verb: &str) -> Option<ExitCode> {
    match verb {
        KEEPER_VERB => Some(keeper::main()),
        HOST_VERB => Some(init::main()),
        OUTSIDE_VERB => Some(outside::main()),
        _ => None,
    }
}
