//! What the verbs of `weft lab` say: tables to people, JSON to programs.

use std::io::{self, Write};

use serde_json::json;

use crate::LabError;
use crate::error::{OrHint, TRY_DOWN};
use crate::protocol::LabState;
use crate::spec;

/// The form of what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

impl Form {
    /// One lab, and to people what to do with it.
    pub(crate) fn lab(self, state: &LabState, hint: &str) -> Result<(), LabError> {
        match self {
            Self::Table => say(&format!("{}{hint}\n", table(state))),
            Self::Json => say_json(state),
        }
    }

    /// One lab that lasts as long as this command.
    pub(crate) fn held_lab(self, state: &LabState) -> Result<(), LabError> {
        match self {
            Self::Table => say(&format!("lab {} is up; Ctrl-C takes it down\n", state.name)),
            Self::Json => say_json(state),
        }
    }

    /// All labs.
    pub(crate) fn labs(self, labs: &[LabState]) -> Result<(), LabError> {
        match self {
            Self::Table if labs.is_empty() => {
                say("no lab runs here; `weft lab up` brings one up\n")
            }
            Self::Table => say(&labs.iter().map(table).collect::<String>()),
            Self::Json => say_json(&labs),
        }
    }

    /// That it is done: people see that without words.
    pub(crate) fn done(self) -> Result<(), LabError> {
        match self {
            Self::Table => Ok(()),
            Self::Json => say_json(&json!({})),
        }
    }
}

fn table(state: &LabState) -> String {
    let engine = if state.docker { ", with Docker" } else { "" };
    let mut text = format!("lab {} (keeper {}{engine})\n", state.name, state.keeper);
    let mut hosts: Vec<_> = state.hosts.iter().collect();
    hosts.sort_by_key(|(name, _)| spec::host_number(name).unwrap_or(u8::MAX));
    for (name, host) in hosts {
        let condition = match host.pid {
            Some(pid) => format!("pid {pid}"),
            None => "killed".to_owned(),
        };
        let faults = host.faults.join(", ");
        let line = format!("  {name:8} {:14} {condition:12} {faults}", host.address.to_string());
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn say_json(value: &impl serde::Serialize) -> Result<(), LabError> {
    let text = serde_json::to_string_pretty(value).or_hint("write JSON", TRY_DOWN)?;
    say(&format!("{text}\n"))
}

fn say(text: &str) -> Result<(), LabError> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // A reader that has seen enough is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).or_hint("write", TRY_DOWN)
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
