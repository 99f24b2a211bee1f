//! One fault, and what is to be found of it.

use std::time::{Duration, Instant};

use weft_doctor::{Check, Severity};
use weft_e2e::{Cluster, Words, eventually, holds};

/// Within this time a fault shows, and a mended one does not any more.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// For what is said without any.
pub(crate) static NO_WORDS: Words = Words::new(Vec::new());

/// A fault of one host.
#[derive(Debug)]
pub(crate) struct Row {
    /// What finds it.
    pub(crate) check: Check,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// A part of what is found.
    pub(crate) what: &'static str,
    /// Where it is made, by these scripts, and found.
    pub(crate) host: &'static str,
    /// What a shell does there.
    pub(crate) break_it: &'static str,
    /// What undoes it.
    pub(crate) mend_it: &'static str,
}

impl Row {
    /// Makes the fault, waits until it is found, and until it is not any more when it is undone.
    pub(crate) async fn comes_and_goes(&self, cluster: &Cluster, words: &Words) {
        let began = Instant::now();
        let host = cluster.host(self.host).unwrap();
        words.shell(host, self.break_it).await.unwrap();
        eventually(SOON, || self.is_found(cluster, words)).await.unwrap();
        words.shell(host, self.mend_it).await.unwrap();
        eventually(SOON, || healthy(cluster)).await.unwrap();
        println!("{:11}{}: {:?}", self.check.word(), words.fill(self.what), began.elapsed());
    }

    /// That, and nothing else.
    pub(crate) async fn is_found(&self, cluster: &Cluster, words: &Words) -> anyhow::Result<()> {
        let what = words.fill(self.what);
        let told = cluster.diagnosis("h1").await?;
        let right = match told.findings.as_slice() {
            [one] => {
                (one.check, one.severity, one.host.as_str())
                    == (self.check, self.severity, self.host)
                    && one.what.contains(&what)
                    && !one.why.is_empty()
                    && !one.remedy.is_empty()
            }
            _ => false,
        };
        holds(right, || format!("should be {what}: {told:#?}"))
    }
}

/// Three hosts, all ways between them, and nothing to be said.
pub(crate) async fn healthy(cluster: &Cluster) -> anyhow::Result<()> {
    let told = cluster.diagnosis("h1").await?;
    holds(told.findings.is_empty(), || format!("{told:#?}"))?;
    holds((told.hosts.len(), told.ways) == (3, 6), || format!("{told:#?}"))
}
