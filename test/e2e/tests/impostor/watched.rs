//! What hosts count and tell.

use std::time::Duration;

use anyhow::Context as _;
use weft_e2e::{Answers, Cluster, eventually, holds};
use weft_lab::{Host, Service};

/// Longer than anything here may take that is not a matter of waiting.
pub(crate) const SOON: Duration = Duration::from_secs(15);
/// How many pings a test that means it has sent at least.
const MANY: u16 = 50;

/// Lets the agents show their numbers.
pub(crate) async fn watch(cluster: &Cluster, hosts: &[&Host]) -> anyhow::Result<()> {
    for host in hosts {
        let configure = "echo 'metrics = \"127.0.0.1:9788\"' > /etc/weft/weft.toml";
        host.run(&["sh", "-c", configure]).await?;
        host.stop_agent().await?;
        host.start_agent().await?;
    }
    eventually(SOON, || cluster.agree_on_nodes()).await
}

/// How much a host has counted of a sample, which is named with its labels.
pub(crate) async fn counted(host: &Host, sample: &str) -> anyhow::Result<f64> {
    let page = ["busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:9788/metrics"];
    let page = host.run(&page).await?;
    let value = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    Ok(value.with_context(|| format!("{sample} is not among {page}"))?.parse()?)
}

/// A host has counted more of a sample than `before`.
pub(crate) async fn counts_more(host: &Host, sample: &str, before: f64) -> anyhow::Result<()> {
    let now = counted(host, sample).await?;
    holds(now > before, || format!("{}: {sample} is {now}, not more than {before}", host.name()))
}

/// A host has all of these words in one line of its agent's log.
pub(crate) fn logs(host: &Host, words: &[&str]) -> anyhow::Result<()> {
    let log = host.log(Service::Agent);
    let line = log.lines().any(|line| words.iter().all(|word| line.contains(word)));
    holds(line, || format!("{} has not logged {words:?}: {log}", host.name()))
}

/// A host's status says this.
pub(crate) async fn says(host: &Host, words: &str) -> anyhow::Result<()> {
    let status = host.run(&["weft", "status"]).await?;
    holds(status.contains(words), || format!("{}: {status}", host.name()))
}

pub(crate) fn none_lost(answers: &Answers) {
    assert!(answers.sent > MANY && answers.lost.is_empty(), "{answers:?}");
}
