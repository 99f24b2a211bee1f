//! Containers start and stop on all hosts at once, as fast as the machine bears it; then it is quiet.

use std::time::{Duration, Instant};

use futures::future::try_join_all;

use super::clock::{Moment, between, now};
use super::figure::Figure;
use super::place::{Place, Stand};
use super::watcher::last;

/// How long it goes on.
const SPAN: Duration = Duration::from_secs(20);
/// How often each name is asked for meanwhile: there are many.
const MEANWHILE: Duration = Duration::from_millis(100);
/// What takes longer to be agreed on than is to be reached, in milliseconds, is told one by one.
const LONG: f64 = 100.0;
/// So many containers live at a time on each host.
const ALIVE: usize = 2;
/// How long is looked on afterwards for what comes back or is missed.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// What one host has done.
#[derive(Default)]
struct Done {
    alive: Vec<String>,
    dead: Vec<String>,
    starts: Vec<f64>,
    /// When the last container ended.
    last: Moment,
}

/// Starts and stops, then waits until all agree.
pub(super) async fn measure(place: &Place<'_>) -> anyhow::Result<Vec<Figure>> {
    place.stands.iter().for_each(|stand| stand.watcher.every(Some(MEANWHILE)));
    let began = Instant::now();
    let done = try_join_all(place.stands.iter().map(|stand| one_host(place, stand, began))).await?;
    let took = began.elapsed().as_secs_f64();
    place.stands.iter().for_each(|stand| stand.watcher.every(None));
    let quiet = last(done.iter().map(|done| Some(done.last))).unwrap_or_default();
    let alive: Vec<&String> = done.iter().flat_map(|done| &done.alive).collect();
    let dead: Vec<&String> = done.iter().flat_map(|done| &done.dead).collect();
    let agreed = agreement(place, &alive, &dead, (quiet, LONG)).await?;
    let began = alive.iter().filter_map(|name| {
        let seen = place.stands.first()?.watcher.of(name);
        seen.first_reply.map(|(_, letter)| letter.stamp)
    });
    // The last event may have been a start.
    let late = began.map(|began| between(quiet, began)).fold(0.0, f64::max);
    let agreed = agreed.map(|agreed| (agreed - late).max(0.0));
    let wrong = alive.iter().chain(&dead).map(|name| {
        place.stands.iter().map(|stand| stand.watcher.forget(name).wrong).sum::<usize>()
    });
    let wrong = wrong.sum();
    for (stand, done) in place.stands.iter().zip(&done) {
        for name in &done.alive {
            stand.remove(name).await?;
        }
    }
    let starts: Vec<f64> = done.iter().flat_map(|done| done.starts.clone()).collect();
    let rate = |count: usize| u32::try_from(count).map_or(f64::NAN, f64::from) / took;
    Ok(vec![
        Figure::of("starts a second", vec![rate(starts.len())]),
        Figure::of("stops a second", vec![rate(dead.len())]),
        Figure::of("docker run", starts),
        Figure::count("wrong replies", wrong),
        Figure::of("exact agreement after the last event", agreed.into_iter().collect()),
    ])
}

async fn one_host(place: &Place<'_>, stand: &Stand<'_>, began: Instant) -> anyhow::Result<Done> {
    let mut done = Done::default();
    for round in 0.. {
        if began.elapsed() >= SPAN {
            break;
        }
        let name = format!("c{round}-{}", stand.host.name());
        place.watch(&name);
        let run = place.start(stand, &name).await?;
        done.starts.push(run.as_secs_f64() * 1e3);
        done.alive.push(name);
        if done.alive.len() > ALIVE {
            let oldest = done.alive.remove(0);
            place.stands.iter().for_each(|stand| stand.watcher.end_is_near(&oldest));
            done.last = stand.end(&oldest)?;
            stand.remove(&oldest).await?;
            done.dead.push(oldest);
        }
    }
    Ok(done)
}

/// How long after `quiet` every host answered every living name rightly, and no dead one; what took longer
/// than `long` milliseconds is told.
pub(super) async fn agreement(
    place: &Place<'_>,
    alive: &[&String],
    dead: &[&String],
    (quiet, long): (Moment, f64),
) -> anyhow::Result<Option<f64>> {
    let seen = now()?;
    place
        .all("what lives and what does not", |watcher| {
            alive.iter().all(|name| watcher.of(name).right(seen).is_some())
                && dead.iter().all(|name| watcher.of(name).gone().is_some())
        })
        .await?;
    tokio::time::sleep(AFTERWARDS).await;
    let seen = |stand: &Stand<'_>| {
        let right = alive.iter().map(|name| (*name, stand.watcher.of(name).right(seen)));
        let gone = dead.iter().map(|name| (*name, stand.watcher.of(name).gone()));
        right
            .chain(gone)
            .map(|(name, since)| tell_late(stand, name, (quiet, long), since))
            .collect()
    };
    let since: Vec<Vec<Option<Moment>>> = place.stands.iter().map(seen).collect();
    Ok(last(since.into_iter().flatten()).map(|since| between(quiet, since).max(0.0)))
}

/// What was late, and all that was answered before.
fn tell_late(
    stand: &Stand<'_>,
    name: &str,
    (quiet, long): (Moment, f64),
    since: Option<Moment>,
) -> Option<Moment> {
    if since.is_none_or(|since| between(quiet, since) > long) {
        println!("{} is late with {name}:", stand.host.name());
        for (at, addresses) in stand.watcher.of(name).answers {
            println!("  {:.0} ms: {addresses:?}", between(quiet, at));
        }
    }
    since
}
