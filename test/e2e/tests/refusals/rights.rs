//! Without rights, without a program, beside another agent.

use weft_e2e::eventually;

use crate::asked::{agent, end, refused_by, state_of, weft};
use crate::table::{SOON, plain_lab, same, table};

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
