//! `weft lab demo`: two workloads on two of three hosts talk by name, and what happened is told.
//!
//! Everything in it is real: hosts, agents, Engines where Docker is installed, and the packet.

mod packet;
mod report;
mod workload;

use std::path::Path;
use std::time::Duration;

use tokio::runtime::Builder;
use weft_path::Journey;

use crate::error::OrHint;
use crate::{Host, INTERNET, Lab, LabError, Spec};

use report::Report;
use workload::{Kind, Workload};

/// Where distributions put the Engine.
const DOCKERDS: &[&str] = &["/usr/sbin/dockerd", "/usr/bin/dockerd"];
const NETWORK: &str = "app";
/// How long the cluster, the mirror or a name may take.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);
/// What is moved from one workload to the other.
const GIGABYTE: u64 = 1 << 30;
const TRANSFER: Duration = Duration::from_secs(120);
const HINT: &str =
    "the words above say what failed; `weft lab up` brings up the same hosts to look at";

/// Plays the whole of it; ends by itself and leaves nothing behind.
pub(crate) fn play(plain: bool) -> Result<(), LabError> {
    let runtime = Builder::new_multi_thread().enable_all().build();
    runtime.or_hint("start the demo", HINT)?.block_on(demo(plain))
}

async fn demo(plain: bool) -> Result<(), LabError> {
    let docker = DOCKERDS.iter().any(|path| Path::new(path).exists());
    let kind = if docker && !plain { Kind::Docker } else { Kind::Plain };
    let mut report = Report::begin(kind, docker)?;
    let lab = hosts(&mut report, kind).await?;
    let outcome = scenes(&mut report, &lab, kind).await;
    report.scene("Take everything down")?;
    lab.down().await?;
    outcome?;
    report.end()
}

async fn hosts(report: &mut Report, kind: Kind) -> Result<Lab, LabError> {
    report.scene("Three hosts, each with its own network, files, processes and agent")?;
    let docker = kind == Kind::Docker;
    let lab = Lab::up(Spec { hosts: 3, docker, ..Spec::default() }).await?;
    for host in lab.hosts() {
        report.tell(&format!("{} has {} on the underlay", host.name(), host.address()))?;
    }
    Ok(lab)
}

async fn scenes(report: &mut Report, lab: &Lab, kind: Kind) -> Result<(), LabError> {
    let (h1, h2) = (lab.host("h1"), lab.host("h2"));
    cluster(report, lab).await?;
    network(report, lab, kind).await?;
    report.scene("One workload on h1, one on h2")?;
    let c1 = Workload::start(h1, kind, NETWORK, "c1", report).await?;
    let c2 = Workload::start(h2, kind, NETWORK, "c2", report).await?;
    by_name(report, &c1).await?;
    one_packet(report, h1, &c1).await?;
    a_gigabyte(report, &c1, &c2).await?;
    outside(report, lab, &c1).await?;
    without_agent(report, h1, &c1, &c2.address().await?).await
}

async fn cluster(report: &mut Report, lab: &Lab) -> Result<(), LabError> {
    report.scene("Make them one cluster")?;
    let first = lab.host("h1");
    report.typed(first, "weft init")?;
    first.run(&["weft", "init"]).await?;
    let token = first.run(&["weft", "token", "--quiet"]).await?;
    let manager = first.address().to_string();
    for host in lab.hosts().skip(1) {
        report.typed(host, &format!("weft join weft-1-… {manager}"))?;
        host.run(&["weft", "join", token.trim(), &manager]).await?;
    }
    Ok(())
}

async fn network(report: &mut Report, lab: &Lab, kind: Kind) -> Result<(), LabError> {
    report.scene("One network across all of them")?;
    report.typed(lab.host("h1"), "weft network create app")?;
    lab.host("h1").run(&["weft", "network", "create", NETWORK]).await?;
    for host in lab.hosts() {
        let seen: &[&str] = match kind {
            Kind::Docker => &["docker", "network", "inspect", NETWORK],
            Kind::Plain => &["weft", "network", "inspect", NETWORK],
        };
        eventually(async || host.run(seen).await).await?;
    }
    if kind == Kind::Docker {
        report.tell("every host's Docker Engine has it now")?;
    }
    Ok(())
}

