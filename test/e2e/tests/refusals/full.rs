//! A full disk.

use weft_e2e::eventually;
use weft_lab::Host;

use crate::asked::{refused, state_of, weft};
use crate::table::{SOON, plain_lab, same, table};

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
    // A manager reads its file anew first, as after a crash.
    let made = || async { Ok(h1.run(&["weft", "network", "create", "again"]).await?) };
    eventually(SOON, made).await.unwrap();
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
