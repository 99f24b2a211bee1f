//! What a person is told of the cluster's health, for programs.

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use weft_doctor::Diagnosis;
use weft_trace::Trace;

use crate::Cluster;

impl Cluster {
    /// What the doctor finds, asked on a host; findings are no failure.
    ///
    /// # Errors
    ///
    /// If it says nothing that is understood.
    pub async fn diagnosis(&self, host: &str) -> anyhow::Result<Diagnosis> {
        self.told(host, &["doctor"]).await
    }

    /// Where a packet ends, asked on a host with the words of a command; a fault is no failure.
    ///
    /// # Errors
    ///
    /// If it says nothing that is understood.
    pub async fn trace(&self, host: &str, asked: &str) -> anyhow::Result<Trace> {
        let words: Vec<&str> = ["trace"].into_iter().chain(asked.split(' ')).collect();
        self.told(host, &words).await
    }

    async fn told<T: DeserializeOwned>(&self, host: &str, words: &[&str]) -> anyhow::Result<T> {
        let out = self.host(host)?.weft(&[words, &["-o", "json"]].concat()).await?;
        serde_json::from_str(&out.stdout).with_context(|| format!("{} {}", out.stdout, out.stderr))
    }
}