async fn eventually(ask: impl AsyncFn() -> Result<String, LabError>) -> Result<String, LabError> {
    let began = tokio::time::Instant::now();
    loop {
        match ask().await {
            Err(_not_yet) if began.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
}

async fn by_name(report: &mut Report, c1: &Workload<'_>) -> Result<(), LabError> {
    report.scene("c1 finds c2 by name and pings it")?;
    // A process is attached before the other host knows the way to it, some milliseconds later.
    let found = eventually(async || c1.busybox(&["nslookup", "-type=a", "c2"]).await).await?;
    report.show(&found, "Address")?;
    report.show(&c1.busybox(&["ping", "-c", "3", "-i", "0.2", "c2"]).await?, "packets")
}

async fn one_packet(report: &mut Report, h1: &Host, c1: &Workload<'_>) -> Result<(), LabError> {
    report.scene("One of these packets, caught on the underlay, and its six hops")?;
    let told = h1.run(&["weft", "--output", "json", "path", "c1", "c2"]).await?;
    let journey: Journey = serde_json::from_str(&told).or_hint("understand the path", HINT)?;
    let frame = packet::catch(h1, c1, &journey).await?;
    report.tell(&format!("caught    {frame}"))?;
    report.paragraph(&journey.to_string())
}

async fn a_gigabyte(
    report: &mut Report,
    c1: &Workload<'_>,
    c2: &Workload<'_>,
) -> Result<(), LabError> {
    report.scene("1 GB by TCP from c2 to c1")?;
    let serve = "mkdir -p /run/demo && truncate -s 1G /run/demo/gigabyte && \
                 httpd -f -p 5001 -h /run/demo";
    let mut server = c2.spawn(&["sh", "-c", serve])?;
    // The server needs a moment until it listens.
    let fetch = "rx=/sys/class/net/eth0/statistics/rx_bytes; before=$(cat $rx); \
                 for i in 1 2 3 4 5 6 7 8 9; do \
                 wget -q -O /dev/null http://c2:5001/gigabyte 2>/dev/null && \
                 echo $(($(cat $rx) - before)) && exit; sleep 0.2; done; echo 0";
    let began = tokio::time::Instant::now();
    let received = c1.busybox_within(TRANSFER, &["sh", "-c", fetch]).await?;
    let took = began.elapsed();
    server.kill().await.or_hint("end the server", HINT)?;
    let bytes: u64 = received.trim().parse().or_hint("count the bytes", HINT)?;
    if bytes < GIGABYTE {
        let why = format!("{bytes} bytes came through eth0 instead of {GIGABYTE}");
        return Err(LabError::new("move 1 GB", why, HINT));
    }
    let rate = 8.0 / took.as_secs_f64();
    report.tell(&format!(
        "{bytes} bytes, headers counted, in {:.1} s: {rate:.1} Gbit/s",
        took.as_secs_f64()
    ))
}

async fn outside(report: &mut Report, lab: &Lab, c1: &Workload<'_>) -> Result<(), LabError> {
    report.scene("c1 reaches the outside, and not the other way round")?;
    let url = format!("http://{INTERNET}/");
    let seen = c1.busybox(&["wget", "-qO-", &url]).await?;
    let through = c1.way_out();
    report.tell(&format!("the outside sees c1 as {}, through {through}", seen.trim()))?;
    let address = c1.address().await?;
    let outside = lab.host(crate::OUTSIDE);
    let ping = ["busybox", "ping", "-c", "1", "-W", "1", &address];
    if outside.exec(&ping).await?.is_success() {
        let why = format!("{address} answers");
        return Err(LabError::new("keep the outside out", why, HINT));
    }
    report.tell(&format!("the outside gets no answer from {address}"))
}

async fn without_agent(
    report: &mut Report,
    h1: &Host,
    c1: &Workload<'_>,
    to: &str,
) -> Result<(), LabError> {
    report.scene("The agent of h1 is killed and started again; the packets go on")?;
    let arguments = ["ping", "-c", "200", "-i", "0.01", to];
    let ping = c1.busybox(&arguments);
    let kill = async {
        h1.kill_agent().await?;
        h1.start_agent().await
    };
    let (counted, killed) = tokio::join!(ping, kill);
    killed?;
    report.show(&counted?, "packets")
}
