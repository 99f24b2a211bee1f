//! The control plane: how soon what happens on one host is known on all, seen from inside containers.
//!
//! Five hosts, each with a real Engine and one container that stays. In that container's network
//! namespace a [`Watcher`] asks the name server every few milliseconds for every name that is of
//! interest, and sends to whatever address it is told. What it sends to is a
//! [`subject`]: a container that stamps the time with its first instruction. One clock for all.
//!
//! Beside Weft's figures stand Docker's own, measured in the same way on another day
//! ([`mod@reference`]).

mod churn;
mod clock;
mod crash;
mod cut;
mod figure;
mod place;
mod question;
mod reference;
mod report;
mod sightings;
mod start;
pub(crate) mod subject;
mod watcher;

use std::path::Path;

use place::Place;
use report::Report;
use watcher::Watcher;

/// How many hosts there are.
const HOSTS: u8 = 5;
/// So many containers are started and stopped, one after another.
const STARTS: usize = 20;
/// Of each host's link, each way: a packet passes two, so that 6 % of them are lost.
const LOSS: u8 = 3;
/// How many hosts crash.
const CRASHES: usize = 3;
/// Where the figures go.
const FILE: &str = "target/bench/control.json";

/// Measures, prints, and writes the figures.
pub(crate) async fn measure() -> anyhow::Result<()> {
    let cluster = place::cluster(HOSTS).await?;
    let mut place = Place::new(&cluster).await?;
    let mut report = Report::default();
    println!("{STARTS} starts and stops, one after another");
    report.add("start", start::measure(&place, "s", STARTS).await?);
    println!("the same while packets are lost");
    place.lose(LOSS).await?;
    report.add("loss", start::measure(&place, "l", STARTS).await?);
    place.lose(0).await?;
    println!("as many starts and stops as the machine bears");
    report.add("churn", churn::measure(&place).await?);
    println!("a host is cut off for 30 s");
    report.add("cut", cut::measure(&place).await?);
    println!("{CRASHES} crashes");
    report.add("crash", crash::measure(&mut place, CRASHES).await?);
    report.print();
    report.write(Path::new(FILE))?;
    drop(place);
    cluster.down().await
}
