//! Many containers at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "integration tests, which say what they measured"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use weft_e2e::{Cluster, Container, Kind};

/// Containers of each network.
const EACH: usize = 15;

/// Where container `number` of a network runs.
fn host_of(number: usize) -> String {
    format!("h{}", number % 3 + 1)
}

async fn start<'a>(
    cluster: &'a Cluster,
    network: &str,
    number: usize,
) -> anyhow::Result<(Container<'a>, Duration)> {
    let began = Instant::now();
    let name = format!("{network}{number}");
    let container = cluster.container(&host_of(number), network, &name).await?;
    Ok((container, began.elapsed()))
}

/// Name to address of all containers that the Engines have, as they say it.
async fn addresses(cluster: &Cluster) -> anyhow::Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for host in cluster.lab.hosts() {
        let ids = host.docker(&["ps", "-q"]).await?;
        let format = "{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let inspect: Vec<&str> = ["inspect", "-f", format].into_iter().chain(ids.lines()).collect();
        let told = host.docker(&inspect).await?;
        all.extend(told.lines().filter_map(|line| {
            let (name, address) = line.trim_start_matches('/').split_once(' ')?;
            Some((name.to_owned(), address.to_owned()))
        }));
    }
    Ok(all)
}

/// What a container finds: `NAME ADDRESS` of each that answers by name, and what should be silent.
async fn found(
    container: &Container<'_>,
    known: &BTreeMap<String, String>,
    strangers: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeSet<String>> {
    let words =
        |words: Vec<&String>| words.into_iter().map(|w| format!(" {w}")).collect::<String>();
    let script = format!(
        "for n in{}; do ping -c1 -W2 $n | sed -n \"s/^64 bytes from \\([0-9.]*\\).*/$n \\1/p\"; done
         for n in{}; do nslookup -type=a $n 127.0.0.11 | grep -q ^Name: && echo heard $n; done
         for a in{}; do ping -c1 -W1 $a >/dev/null 2>&1 && echo reached $a & done; wait",
        words(known.keys().collect()),
        words(strangers.keys().collect()),
        words(strangers.values().collect()),
    );
    let out = container.exec(&["sh", "-c", &script]).await?;
    Ok(out.stdout.lines().map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_containers_started_at_once_find_all_of_their_own_network_and_none_of_the_other() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    cluster.network("shop", &[]).await.unwrap();

    let began = Instant::now();
    let starts =
        ["app", "shop"].into_iter().flat_map(|network| (0..EACH).map(move |n| (network, n)));
    let started =
        try_join_all(starts.map(|(network, n)| start(&cluster, network, n))).await.unwrap();
    let took = began.elapsed();
    let mut times: Vec<Duration> = started.iter().map(|(_, time)| *time).collect();
    times.sort();
    println!(
        "30 starts at once: {took:.1?}; one start: median {:.1?}, longest {:.1?}",
        times[15], times[29]
    );

    let all = addresses(&cluster).await.unwrap();
    assert_eq!(all.len(), 2 * EACH, "{all:?}");
    let distinct: BTreeSet<&String> = all.values().collect();
    assert_eq!(distinct.len(), 2 * EACH, "an address twice: {all:?}");

    let began = Instant::now();
    let (app, shop): (BTreeMap<_, _>, BTreeMap<_, _>) =
        all.into_iter().partition(|(name, _)| name.starts_with("app"));
    let looks = started.iter().map(|(container, _)| async {
        let is_app = container.name.starts_with("app");
        let (own, others) = if is_app { (&app, &shop) } else { (&shop, &app) };
        let expected: BTreeSet<String> = own.iter().map(|(n, a)| format!("{n} {a}")).collect();
        let found = found(container, own, others).await?;
        anyhow::ensure!(found == expected, "{} found {found:?}", container.name);
        Ok(())
    });
    try_join_all(looks).await.unwrap();
    println!("30 containers asked and pinged 15 names each: {:.1?}", began.elapsed());
    cluster.down().await.unwrap();
}
