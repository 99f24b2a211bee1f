//! Faults between the hosts, which show only in what arrives.

use std::collections::BTreeSet;

use weft_doctor::{Check, Severity};
use weft_e2e::{Cluster, eventually, holds};
use weft_model::DEFAULT_VXLAN_PORT;

use crate::row::{NO_WORDS, Row, SOON, healthy};

pub(crate) async fn faults_of_the_link_are_found(cluster: &Cluster) {
    let h2 = cluster.host("h2").unwrap();
    h2.swallow(DEFAULT_VXLAN_PORT).await.unwrap();
    eventually(SOON, || concerns_h2(cluster, Check::Vxlan, "UDP port 4789 arrives")).await.unwrap();
    h2.heal().await.unwrap();
    h2.narrow(1400).await.unwrap();
    let what = "packets larger than 1400 bytes do not arrive";
    eventually(SOON, || concerns_h2(cluster, Check::Mtu, what)).await.unwrap();
    h2.heal().await.unwrap();
    segments_with_wrong_sums_are_found(cluster).await;
    h2.cut().await.unwrap();
    eventually(SOON, || concerns_h2(cluster, Check::Reach, "h2 does not answer h1")).await.unwrap();
    h2.heal().await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

/// What h1 sends to h2 is summed up by its kernel, and comes with another sum.
async fn segments_with_wrong_sums_are_found(cluster: &Cluster) {
    const ROW: Row = Row {
        check: Check::Checksum,
        severity: Severity::Error,
        what: "TCP segments with a wrong checksum come to c2",
        host: "h2",
        break_it: "",
        mend_it: "",
    };
    let h1 = cluster.host("h1").unwrap();
    h1.run(&["ethtool", "-K", "eth0", "tx", "off"]).await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
    h1.spoil(DEFAULT_VXLAN_PORT).await.unwrap();
    eventually(SOON, || ROW.is_found(cluster, &NO_WORDS)).await.unwrap();
    h1.heal().await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

/// All findings are of one kind, and of ways from or to h2.
async fn concerns_h2(cluster: &Cluster, check: Check, what: &str) -> anyhow::Result<()> {
    let told = cluster.diagnosis("h1").await?;
    let of_h2 = told
        .findings
        .iter()
        .all(|one| one.check == check && (one.host == "h2" || one.peer.as_deref() == Some("h2")));
    let said = told.findings.iter().any(|one| one.what.contains(what));
    let checks: BTreeSet<Check> = told.findings.iter().map(|one| one.check).collect();
    holds(of_h2 && said && checks.len() == 1, || format!("should be {what}: {told:#?}"))
}
