//! The program `nft`, run inside a namespace, in the words of the `nftables` crate.

pub(crate) mod batch;
pub(crate) mod words;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use nftables::helper::{self, NftablesError};
use nftables::schema::{NfCmd, NfListObject, NfObject, Nftables};
use nftables::types::NfFamily;
use serde_json::{Value, json};

use crate::{Netns, NftError};

/// Does commands as one transaction: all of them or none.
///
/// The crate's own `apply_ruleset` does not read nft's standard error, on which nft says what it
/// refuses; so the program is started here.
pub(crate) fn apply(netns: &Netns, commands: Vec<NfObject<'static>>) -> Result<(), NftError> {
    let output = run(netns, &input(commands)?.to_string())?;
    if output.status.success() { Ok(()) } else { Err(failed(&output.stderr)) }
}

/// What nft is to read. It takes every statement as an object (libnftables-json(5)), and the crate
/// writes those without properties as mere words.
fn input(commands: Vec<NfObject<'static>>) -> Result<Value, NftError> {
    let mut input =
        serde_json::to_value(Nftables { objects: commands.into() }).map_err(NftError::Answer)?;
    let commands = input.get_mut("nftables").and_then(Value::as_array_mut);
    for command in commands.into_iter().flatten() {
        let statements = command.pointer_mut("/add/rule/expr").and_then(Value::as_array_mut);
        for statement in statements.into_iter().flatten() {
            if let Value::String(word) = statement {
                *statement = json!({ word.as_str(): null });
            }
        }
    }
    Ok(input)
}

/// A table's objects as nft tells them; nothing if there is no such table.
pub(crate) fn list(
    netns: &Netns,
    family: NfFamily,
    table: &str,
) -> Result<Option<Vec<Value>>, NftError> {
    let ask = || {
        helper::get_current_ruleset_raw(
            helper::DEFAULT_NFT,
            &["list", "table", word(family), table],
        )
    };
    let answer = match netns.run(ask).map_err(NftError::Start)? {
        Ok(answer) => answer,
        Err(NftablesError::NftFailed { stderr, .. }) if stderr.contains("No such file") => {
            return Ok(None);
        }
        Err(NftablesError::NftFailed { stderr, .. }) => return Err(failed(stderr.as_bytes())),
        Err(NftablesError::NftExecution { inner, .. }) => return Err(NftError::Start(inner)),
        Err(other) => return Err(failed(other.to_string().as_bytes())),
    };
    let mut answer: Value = serde_json::from_str(&answer).map_err(NftError::Answer)?;
    match answer.get_mut("nftables").map(Value::take) {
        Some(Value::Array(objects)) => Ok(Some(objects)),
        _ => Ok(Some(Vec::new())),
    }
}

/// The commands that put a table, the first of `objects`, in the place of a former one.
pub(crate) fn replacement(objects: Vec<NfListObject<'static>>) -> Vec<NfObject<'static>> {
    let table = objects.first().cloned();
    let mut commands: Vec<_> = table.into_iter().flat_map(removal).collect();
    commands.extend(objects.into_iter().map(|object| NfObject::CmdObject(NfCmd::Add(object))));
    commands
}

/// The commands that remove a table, which need not be there.
pub(crate) fn removal(table: NfListObject<'static>) -> [NfObject<'static>; 2] {
    [NfCmd::Add(table.clone()), NfCmd::Delete(table)].map(NfObject::CmdObject)
}

const fn word(family: NfFamily) -> &'static str {
    match family {
        NfFamily::IP => "ip",
        NfFamily::IP6 => "ip6",
        NfFamily::INet => "inet",
        NfFamily::ARP => "arp",
        NfFamily::Bridge => "bridge",
        NfFamily::NetDev => "netdev",
    }
}

/// A started process is in the namespace of the thread that started it.
fn run(netns: &Netns, input: &str) -> Result<Output, NftError> {
    let run = || {
        let mut child = Command::new("nft")
            .args(["-j", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends before it has read all says why on its standard error.
            drop(stdin.write_all(input.as_bytes()));
        }
        child.wait_with_output()
    };
    netns.run(run).and_then(std::convert::identity).map_err(NftError::Start)
}

/// What nft said.
pub(crate) fn failed(said: &[u8]) -> NftError {
    NftError::Failed(String::from_utf8_lossy(said).trim().to_owned())
}
