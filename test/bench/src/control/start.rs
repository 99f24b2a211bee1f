//! Containers start and stop, one after another, on each host in turn.

use super::clock::{Moment, between};
use super::figure::Figure;
use super::place::{Place, Stand};
use super::sightings::Sightings;
use super::watcher::last;

/// The values of one start and stop, in the order of [`NAMES`].
type Values = [f64; 9];

/// What is told.
const NAMES: [&str; 9] = [
    "name at the last other host",
    "name at the first other host",
    "name on its own host",
    "first answered packet, last other host",
    "first answered packet, own host",
    "name gone at the last other host, after the exit",
    "name gone on its own host, after the exit",
    "docker run",
    "wrong replies",
];

/// Starts and stops `count` containers.
pub(super) async fn measure(
    place: &Place<'_>,
    prefix: &str,
    count: usize,
) -> anyhow::Result<Vec<Figure>> {
    let mut rounds = Vec::new();
    for (round, stand) in (0..count).zip(place.stands.iter().cycle()) {
        rounds.push(once(place, stand, &format!("{prefix}{round}")).await?);
    }
    let figure = |(at, what): (usize, &'static str)| {
        Figure::of(what, rounds.iter().filter_map(|values| values.get(at).copied()).collect())
    };
    Ok(NAMES.into_iter().enumerate().map(figure).collect())
}

async fn once(place: &Place<'_>, own: &Stand<'_>, name: &str) -> anyhow::Result<Values> {
    place.watch(name);
    let run = place.start(own, name).await?;
    place.all("its reply", |watcher| watcher.of(name).first_reply.is_some()).await?;
    let ended = own.end(name)?;
    place.all("its end", |watcher| watcher.of(name).gone().is_some()).await?;
    own.remove(name).await?;
    let (mut others, mut here) = (Vec::new(), Sightings::default());
    for stand in &place.stands {
        let seen = stand.watcher.forget(name);
        if stand.host.name() == own.host.name() {
            here = seen;
        } else {
            others.push(seen);
        }
    }
    Ok(values(&others, &here, ended, run.as_secs_f64() * 1e3))
}

fn values(others: &[Sightings], here: &Sightings, ended: Moment, run: f64) -> Values {
    let began = here.first_reply.as_ref().map(|(_, letter)| letter.stamp).unwrap_or_default();
    let since = |from: Moment, to: Option<Moment>| to.map_or(f64::NAN, |to| between(from, to));
    let resolved = || others.iter().map(Sightings::resolved);
    let reply = |seen: &Sightings| seen.first_reply.as_ref().map(|(at, _)| *at);
    let wrong: usize = others.iter().chain([here]).map(|seen| seen.wrong).sum();
    [
        since(began, last(resolved())),
        since(began, resolved().flatten().min()),
        since(began, here.resolved()),
        since(began, last(others.iter().map(reply))),
        since(began, reply(here)),
        since(ended, last(others.iter().map(Sightings::gone))),
        since(ended, here.gone()),
        run,
        u32::try_from(wrong).map_or(f64::INFINITY, f64::from),
    ]
}
