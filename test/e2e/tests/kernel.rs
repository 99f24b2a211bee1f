//! A kernel that lacks what Weft needs: who asks for a cluster there is told what to load.
#![allow(clippy::unwrap_used, clippy::tests_outside_test_module, reason = "integration tests")]

use weft_e2e::uml;

/// All that Weft needs, but for VXLAN.
const WITHOUT_VXLAN: [&str; 4] = ["veth", "bridge", "nf_tables", "nft_ct"];

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_without_vxlan_is_refused_with_the_module_to_load_and_stays_as_it_is() {
    let said = said(&WITHOUT_VXLAN).await;
    let (refused, after) = parts(&said);
    for words in [
        "this host lacks VXLAN devices: Operation not supported",
        "`modprobe vxlan`, or a kernel that has it",
        "init ended with 1",
        "status ended with 0",
    ] {
        assert!(refused.contains(words), "{words:?} is not in\n{said}");
    }
    assert_eq!(after, ["namespaces:", "links: lo", "state:"], "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_without_any_module_is_refused_when_the_agent_starts() {
    let said = said(&[]).await;
    let (refused, after) = parts(&said);
    for words in ["Protocol not supported", "modprobe nf_tables", "agent ended with 1"] {
        assert!(refused.contains(words), "{words:?} is not in\n{said}");
    }
    assert_eq!(after, ["namespaces:", "links: lo", "state:"], "{said}");
}

/// Starts the agent, asks it for a cluster, and tells what is there afterwards.
async fn said(modules: &[&str]) -> String {
    let weft = weft_lab::executable().unwrap();
    uml(modules, weft.parent().unwrap(), SCRIPT).await.unwrap()
}

const SCRIPT: &str = r#"
/mnt/weft agent 2>&1 &
agent=$!
while kill -0 $agent 2>/dev/null && [ ! -S /run/weft/weft.sock ]; do sleep 0.05; done
/mnt/weft init 2>&1; echo "init ended with $?"
/mnt/weft status >/dev/null 2>&1; echo "status ended with $?"
kill -TERM $agent 2>/dev/null; wait $agent; echo "agent ended with $?"
echo AFTER
echo namespaces: $(ls /run/netns)
echo links: $(ls /sys/class/net)
echo state: $(ls /var/lib/weft 2>/dev/null | grep -v -e local.redb -e events.jsonl)
echo END
"#;

/// What was said, and what was there when all had ended.
fn parts(said: &str) -> (&str, Vec<&str>) {
    assert!(said.contains("\nEND"), "it did not get to its end: {said}");
    let (refused, after) = said.split_once("AFTER").unwrap();
    let after = after.split_once("END").unwrap().0;
    (refused, after.lines().map(str::trim).filter(|line| !line.is_empty()).collect())
}
