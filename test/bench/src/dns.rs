//! Name servers: Docker's on a bridge network of its own, and Weft's, on one host in one run.
//!
//! Both sides have three containers: one that is asked for, one that asks, one that abuses. The
//! load runs inside the asking container's network namespace. The sides take turns, load by load.

use std::future::ready;
use std::path::Path;
use std::time::Duration;

use weft_e2e::{Asker, Cluster, Container, Kind, eventually};
use weft_kernel::Netns;
use weft_lab::NAME_SERVERS;

use crate::abuse::Abuser;
use crate::figures::Figures;
use crate::load::Load;
use crate::question::Names;
use crate::report::{Report, Row};

/// How often each load is repeated.
const REPETITIONS: usize = 5;
/// How long each load lasts.
const SPAN: Duration = Duration::from_secs(1);
/// Within this time a new container is found.
const SOON: Duration = Duration::from_secs(10);
/// Where the figures go.
const FILE: &str = "target/bench/dns.json";

/// One load, with or without somebody who abuses the same name server.
struct Case {
    what: &'static str,
    names: Names,
    outstanding: u16,
    abused: bool,
}

const CASES: [Case; 7] = [
    case("a container's name, 1 outstanding", Names::One("target"), 1),
    case("a container's name, 16 outstanding", Names::One("target"), 16),
    case("a container's name, 64 outstanding", Names::One("target"), 64),
    case("unknown names, 1 outstanding", Names::Unknown, 1),
    case("unknown names, 16 outstanding", Names::Unknown, 16),
    case("unknown names, 64 outstanding", Names::Unknown, 64),
    Case { abused: true, ..case("1 outstanding, beside an abuser", Names::One("target"), 1) },
];

const fn case(what: &'static str, names: Names, outstanding: u16) -> Case {
    Case { what, names, outstanding, abused: false }
}

/// The namespaces that ask on one side.
struct Side {
    asker: Netns,
    abuser: Netns,
}

/// Measures, prints, and writes the figures.
pub(crate) async fn measure() -> anyhow::Result<()> {
    let cluster = Cluster::up(1, Kind::Docker).await?;
    let host = cluster.host("h1")?;
    let engine = host.docker(&["version", "-f", "{{.Server.Version}}"]).await?.trim().to_owned();
    host.docker(&["network", "create", "own"]).await?;
    cluster.network("woven", &[]).await?;
    let mut containers = Vec::new();
    // Each side has its own name server beyond: the host translates addresses for both, and who comes
    // second would find the ports taken that its questions leave by.
    let [first, second] = NAME_SERVERS.map(|server| server.to_string());
    let docker = side(&cluster, "own", &first, &mut containers).await?;
    let weft = side(&cluster, "woven", &second, &mut containers).await?;
    let rows = tokio::task::block_in_place(|| rows(&docker, &weft))?;
    drop(containers);
    cluster.down().await?;
    let report = Report { engine, repetitions: REPETITIONS, rows };
    report.print();
    report.write(Path::new(FILE))
}

async fn side<'a>(
    cluster: &'a Cluster,
    network: &str,
    beyond: &str,
    containers: &mut Vec<Container<'a>>,
) -> anyhow::Result<Side> {
    let host = cluster.host("h1")?;
    let name = |part: &str| format!("{network}-{part}");
    let alias = ["--network-alias", "target"];
    containers.push(Container::start(host, network, &name("target"), &alias).await?);
    let asks = ["--dns", beyond];
    let asker = Container::start(host, network, &name("asker"), &asks).await?;
    let abuser = Container::start(host, network, &name("abuser"), &asks).await?;
    for container in [&asker, &abuser] {
        let asker = Asker::of(container).await?;
        eventually(SOON, || ready(asker.resolves(&["target"]))).await?;
    }
    let side = Side { asker: asker.netns().await?, abuser: abuser.netns().await? };
    containers.extend([asker, abuser]);
    Ok(side)
}

fn rows(docker: &Side, weft: &Side) -> anyhow::Result<Vec<Row>> {
    CASES.iter().map(|case| row(case, docker, weft)).collect()
}

fn row(case: &Case, docker: &Side, weft: &Side) -> anyhow::Result<Row> {
    let (mut of_docker, mut of_weft) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        of_docker.push(once(case, docker)?);
        of_weft.push(once(case, weft)?);
    }
    let (docker, weft) = (Figures::median(&of_docker), Figures::median(&of_weft));
    Ok(Row { what: case.what.to_owned(), docker, weft })
}

fn once(case: &Case, side: &Side) -> anyhow::Result<Figures> {
    let abuser = case.abused.then(|| Abuser::start(side.abuser.clone(), case.names));
    let load = Load { names: case.names, outstanding: case.outstanding, span: SPAN };
    let figures = load.run(&side.asker);
    drop(abuser);
    figures
}
