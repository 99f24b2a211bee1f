//! What several tests of the registry's place ask and do.

use anyhow::ensure;
use weft_api::{StoreKind, StoreView};
use weft_lab::Host;

use crate::{Cluster, Etcd, holds};

/// Whether a host's registry is kept there.
///
/// # Errors
///
/// If it is not, or the host does not say.
pub async fn keeps(cluster: &Cluster, host: &Host, kind: StoreKind) -> anyhow::Result<()> {
    let told: StoreView = cluster.json(host, &["store", "show"]).await?;
    holds(told.kind == kind, || format!("{}: {told:?}", host.name()))
}

/// Creates a network; an attempt before may have done it already.
///
/// # Errors
///
/// If it is not there afterwards.
pub async fn creates(host: &Host, network: &str) -> anyhow::Result<()> {
    let out = host.weft(&["network", "create", network]).await?;
    let done = out.is_success() || out.stderr.contains("taken");
    holds(done, || format!("{}: {out:?}", host.name()))
}

/// Types what is to be refused with these words.
///
/// # Errors
///
/// If it is done, or refused otherwise.
pub async fn refused(host: &Host, typed: &[&str], words: &[&str]) -> anyhow::Result<()> {
    let out = host.weft(typed).await?;
    ensure!(!out.is_success(), "{typed:?}: {out:?}");
    for words in words {
        ensure!(out.stderr.contains(words), "{typed:?} without {words}: {out:?}");
    }
    Ok(())
}

/// All that `weft store move` into the etcd of a host has said, done or not.
///
/// # Errors
///
/// If it cannot be run.
pub async fn moves(host: &Host, etcd: &Host) -> anyhow::Result<String> {
    let flags = Etcd::flags(etcd);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let out = host.weft(&[&["store", "move", "--to"], &flags[..]].concat()).await?;
    Ok(out.stdout + &out.stderr)
}
