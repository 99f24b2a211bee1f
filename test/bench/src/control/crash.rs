//! A host loses its power: its names are gone elsewhere.

use anyhow::Context as _;

use super::clock::{between, now};
use super::figure::Figure;
use super::place::Place;
use super::watcher::last;

/// Crashes the last host so often.
pub(super) async fn measure(place: &mut Place<'_>, times: usize) -> anyhow::Result<Vec<Figure>> {
    let mut values = Vec::new();
    for round in 0..times {
        values.push(once(place, &format!("x{round}")).await?);
    }
    Ok(vec![Figure::of("name of a crashed host gone, last host", values)])
}

async fn once(place: &mut Place<'_>, name: &str) -> anyhow::Result<f64> {
    place.watch(name);
    let (dies, rest) = place.stands.split_last().context("there are hosts")?;
    place.start(dies, name).await?;
    place.all("its reply", |watcher| watcher.of(name).first_reply.is_some()).await?;
    let killed = now()?;
    dies.host.kill().await?;
    weft_e2e::eventually(super::place::PATIENCE, || {
        let gone = rest.iter().all(|stand| stand.watcher.of(name).gone().is_some());
        std::future::ready(weft_e2e::holds(gone, || format!("{name} is still known")))
    })
    .await?;
    let gone = last(rest.iter().map(|stand| stand.watcher.of(name).gone()));
    dies.host.start().await?;
    place.agree_on_nodes().await?;
    for stand in &place.stands {
        stand.watcher.forget(name);
    }
    if let Some(back) = place.stands.last_mut() {
        back.renew().await?;
        back.remove(name).await?;
    }
    Ok(gone.map_or(f64::NAN, |gone| between(killed, gone)))
}
