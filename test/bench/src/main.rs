//! Measurements of the whole, on the lab, beside Docker in the same run where that can be.
//!
//! What is measured, and how, is in the module of its name. Results are printed as a table and
//! written to `target/bench`. Nothing here passes or fails: a machine decides how fast it is.

#![allow(clippy::print_stdout, reason = "a program for the one who measures")]

mod abuse;
mod awake;
mod control;
mod datapath;
mod dns;
mod figures;
mod load;
mod question;
mod report;
mod scale;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (what, name) = (arguments.next(), arguments.next());
    match (what.as_deref(), name) {
        // Before anything else: the time is stamped here.
        (Some("subject"), Some(name)) => Ok(control::subject::run(&name)?),
        (Some(what), None) => measure(what),
        _ => bail!("say what to measure: dns, datapath, scale or control"),
    }
}

#[tokio::main]
async fn measure(what: &str) -> anyhow::Result<()> {
    match what {
        "dns" => dns::measure().await,
        "datapath" => datapath::measure().await,
        "control" => control::measure().await,
        "scale" => scale::measure().await,
        _ => bail!("say what to measure: dns, datapath, scale or control"),
    }
}
