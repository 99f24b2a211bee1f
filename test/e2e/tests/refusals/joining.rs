//! Becoming a member.

use std::net::UdpSocket;

use weft_e2e::eventually;
use weft_kernel::Netns;
use weft_lab::Host;

use crate::asked::{state_of, weft};
use crate::table::{Line, SOON, plain_lab, same, table};

/// What a host without a cluster is told.
const NO_MEMBER: &[Line<'_>] = &[
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

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_become_a_member_is_told_why_and_nobody_has_heard_of_it() {
    let lab = plain_lab(3).await;
    let (h1, h2, h3) = (lab.host("h1"), lab.host("h2"), lab.host("h3"));
    table(h3, NO_MEMBER).await;
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
    ports(h3, &good).await;
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

/// Nobody becomes a member whose ports are taken.
async fn ports(h3: &Host, good: &str) {
    h3.run(&[
        "ip", "link", "add", "foreign", "type", "vxlan", "id", "7", "dstport", "4789", "dev",
        "eth0",
    ])
    .await
    .unwrap();
    let device = ["UDP port 4789 is in use on this host: VXLAN device foreign", "remove that user"];
    table(h3, &[(good, 1, &device), ("init", 1, &device)]).await;
    h3.run(&["ip", "link", "del", "foreign"]).await.unwrap();
    for (port, words) in [
        (4789, ["UDP port 4789 is in use on this host", "remove that user"]),
        (4788, ["UDP 0.0.0.0:4788: Address already in use", "weft agent --listen"]),
    ] {
        let socket = Netns::open(&h3.netns()).unwrap();
        let socket = socket.run(move || UdpSocket::bind(("0.0.0.0", port)).unwrap()).unwrap();
        table(h3, &[(good, 1, &words), ("init", 1, &words)]).await;
        drop(socket);
    }
}
