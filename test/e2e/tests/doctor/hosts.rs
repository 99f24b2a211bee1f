//! Faults of h3, which has nothing on any network: its port is free, and its agent can be ended.

use weft_doctor::{Check, Severity};
use weft_e2e::{Cluster, Words, eventually, holds};
use weft_lab::Host;

use crate::row::{NO_WORDS, Row, SOON, healthy};

/// As the lab starts it, under a clock of its own.
const AGENT: &str = "
    LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1) FAKETIME=$OFFSET \\
    FAKETIME_DONT_FAKE_MONOTONIC=1 weft agent --state /var/lib/weft --run /run/weft \\
    --plugin-socket /run/docker/plugins/weft.sock --docker-socket /var/run/docker.sock \\
    </dev/null >>/run/late.log 2>&1 & echo $! > /run/late.pid";
/// Ends that one, and waits until it is gone.
const END: &str =
    "kill -9 $(cat /run/late.pid); while kill -0 $(cat /run/late.pid); do sleep 0.1; done";

pub(crate) async fn a_program_at_the_port_is_found(cluster: &Cluster) {
    const ROW: Row = Row {
        check: Check::Port,
        severity: Severity::Error,
        what: "UDP port 4789 belongs to perl",
        host: "h3",
        break_it: "",
        mend_it: "",
    };
    let host = cluster.host(ROW.host).unwrap();
    let script = "socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(4789, INADDR_ANY)); <>";
    let mut program = host.spawn(&["perl", "-MSocket", "-e", script]).unwrap();
    eventually(SOON, || ROW.is_found(cluster, &NO_WORDS)).await.unwrap();
    program.kill().await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

/// Where `nft` should be there is something that cannot be run.
pub(crate) async fn a_kernel_without_a_packet_filter_is_found(cluster: &Cluster) {
    let host = cluster.host("h3").unwrap();
    let shell = async |script| NO_WORDS.shell(host, script).await.unwrap();
    shell("command -v nft >/run/nft.path && mount --bind /dev/null $(cat /run/nft.path)").await;
    eventually(SOON, || of_h3(cluster, Check::Kernel, Severity::Error, "lacks the program `nft`"))
        .await
        .unwrap();
    shell("umount $(cat /run/nft.path)").await;
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

/// The agent goes on with a small disk, on which there is less and less room.
pub(crate) async fn a_disk_that_fills_up_is_found(cluster: &Cluster) {
    let host = cluster.host("h3").unwrap();
    let shell = async |script| NO_WORDS.shell(host, script).await.unwrap();
    let full = |severity, what| of_h3(cluster, Check::Capacity, severity, what);
    host.stop_agent().await.unwrap();
    shell(
        "mkdir /run/kept && cp -a /var/lib/weft/. /run/kept && \
           mount -t tmpfs -o size=200m small /var/lib/weft && cp -a /run/kept/. /var/lib/weft",
    )
    .await;
    host.start_agent().await.unwrap();
    let free = "MiB are free where the agent keeps its state, /var/lib/weft";
    eventually(SOON, || full(Severity::Warning, free)).await.unwrap();
    shell("dd if=/dev/zero of=/var/lib/weft/ballast bs=1M count=150").await;
    eventually(SOON, || full(Severity::Error, free)).await.unwrap();
    shell("rm /var/lib/weft/ballast").await;
    host.stop_agent().await.unwrap();
    shell(
        "rm -rf /run/kept && cp -a /var/lib/weft /run/kept && umount /var/lib/weft && \
           cp -a /run/kept/. /var/lib/weft",
    )
    .await;
    host.start_agent().await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

/// A little, which the others see; and so much that its certificate is not good yet.
pub(crate) async fn a_clock_that_is_wrong_is_found(cluster: &Cluster) {
    const ROW: Row = Row {
        check: Check::Clock,
        severity: Severity::Warning,
        what: "the clocks of h1 and h3 differ by",
        host: "h1",
        break_it: "",
        mend_it: "",
    };
    let host = cluster.host("h3").unwrap();
    host.stop_agent().await.unwrap();
    start_late(host, "-100s").await;
    eventually(SOON, || ROW.is_found(cluster, &NO_WORDS)).await.unwrap();
    NO_WORDS.shell(host, END).await.unwrap();
    start_late(host, "-7200s").await;
    eventually(SOON, || has_an_early_certificate(cluster)).await.unwrap();
    NO_WORDS.shell(host, END).await.unwrap();
    host.start_agent().await.unwrap();
    eventually(SOON, || healthy(cluster)).await.unwrap();
}

async fn start_late(host: &Host, offset: &'static str) {
    Words::default().with("$OFFSET", offset).shell(host, AGENT).await.unwrap();
}

/// Others do not talk to it, so it is asked itself.
async fn has_an_early_certificate(cluster: &Cluster) -> anyhow::Result<()> {
    let told = cluster.diagnosis("h3").await?;
    let found = told.findings.iter().any(|one| {
        (one.check, one.severity, one.host.as_str()) == (Check::Certificate, Severity::Error, "h3")
            && one.what.contains("is not good before")
            && one.remedy.contains("timedatectl")
    });
    holds(found, || format!("{told:#?}"))
}

/// Among what is found, which is all of this kind and of h3.
async fn of_h3(
    cluster: &Cluster,
    check: Check,
    severity: Severity,
    what: &str,
) -> anyhow::Result<()> {
    let told = cluster.diagnosis("h1").await?;
    let alone = told.findings.iter().all(|one| one.check == check && one.host == "h3");
    let said = told.findings.iter().any(|one| one.severity == severity && one.what.contains(what));
    holds(alone && said, || format!("should be {what}: {told:#?}"))
}
