//! Item 10: whatever is asked wrongly is refused in words, and nothing has changed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

#[path = "refusals/asked.rs"]
mod asked;

use std::net::UdpSocket;
use std::time::Duration;

use asked::{agent, end, kernel_of, refused, refused_by, state_of, weft};
use weft_e2e::{Cluster, Kind, eventually, holds};
use weft_kernel::Netns;
use weft_lab::{Host, Lab, Service, Spec};

/// One line of a table: what is typed, how it ends, and words that the refusal has.
type Line<'a> = (&'a str, i32, &'a [&'a str]);

const SOON: Duration = Duration::from_secs(10);

/// Types each line on a host; each is refused so, and leaves everything as it was.
async fn table(host: &Host, lines: &[Line<'_>]) {
    let before = state_of(host).await;
    let mut wrong = Vec::new();
    for (typed, exit, words) in lines {
        match refused(host, typed, *exit).await {
            Ok(said) => {
                println!("  weft {typed}\n      {said}");
                let missing = words.iter().filter(|word| !said.contains(**word));
                wrong.extend(missing.map(|word| format!("{typed}: no `{word}` in: {said}")));
            }
            Err(why) => wrong.push(format!("{typed}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "on {}:\n{}", host.name(), wrong.join("\n"));
    same(&state_of(host).await, &before);
}

/// Shows only the lines that differ, if some do.
#[track_caller]
fn same(after: &str, before: &str) {
    let only = |one: &str, other: &str| -> Vec<String> {
        one.lines().filter(|line| !other.lines().any(|l| l == *line)).map(str::to_owned).collect()
    };
    let (gone, new) = (only(before, after), only(after, before));
    assert!(after == before, "something has changed: gone {gone:#?}, new {new:#?}");
}

async fn plain_lab(hosts: u8) -> Lab {
    Lab::up(Spec { hosts, docker: false, ..Spec::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_in_a_cluster_is_refused_and_changes_nothing() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    cluster.network("app", &["--subnet", "10.7.0.0/24", "--vni", "5000"]).await.unwrap();
    cluster.network("tiny", &["--subnet", "10.8.0.0/29"]).await.unwrap();
    for name in ["a1", "a2", "a3", "a4", "a5"] {
        weft(h1, &format!("attach --network tiny --name {name} NETNS")).await;
    }
    weft(h1, "attach --network app --name web NETNS").await;
    let sees = || async {
        let seen = cluster.endpoints(h2).await?.len();
        holds(seen == 0, || format!("h2 knows {seen} endpoints of networks that it is not on"))
    };
    eventually(SOON, sees).await.unwrap();

    let networks: &[Line<'_>] = &[
        (
            "network create n --subnet 10.7.0.0/24",
            1,
            &["10.7.0.0/24 overlaps", "network app", "leave out"],
        ),
        ("network create n --subnet 10.0.0.0/8", 1, &["overlaps 10."]),
        ("network create n --subnet 10.7.0.128/25", 1, &["overlaps 10.7.0.0/24"]),
        ("network create n --subnet 10.9.0.5/24", 64, &["host bits", "--subnet 10.9.0.0/24"]),
        ("network create n --subnet 10.9.0.0/30", 64, &["/8 to /29", "leave out"]),
        ("network create n --subnet 10.0.0.0/7", 64, &["/8 to /29"]),
        ("network create n --subnet 127.1.0.0/16", 64, &["reserved for another purpose"]),
        ("network create n --subnet 224.1.0.0/16", 64, &["reserved for another purpose"]),
        ("network create n --subnet 10.9.0.0", 64, &["10.9.0.0", "--subnet"]),
        ("network create n --subnet 10.9.0.0/33", 64, &["10.9.0.0/33", "--subnet"]),
        ("network create n --subnet garbage", 64, &["garbage", "--subnet"]),
        ("network create n --subnet fd00::/200", 64, &["fd00::/200"]),
        (
            "network create n --subnet 10.9.0.0/24 --gateway 10.10.0.1",
            64,
            &["gateway 10.10.0.1 is not a host address", "leave the gateway out"],
        ),
        ("network create n --subnet 10.9.0.0/24 --gateway 10.9.0.255", 64, &["gateway 10.9.0.255"]),
        ("network create n --gateway 10.9.0.1", 64, &["--subnet"]),
        ("network create app", 1, &["the name app is taken", "weft network ls"]),
        ("network create APP", 1, &["the name app is taken"]),
        ("network create a.b", 64, &["not a DNS label", "dots"]),
        ("network create a_/b", 64, &["letters, digits"]),
        ("network create n-", 64, &["neither begins nor ends with `-`"]),
        ("network create é", 64, &["letters, digits"]),
        (
            "network create aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            64,
            &["at most 63"],
        ),
        ("network create n --vni 5000", 1, &["VNI 5000 is taken", "app", "leave out"]),
        ("network create n --vni 0", 64, &["VNI 0 is out of range", "4096 to 16777215"]),
        ("network create n --vni 4095", 64, &["VNI 4095 is out of range"]),
        ("network create n --vni 16777216", 64, &["VNI 16777216 is out of range"]),
        ("network create n --vni 99999999999", 64, &["99999999999"]),
        (
            "network create n --mtu 9000",
            64,
            &["9000 does not fit", "the underlay leaves 1450", "1450 or less"],
        ),
        ("network create n --mtu 1451", 64, &["1451 does not fit"]),
        ("network create n --mtu 575", 64, &["out of range", "576"]),
        ("network create n --mtu 70000", 64, &["out of range", "65535"]),
        ("network inspect none", 2, &["no network `none`", "weft network ls"]),
        ("network rm none", 2, &["no network `none`", "weft network ls"]),
        ("network rm app", 1, &["network app is in use on h1", "weft endpoint ls --network app"]),
        ("network rm tiny none", 1, &["in use on h1", "no network `none`"]),
        ("node inspect none", 2, &["no node `none`", "weft node ls"]),
        ("node rm none", 2, &["no node `none`"]),
        ("node rm h1", 1, &["h1", "weft node rm --force h1"]),
        ("node rm --force h1", 1, &["last manager", "another manager"]),
        ("endpoint inspect none", 2, &["no endpoint `none`", "weft endpoint ls"]),
        ("endpoint ls --network none", 2, &["no network `none`"]),
        ("path none web", 2, &["none"]),
        ("detach none", 2, &["no endpoint `none`", "weft endpoint ls"]),
        (
            "attach --network tiny --name full NETNS",
            1,
            &["tiny", "full", "10.8.0.0/29", "larger subnet"],
        ),
        (
            "attach --network app --name web NETNS",
            1,
            &["`web` is taken on this host", "weft detach web"],
        ),
        ("attach --network none --name w NETNS", 2, &["no network `none`"]),
        (
            "attach --network app --name w nowhere",
            2,
            &["cannot use /run/netns/nowhere as a network namespace", "ip netns"],
        ),
        (
            "attach --network app --name w /etc/passwd",
            64,
            &["cannot use /etc/passwd as a network namespace"],
        ),
        (
            "attach --network app --name w 999999",
            2,
            &["cannot use /proc/999999/ns/net as a network namespace"],
        ),
        ("attach --network app --name w --ip 10.7.0.1 NETNS", 64, &["10.7.0.1", "gateway"]),
        ("attach --network app --name w --ip 10.99.0.1 NETNS", 64, &["10.99.0.1"]),
        ("attach --network app --name w.x NETNS", 64, &["not a DNS label"]),
        ("init", 1, &["already a member of cluster `weft`", "weft leave"]),
        ("join weft-1-x 192.0.2.2", 1, &["already a member of cluster `weft`", "weft leave"]),
        ("token nobody", 64, &["nobody", "worker"]),
        ("token --rotate --ttl soon", 64, &["soon"]),
        ("frobnicate", 64, &["frobnicate"]),
    ];
    table(h1, networks).await;

    // A worker is told the same, over the wire, and some more.
    let worker: &[Line<'_>] = &[
        ("network create app", 1, &["the name app is taken"]),
        ("network create n --subnet 10.7.0.0/16", 1, &["overlaps 10.7.0.0/24"]),
        ("network create n --subnet 10.9.0.5/24", 64, &["host bits"]),
        ("network create n --vni 5000", 1, &["VNI 5000 is taken"]),
        ("network rm tiny", 1, &["in use on h1"]),
        ("attach --network tiny --name w NETNS", 1, &["tiny", "larger subnet"]),
        ("node rm h1", 1, &["may not remove another node", "on a manager"]),
        ("token", 2, &["only managers know join tokens", "manager"]),
        ("init", 1, &["already a member"]),
    ];
    table(h2, worker).await;

    weft(h2, "attach --network app --name far NETNS").await;
    table(h1, &[("node rm h2", 1, &["node h2 is in use", "app", "--force h2"])]).await;
    h1.cut().await.unwrap();
    eventually(SOON, || async {
        let cluster = cluster.status(h2).await?.cluster.unwrap();
        holds(!cluster.manager_reachable, || "h2 still reaches the manager".into())
    })
    .await
    .unwrap();
    table(h2, &[("network create n", 1, &["no manager answers", "weft node ls"])]).await;
    h1.heal().await.unwrap();
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_become_a_member_is_told_why_and_nobody_has_heard_of_it() {
    let lab = plain_lab(3).await;
    let (h1, h2, h3) = (lab.host("h1"), lab.host("h2"), lab.host("h3"));
    let no_member: &[Line<'_>] = &[
        ("network ls", 1, &["this host is not in a cluster", "weft init", "weft join"]),
        ("network create n", 1, &["not in a cluster"]),
        ("node ls", 1, &["not in a cluster"]),
        ("attach --network n --name w NETNS", 1, &["not in a cluster"]),
        ("token", 1, &["not in a cluster"]),
        ("leave", 1, &["not in a cluster"]),
        (
            "init --advertise 10.99.99.99",
            64,
            &["no interface of this host has address 10.99.99.99", "ip -br address"],
        ),
        ("init --vxlan-port 0", 64, &["--vxlan-port"]),
        ("init --subnet-prefix 30", 64, &["/30", "/8 to /29"]),
        ("init --pool 10.0.0.0/26", 64, &["/24 cannot be taken from the pools"]),
        ("init --node-name a.b", 64, &["not a DNS label"]),
        (
            "init --socket /run/nowhere.sock",
            1,
            &["there is no agent at /run/nowhere.sock", "systemctl start weft"],
        ),
    ];
    table(h3, no_member).await;
    weft(h1, "init").await;
    weft(h2, "init --name other").await;
    let of_h1 = weft(h1, "token --quiet").await;
    let of_h1 = of_h1.trim();
    let (cut, flipped) = (&of_h1[..of_h1.len() - 3], flip(of_h1));
    let managers = (state_of(h1).await, state_of(h2).await);

    let join = |token: &str, rest: &str| format!("join --token {token} {rest}");
    let taken = join(of_h1, "192.0.2.1 --node-name h1");
    let lines = [
        (join("nonsense", "192.0.2.1"), 64, ["no join token", "does not begin with `weft-1-`"]),
        (join(cut, "192.0.2.1"), 64, ["no join token", "it may have been cut off"]),
        (join(&flipped, "192.0.2.1"), 2, ["not one of this cluster's", "weft token"]),
        (
            join(of_h1, "192.0.2.2"),
            2,
            ["not of the cluster that this token is for", "the CA's hash differs"],
        ),
        (
            join(of_h1, "192.0.2.3:4999"),
            1,
            ["no manager answers at UDP 192.0.2.3:4999", "firewall"],
        ),
        (join(of_h1, "nowhere"), 64, ["`nowhere:4788` is no host", "HOST:PORT"]),
        (join(of_h1, "192.0.2.1:port"), 64, ["`port` is not a port", "weft join"]),
        (
            join(of_h1, "192.0.2.1 --advertise 10.9.9.9"),
            64,
            ["has address 10.9.9.9", "ip -br address"],
        ),
        (taken, 2, ["the node name h1 is taken", "--node-name"]),
    ];
    let lines: Vec<Line<'_>> =
        lines.iter().map(|(t, e, w)| (t.as_str(), *e, w.as_slice())).collect();
    table(h3, &lines).await;
    same(&state_of(h1).await, &managers.0);
    same(&state_of(h2).await, &managers.1);

    let rotated = weft(h1, "token --rotate --ttl 1s --output json").await;
    let rotated: serde_json::Value = serde_json::from_str(&rotated).unwrap();
    let expiring = rotated["token"].as_str().unwrap();
    let (old, expired) = (join(of_h1, "192.0.2.1"), join(expiring, "192.0.2.1"));
    table(h3, &[(&old, 2, &["not one of this cluster's", "weft token"])]).await;
    past(h1, rotated["expires_at"].as_str().unwrap()).await;
    table(h3, &[(&expired, 2, &["has expired", "weft token --rotate"])]).await;
    same(&state_of(h1).await.replace("registry.json\n", ""), &managers.0);

    let good = weft(h1, "token --rotate --quiet").await;
    let good = join(good.trim(), "192.0.2.1");
    h3.run(&[
        "ip", "link", "add", "foreign", "type", "vxlan", "id", "7", "dstport", "4789", "dev",
        "eth0",
    ])
    .await
    .unwrap();
    let device = ["UDP port 4789 is in use on this host: VXLAN device foreign", "remove that user"];
    table(h3, &[(&good, 1, &device), ("init", 1, &device)]).await;
    h3.run(&["ip", "link", "del", "foreign"]).await.unwrap();
    for (port, words) in [
        (4789, ["UDP port 4789 is in use on this host", "remove that user"]),
        (4788, ["UDP 0.0.0.0:4788: Address already in use", "weft agent --listen"]),
    ] {
        let socket = Netns::open(&h3.netns()).unwrap();
        let socket = socket.run(move || UdpSocket::bind(("0.0.0.0", port)).unwrap()).unwrap();
        table(h3, &[(&good, 1, &words), ("init", 1, &words)]).await;
        drop(socket);
    }
    same(&state_of(h1).await.replace("registry.json\n", ""), &managers.0);
    weft(h3, &good).await;
    lab.down().await.unwrap();
}

/// The token with another last digit.
fn flip(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

/// Waits until a host's clock is past `time`.
async fn past(host: &Host, time: &str) {
    let later = format!("[ $(date +%s) -ge $(date -d {time} +%s) ]");
    eventually(SOON, || async { Ok(host.run(&["sh", "-c", &later]).await?) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_or_cannot_run_weft_is_told_what_is_missing() {
    let lab = plain_lab(1).await;
    let h1 = lab.host("h1");
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let before = state_of(h1).await;
    for typed in ["status", "init", "network ls"] {
        let said = refused_by(h1, nobody, typed, 2).await.unwrap();
        assert!(said.contains("may not speak with the agent at /run/weft/weft.sock"), "{said}");
        assert!(said.contains("sudo"), "{said}");
    }
    let said = agent(h1, nobody, "").await;
    assert!(said.contains("not permitted") && said.contains("root"), "{said}");
    // A second agent, with more and more directories of its own.
    let mut flags = String::new();
    for (words, own) in [
        (
            ["another process serves docker on /run/docker/plugins/weft.sock", "one agent a host"],
            " --plugin-socket /tmp/p.sock",
        ),
        (["another agent listens on /run/weft/weft.sock", "one agent a host"], " --run /tmp/run"),
    ] {
        let said = agent(h1, "", &flags).await;
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        flags += own;
    }
    same(&state_of(h1).await, &before);
    weft(h1, "init").await;
    let said = agent(h1, "", &flags).await;
    assert!(said.contains("local.redb is in use by another process"), "{said}");
    assert!(said.contains("is weft running twice?"), "{said}");
    let said = agent(h1, "", "--config /nowhere").await;
    assert!(said.contains("cannot read configuration file /nowhere: No such file"), "{said}");
    weft(h1, "network create app").await;
    weft(h1, "attach --network app --name web NETNS").await;
    weft(h1, "detach web").await;
    weft(h1, "leave --force").await;
    h1.stop_agent().await.unwrap();

    let lacking = [
        ("env PATH=/nowhere", ["this host lacks the program `nft`", "apt install nftables"]),
        (
            "setpriv --bounding-set -net_admin",
            ["veth pairs: Operation not permitted", "CAP_NET_ADMIN"],
        ),
    ];
    for (prefix, words) in lacking {
        let words_of_agent = format!("{prefix} /run/lab/bin/weft agent");
        let words_of_agent: Vec<&str> = words_of_agent.split(' ').collect();
        let running = h1.spawn(&words_of_agent).unwrap();
        let answers = || async { Ok(h1.run(&["weft", "status"]).await?) };
        eventually(SOON, answers).await.unwrap();
        table(h1, &[("init", 1, &words)]).await;
        end(h1, running).await;
    }
    lab.down().await.unwrap();
}

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

    let garbage = "printf '{\"cluster\": nonsense' >";
    let empty = "truncate -s 0";
    let half = "truncate -s 20000";
    let bent = "dd conv=notrunc bs=1 count=64 if=/dev/zero status=none of=";
    for (host, file, damage) in [
        (h2, "member.json", garbage),
        (h2, "member.json", empty),
        (h2, "local.redb", garbage),
        (h2, "local.redb", bent),
        (h1, "manager.redb", half),
        (h1, "manager.redb", empty),
    ] {
        host.stop_agent().await.unwrap();
        let path = format!("/var/lib/weft/{file}");
        let damaged = format!("cp -p {path} /tmp/saved && {damage} {path} && sha256sum {path}");
        let damaged = damaged.replace("of= ", "of=");
        let sum = host.run(&["sh", "-c", &damaged]).await.unwrap();
        let said = agent(host, "", "").await;
        assert!(said.contains(&format!("the state file {path} is damaged")), "{said}");
        assert!(said.contains("was left as it is"), "{said}");
        assert!(said.contains("mv /var/lib/weft"), "{said}");
        assert_eq!(host.run(&["sha256sum", &path]).await.unwrap(), sum, "the file was touched");
        host.run(&["cp", "-p", "/tmp/saved", &path]).await.unwrap();
        host.start_agent().await.unwrap();
    }
    for (host, file) in [(h2, "local.redb"), (h1, "manager.redb")] {
        host.stop_agent().await.unwrap();
        let (path, away) = (format!("/var/lib/weft/{file}"), format!("/var/lib/weft/{file}.away"));
        host.run(&["mv", &path, &away]).await.unwrap();
        let said = agent(host, "", "").await;
        assert!(said.contains(&format!("the state file {path} is missing")), "{said}");
        host.run(&["mv", "-n", &away, &path]).await.unwrap();
        host.start_agent().await.unwrap();
    }

    h2.stop_agent().await.unwrap();
    h2.run(&["sh", "-c", &format!("{garbage} /var/lib/weft/registry.json")]).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_changes_only_and_takes_them_again_once_there_is_room() {
    let lab = plain_lab(2).await;
    let (h1, h2) = (lab.host("h1"), lab.host("h2"));
    for host in [h1, h2] {
        host.run(&["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", "/var/lib/weft"])
            .await
            .unwrap();
    }
    let full: &[&str] =
        &["no space is left on the disk", "/var/lib/weft", "make room on that disk"];
    table(h1, &[("init", 1, full)]).await;
    resize(h1, "32m").await;
    weft(h1, "init").await;
    let token = weft(h1, "token --quiet").await;
    let join = format!("join --token {} 192.0.2.1", token.trim());
    let before = state_of(h1).await;
    table(h2, &[(&join, 1, &["make room on that disk"])]).await;
    same(&state_of(h1).await.replace("registry.json\n", ""), &before);
    resize(h2, "32m").await;
    weft(h2, &join).await;
    weft(h1, "network create app").await;
    h1.run(&["ip", "netns", "add", "one"]).await.unwrap();
    weft(h1, "attach --network app --name one one").await;
    let seen = || async {
        h2.run(&["weft", "network", "inspect", "app"]).await?;
        Ok(())
    };
    eventually(SOON, seen).await.unwrap();
    h2.run(&["ip", "netns", "add", "two"]).await.unwrap();
    weft(h2, "attach --network app --name two two").await;
    let one = h1.run(&["ip", "-n", "one", "-br", "-4", "addr", "show", "eth0"]).await.unwrap();
    let one = one.split_whitespace().last().unwrap().split('/').next().unwrap().to_owned();
    let reaches = || async {
        Ok(h2.run(&["ip", "netns", "exec", "two", "ping", "-c", "1", "-W", "1", &one]).await?)
    };
    eventually(SOON, reaches).await.unwrap();

    for host in [h1, h2] {
        let fill = "dd if=/dev/zero of=/var/lib/weft/fill bs=4k status=none; true";
        host.run(&["sh", "-c", fill]).await.unwrap();
    }
    // Pages that a file has already are used up first.
    until_full(h1, "network create").await;
    until_full(h2, "attach --network app NETNS --name").await;
    table(h1, &[("network create again", 1, full)]).await;
    table(h2, &[("attach --network app --name again NETNS", 1, full)]).await;
    reaches().await.unwrap();

    for host in [h1, h2] {
        host.run(&["rm", "/var/lib/weft/fill"]).await.unwrap();
    }
    weft(h1, "network create again").await;
    weft(h2, "attach --network app --name again NETNS").await;
    reaches().await.unwrap();
    lab.down().await.unwrap();
}

/// Does it again and again, under other names, until it is refused.
async fn until_full(host: &Host, typed: &str) {
    for n in 0..60 {
        match refused(host, &format!("{typed} more{n}"), 1).await {
            Ok(said) => return assert!(said.contains("make room on that disk"), "{said}"),
            Err(why) => assert!(why.contains("exit status: 0"), "{why}"),
        }
    }
    panic!("{typed} goes on for ever on a full disk");
}

async fn resize(host: &Host, size: &str) {
    let options = format!("remount,size={size}");
    host.run(&["mount", "-o", &options, "/var/lib/weft"]).await.unwrap();
}
