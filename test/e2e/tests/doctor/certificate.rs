//! A certificate that nobody renews.

use std::time::Duration;

use weft_doctor::{Check, Finding, Severity};
use weft_e2e::{Cluster, eventually, holds};
use weft_lab::Spec;

/// How long a certificate lives here: it is renewed after half of it.
const LIFE: &str = "24s";
/// Longer than that.
const OVER: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_told_of_from_when_it_should_have_been_renewed() {
    let spec = Spec { hosts: 2, ..Spec::default() };
    let init = ["--address-rest", "1s", "--certificate-life", LIFE];
    let cluster = Cluster::founded(spec, &init).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    eventually(OVER, || is_not_told_of(&cluster)).await.unwrap();

    // The only manager is away, so nobody renews it.
    h1.stop_agent().await.unwrap();
    let soon = eventually(OVER, || told_of(&cluster, Severity::Warning)).await.unwrap();
    assert!(soon.what.contains("runs out in"), "{soon:?}");
    assert!(soon.why.contains("should have been renewed"), "{soon:?}");
    assert!(soon.remedy.contains("weft node ls"), "{soon:?}");
    let over = eventually(OVER, || told_of(&cluster, Severity::Error)).await.unwrap();
    assert!(over.what.contains("has run out"), "{over:?}");

    h1.start_agent().await.unwrap();
    eventually(OVER, || is_not_told_of(&cluster)).await.unwrap();
    cluster.down().await.unwrap();
}

/// What h2 finds of its certificate.
async fn found(cluster: &Cluster) -> anyhow::Result<Option<Finding>> {
    let told = cluster.diagnosis("h2").await?;
    let certificate = |one: &Finding| one.check == Check::Certificate && one.host == "h2";
    Ok(told.findings.into_iter().find(certificate))
}

async fn told_of(cluster: &Cluster, severity: Severity) -> anyhow::Result<Finding> {
    let found = found(cluster).await?.filter(|one| one.severity == severity);
    found.ok_or_else(|| anyhow::anyhow!("no {severity:?} of h2's certificate"))
}

async fn is_not_told_of(cluster: &Cluster) -> anyhow::Result<()> {
    let found = found(cluster).await?;
    holds(found.is_none(), || format!("{found:?}"))
}
