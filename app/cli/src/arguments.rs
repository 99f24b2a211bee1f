//! What may be typed.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use weft_api::DEFAULT_SOCKET;

use crate::verb::{
    Agent, Attach, Backup, Ca, Capture, Completions, Detach, Doctor, Drops, Endpoint, Events, Init,
    Join, Lab, Leave, Man, Network, Node, Path, Reconcile, Recover, Restore, Run, Status, Store,
    Token, Top, Trace, Verify, Version,
};

const EXAMPLES: &str = "\
Examples:
  weft init                                       found a cluster on this host
  weft token worker                               print what to type on the next host
  weft join --token weft-1-… 192.0.2.10:4788      … and type it there
  weft network create app                         make a network, known on every host
  docker run -d --network app --name web nginx    use it from Docker, on any host
  weft run --network app --name probe -- curl -s http://web
  weft path probe web                             see what happens to a packet

`weft VERB --help` says more, and `weft man DIR` writes it all down.";

/// One network for the containers of many hosts
#[derive(Debug, Parser)]
#[command(name = "weft", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true, infer_subcommands = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb understands.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Form of what is printed, errors included: table or json
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORM")]
    #[arg(hide_possible_values = true)]
    pub(crate) output: Format,
    /// Where the agent listens
    #[arg(long, global = true, env = "WEFT_SOCKET", default_value = DEFAULT_SOCKET)]
    #[arg(value_name = "PATH", hide_env_values = true)]
    pub(crate) socket: PathBuf,
    /// When to colour: auto, always or never; `NO_COLOR` is honoured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    #[arg(hide_possible_values = true)]
    pub(crate) color: Color,
}

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

impl Format {
    /// What this executable calls it when it runs itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &OsStr) -> Self {
        if name == Self::Json.name() { Self::Json } else { Self::Table }
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// One file each in `verb/`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Init(Init),
    Join(Join),
    Leave(Leave),
    Token(Token),
    #[command(subcommand)]
    Ca(Ca),
    Status(Status),
    #[command(subcommand, visible_alias = "nodes")]
    Node(Node),
    #[command(subcommand, visible_alias = "networks")]
    Network(Network),
    #[command(subcommand, visible_alias = "endpoints")]
    Endpoint(Endpoint),
    Run(Run),
    Attach(Attach),
    Detach(Detach),
    Path(Path),
    Trace(Trace),
    Drops(Drops),
    Events(Events),
    Capture(Capture),
    Top(Top),
    Verify(Verify),
    Doctor(Doctor),
    #[command(subcommand)]
    Reconcile(Reconcile),
    #[command(subcommand)]
    Store(Store),
    Backup(Backup),
    Restore(Restore),
    Recover(Recover),
    Lab(Lab),
    Agent(Agent),
    Completions(Completions),
    Man(Man),
    Version(Version),
}
