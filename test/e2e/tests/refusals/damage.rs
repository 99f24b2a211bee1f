//! Damaged and missing state files.

use std::time::Duration;

use weft_e2e::{Cluster, Kind, eventually, holds};
use weft_lab::{Host, Service};

use crate::asked::{agent, kernel_of, state_of, weft};
use crate::table::SOON;

/// Ways to damage a file, whose name follows.
const GARBAGE: &str = "printf '{\"cluster\": nonsense' > ";
const EMPTY: &str = "truncate -s 0 ";
const HALF: &str = "truncate -s 20000 ";
const BENT: &str = "dd conv=notrunc bs=1 count=64 if=/dev/zero status=none of=";

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_file_is_named_and_left_alone_and_a_damaged_cache_is_asked_for_again() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    cluster.network("app", &[]).await.unwrap();
    weft(h1, "attach --network app --name one NETNS").await;
    weft(h2, "attach --network app --name two NETNS").await;
    let both = || async {
        let seen = cluster.endpoints(h2).await?.len();
        holds(seen == 2, || format!("h2 knows {seen} endpoints"))
    };
    eventually(SOON, both).await.unwrap();
    let before = (state_of(h1).await, state_of(h2).await);

    for (host, file, damage) in [
        (h2, "member.json", GARBAGE),
        (h2, "member.json", EMPTY),
        (h2, "local.redb", GARBAGE),
        (h2, "local.redb", BENT),
        (h1, "manager.redb", HALF),
        (h1, "manager.redb", EMPTY),
    ] {
        damaged(host, &format!("/var/lib/weft/{file}"), damage).await;
    }
    for (host, file) in [(h2, "local.redb"), (h1, "manager.redb")] {
        missing(host, &format!("/var/lib/weft/{file}")).await;
    }

    h2.stop_agent().await.unwrap();
    h2.run(&["sh", "-c", &format!("{GARBAGE}/var/lib/weft/registry.json")]).await.unwrap();
    h1.cut().await.unwrap();
    let (kernel, of_h2) = (kernel_of(h2).await, before.1.clone());
    h2.start_agent().await.unwrap();
    let log = h2.log(Service::Agent);
    assert!(log.contains("the cached registry is ignored"), "{log}");
    assert!(log.contains("registry.json is damaged"), "{log}");
    assert_eq!(kernel_of(h2).await, kernel, "without the registry the kernel is left as it is");
    h1.heal().await.unwrap();
    let again = || async {
        eventually(Duration::ZERO, both).await?;
        let (now1, now2) = (state_of(h1).await, state_of(h2).await);
        holds(now1 == before.0 && now2 == of_h2, || format!("{now2} instead of {of_h2}"))
    };
    eventually(SOON, again).await.unwrap();
    // The address of `two` is still its own.
    let third: weft_api::AttachmentView = serde_json::from_str(
        &weft(h2, "attach --network app --name three NETNS --output json").await,
    )
    .unwrap();
    let all = cluster.endpoints(h2).await.unwrap();
    let twice = all.iter().filter(|e| e.addresses == third.endpoint.addresses).count();
    assert_eq!(twice, 1, "{all:#?}");
    cluster.down().await.unwrap();
}

/// The agent does not start, names the file and leaves it; with the old file it starts again.
async fn damaged(host: &Host, path: &str, damage: &str) {
    host.stop_agent().await.unwrap();
    let damage = format!("cp -p {path} /tmp/saved && {damage}{path} && sha256sum {path}");
    let sum = host.run(&["sh", "-c", &damage]).await.unwrap();
    let said = agent(host, "", "").await;
    assert!(said.contains(&format!("the state file {path} is damaged")), "{said}");
    assert!(said.contains("was left as it is"), "{said}");
    assert!(said.contains("mv /var/lib/weft"), "{said}");
    assert_eq!(host.run(&["sha256sum", path]).await.unwrap(), sum, "the file was touched");
    host.run(&["cp", "-p", "/tmp/saved", path]).await.unwrap();
    host.start_agent().await.unwrap();
}

/// As [`damaged`], of a file that is gone; none is made in its place.
async fn missing(host: &Host, path: &str) {
    host.stop_agent().await.unwrap();
    let away = format!("{path}.away");
    host.run(&["mv", path, &away]).await.unwrap();
    let said = agent(host, "", "").await;
    assert!(said.contains(&format!("the state file {path} is missing")), "{said}");
    assert!(!host.exec(&["test", "-e", path]).await.unwrap().is_success(), "it was made anew");
    host.run(&["mv", &away, path]).await.unwrap();
    host.start_agent().await.unwrap();
}
