//! One host is cut off from all others for 30 s. Containers start and stop on both sides meanwhile.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::churn::agreement;
use super::clock::{between, now};
use super::figure::Figure;
use super::place::{Place, Stand};
use super::watcher::last;

/// How long the cut lasts.
const SPAN: Duration = Duration::from_secs(30);
/// What takes longer to be agreed on than is to be reached, in milliseconds, is told one by one.
const LONG: f64 = 1_000.0;
/// So many containers there are on each side before, and are started there meanwhile.
const EACH: usize = 3;

/// A container and the host that it is on.
type Placed<'p> = (&'p Stand<'p>, String);

/// What has happened during the cut.
#[derive(Default)]
struct Meanwhile<'p> {
    alive: Vec<Placed<'p>>,
    dead: Vec<String>,
    /// How long starts took on the host that is cut off.
    starts: Vec<f64>,
    refused: usize,
}

/// Cuts, and heals.
pub(super) async fn measure(place: &Place<'_>) -> anyhow::Result<Vec<Figure>> {
    let (alone, rest) = place.stands.split_last().context("there are hosts")?;
    let sides = [alone, rest.last().context("there are other hosts")?];
    let old = before(place, &sides).await?;
    let (began, cut) = (Instant::now(), now()?);
    alone.host.cut().await?;
    let meanwhile = meanwhile(place, &sides, old).await?;
    tokio::time::sleep(SPAN.saturating_sub(began.elapsed())).await;
    // One of the other side that still lives, as the majority sees it.
    let hidden = last(rest.iter().map(|stand| stand.watcher.of("old1-0").gone()));
    let healed = now()?;
    alone.host.heal().await?;
    let Meanwhile { alive, dead, starts, refused } = meanwhile;
    let living: Vec<&String> = alive.iter().map(|(_, name)| name).collect();
    let agreed =
        agreement(place, &living, &dead.iter().collect::<Vec<_>>(), (healed, LONG)).await?;
    for (stand, name) in &alive {
        stand.remove(name).await?;
    }
    for name in living.into_iter().chain(&dead) {
        place.stands.iter().for_each(|stand| drop(stand.watcher.forget(name)));
    }
    place.agree_on_nodes().await?;
    let hidden = hidden.map(|gone| between(cut, gone));
    Ok(vec![
        Figure::of("docker run on the cut host, meanwhile", starts),
        Figure::count("starts refused", refused),
        Figure::of("the majority hides the cut host's names", hidden.into_iter().collect()),
        Figure::of("exact agreement after healing", agreed.into_iter().collect()),
    ])
}

/// Containers on both sides that all hosts know.
async fn before<'p>(place: &Place<'_>, sides: &[&'p Stand<'p>]) -> anyhow::Result<Vec<Placed<'p>>> {
    let mut old = Vec::new();
    for (side, stand) in sides.iter().enumerate() {
        for n in 0..EACH {
            let name = format!("old{n}-{side}");
            place.watch(&name);
            place.start(stand, &name).await?;
            old.push((*stand, name));
        }
    }
    for (_, name) in &old {
        place.all(name, |watcher| watcher.of(name).first_reply.is_some()).await?;
    }
    Ok(old)
}

/// Starts some on both sides, and stops some.
async fn meanwhile<'p>(
    place: &Place<'_>,
    sides: &[&'p Stand<'p>],
    old: Vec<Placed<'p>>,
) -> anyhow::Result<Meanwhile<'p>> {
    let mut happened = Meanwhile::default();
    for (side, stand) in sides.iter().enumerate() {
        for n in 0..EACH {
            let name = format!("new{n}-{side}");
            place.watch(&name);
            match place.start(stand, &name).await {
                Ok(run) => {
                    let took = (side == 0).then_some(run.as_secs_f64() * 1e3);
                    happened.starts.extend(took);
                    happened.alive.push((*stand, name));
                }
                Err(error) => {
                    println!("{name} is refused: {error:#}");
                    happened.refused += 1;
                }
            }
        }
    }
    for (stand, name) in old {
        if name.starts_with("old0") {
            stand.remove(&name).await?;
            happened.dead.push(name);
        } else {
            happened.alive.push((stand, name));
        }
    }
    Ok(happened)
}
