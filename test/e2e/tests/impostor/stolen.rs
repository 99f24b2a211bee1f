//! A host's certificate and key, used by somebody else.

use weft_api::Standing;
use weft_e2e::{Cluster, Kind, Pinging, eventually, holds, underlay};
use weft_lab::{GATEWAY, Host, OUTSIDE, Service, Spec};
use weft_transport::Response;

use crate::forger::{Forger, Papers};
use crate::watched::{SOON, counted, counts_more, logs, none_lost, watch};

/// How long a certificate lives that is to run out.
const LIFE: &str = "6s";
const CLONE: &str = "weft_agent_refused_hosts_total{reason=\"clone\"}";
const NO_MEMBER: &str = "weft_agent_refused_hosts_total{reason=\"no_member\"}";
const EXPIRED: &str = "weft_agent_refused_hosts_total{reason=\"expired\"}";

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_is_refused_while_its_host_runs_and_by_all_once_that_host_is_taken_out() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    watch(&cluster, &[h1, h3]).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let p1 = cluster.plain("h1", "app", "p1", &[]).await.unwrap();
    let p2 = cluster.plain("h2", "app", "p2", &[]).await.unwrap();
    eventually(SOON, || p1.reaches(&p2)).await.unwrap();
    let pings = Pinging::start(&p1.netns, p2.address).unwrap();
    let (stolen, manager) = (Papers::of(h2).unwrap(), Papers::of(h1).unwrap().node);
    let outside = underlay(cluster.lab.host(OUTSIDE)).unwrap();

    let quiet = [h1, h3].map(|host| host.log(Service::Agent).len());

    // The thief dials with an agent of its own, and it asks without saying which agent it is.
    let thief = Forger::start(&stolen, (&outside, GATEWAY.into()), &[h1, h3]).unwrap();
    for host in [h1, h3] {
        eventually(SOON, || counts_more(host, CLONE, 0.0)).await.unwrap();
        logs(host, &["a host is refused", "clone", "192.0.2.254"]).unwrap();
    }
    let before = counted(h1, CLONE).await.unwrap();
    let renewed = stolen.renew(&outside, &manager).unwrap();
    assert!(renewed.is_err(), "{renewed:?}");
    eventually(SOON, || counts_more(h1, CLONE, before)).await.unwrap();
    assert_eq!(thief.connections(), 0);
    for (host, before) in [h1, h3].into_iter().zip(quiet) {
        assert_eq!(cluster.standing(host, "h2").await.unwrap(), Standing::Up);
        let since = host.log(Service::Agent).split_off(before);
        assert!(!since.contains("node is down"), "{}: {since}", host.name());
    }
    none_lost(&pings.finish().unwrap());

    // Its host is dead, and who has its key is that host, until it is taken out.
    h2.kill().await.unwrap();
    eventually(SOON, || async { holds(thief.connections() == 2, || "it waits".into()) })
        .await
        .unwrap();
    h1.run(&["weft", "node", "rm", "--force", "h2"]).await.unwrap();
    eventually(SOON, || async { holds(thief.connections() == 0, || "it is in".into()) })
        .await
        .unwrap();
    for host in [h1, h3] {
        eventually(SOON, || counts_more(host, NO_MEMBER, 0.0)).await.unwrap();
        logs(host, &["a host is refused", "no_member", "192.0.2.254", "its key was stolen"])
            .unwrap();
        eventually(SOON, || knows_no_h2(&cluster, host)).await.unwrap();
    }
    let renewed = stolen.renew(&outside, &manager).unwrap();
    assert!(renewed.is_err(), "{renewed:?}");
    assert_eq!(thief.connections(), 0);
    thief.end().await;
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_whose_certificate_has_run_out_is_refused_and_gets_no_new_one() {
    let spec = Spec { hosts: 3, ..Spec::default() };
    let init = ["--address-rest", "1s", "--certificate-life", LIFE];
    let cluster = Cluster::founded(spec, &init).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    watch(&cluster, &[h1, h3]).await.unwrap();
    let (stolen, manager) = (Papers::of(h2).unwrap(), Papers::of(h1).unwrap().node);
    let outside = underlay(cluster.lab.host(OUTSIDE)).unwrap();
    h2.kill().await.unwrap();
    h1.run(&["weft", "node", "rm", "--force", "h2"]).await.unwrap();

    let thief = Forger::start(&stolen, (&outside, GATEWAY.into()), &[h1, h3]).unwrap();
    for host in [h1, h3] {
        eventually(2 * SOON, || counts_more(host, EXPIRED, 0.0)).await.unwrap();
        logs(host, &["a host is refused", "expired", "192.0.2.254", "its key was stolen"]).unwrap();
    }
    let before = counted(h1, EXPIRED).await.unwrap();
    let renewed = stolen.renew(&outside, &manager).unwrap();
    let words = |error: &str| error.contains("was taken out of the cluster");
    assert!(matches!(&renewed, Ok(Response::Refused { error, .. }) if words(error)), "{renewed:?}");
    eventually(SOON, || counts_more(h1, EXPIRED, before)).await.unwrap();
    assert_eq!(thief.connections(), 0);
    thief.end().await;
    cluster.down().await.unwrap();
}

/// Neither as a node nor as somebody whose packets are let in.
async fn knows_no_h2(cluster: &Cluster, host: &Host) -> anyhow::Result<()> {
    let nodes = cluster.nodes(host).await?;
    holds(nodes.iter().all(|node| node.name.as_str() != "h2"), || format!("{nodes:?}"))?;
    let guard = host.run(&["nft", "list", "table", "inet", "weft"]).await?;
    let theirs = [cluster.host("h2")?.address(), GATEWAY].map(|address| address.to_string());
    let in_it = |address: &String| {
        guard.split([' ', ',', '\n']).any(|word| word.trim_matches(&['{', '}'][..]) == address)
    };
    holds(!theirs.iter().any(in_it), || format!("{}: {guard}", host.name()))
}
