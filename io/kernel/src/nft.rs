//! The program `nft`, run inside a namespace, spoken to in JSON (libnftables-json(5)).

pub(crate) mod batch;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::{Netns, NftError};

/// Does commands as one transaction: all of them or none.
pub(crate) fn apply(netns: &Netns, commands: &[Value]) -> Result<(), NftError> {
    let input = json!({ "nftables": commands }).to_string();
    let output = run(netns, &["-j", "-f", "-"], &input)?;
    if output.status.success() { Ok(()) } else { Err(failed(&output)) }
}

/// A table's objects; nothing if there is no such table.
pub(crate) fn list(
    netns: &Netns,
    family: &str,
    table: &str,
) -> Result<Option<Vec<Value>>, NftError> {
    let output = run(netns, &["-j", "list", "table", family, table], "")?;
    if !output.status.success() {
        let missing = String::from_utf8_lossy(&output.stderr).contains("No such file");
        return if missing { Ok(None) } else { Err(failed(&output)) };
    }
    let mut answer: Value = serde_json::from_slice(&output.stdout).map_err(NftError::Answer)?;
    let objects = answer.get_mut("nftables").map(Value::take);
    match objects {
        Some(Value::Array(objects)) => Ok(Some(objects)),
        _ => Ok(Some(Vec::new())),
    }
}

/// The commands that put a table in the place of one of the same name, which need not exist.
pub(crate) fn replacement(family: &str, name: &str, objects: Vec<Value>) -> Vec<Value> {
    let table = json!({ "table": { "family": family, "name": name } });
    let mut commands = vec![json!({ "add": table }), json!({ "delete": table })];
    commands.extend(objects.into_iter().map(|object| json!({ "add": object })));
    commands
}

/// A rule at the end of a chain, which is told by family, table and name.
pub(crate) fn rule((family, table, chain): (&str, &str, &str), expressions: Vec<Value>) -> Value {
    let rule = object([
        ("family", family.into()),
        ("table", table.into()),
        ("chain", chain.into()),
        ("expr", expressions.into()),
    ]);
    object([("rule", rule)])
}

/// A comparison of a packet's property with a value.
pub(crate) fn compare(operator: &str, left: Value, right: impl Into<Value>) -> Value {
    let comparison = [("op", operator.into()), ("left", left), ("right", right.into())];
    object([("match", object(comparison))])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A started process is in the namespace of the thread that started it.
fn run(netns: &Netns, arguments: &[&str], input: &str) -> Result<Output, NftError> {
    let run = || {
        let mut child = Command::new("nft")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
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

fn failed(output: &Output) -> NftError {
    NftError::Failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
