use serde_json::{Value, json};

use super::*;

fn packet() -> Packet {
    Packet {
        way: Way::In("eth0".into()),
        source: "192.0.2.2".parse().unwrap(),
        destination: "192.0.2.1".parse().unwrap(),
        carries: Carries::Udp(Some(4789)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "values are written at the call")]
fn is(left: Value, right: Value) -> Value {
    json!({"match": {"op": "==", "left": left, "right": right}})
}

/// A filter with one base chain `INPUT` in `ip filter` and further objects.
fn filter(policy: &str, rules: &[Value]) -> Value {
    let chain = json!({"chain": {"family": "ip", "table": "filter", "name": "INPUT", "type": "filter",
        "hook": "input", "prio": 0, "policy": policy}});
    let zone = json!({"chain": {"family": "ip", "table": "filter", "name": "zone"}});
    let rules = rules.iter().enumerate().map(|(handle, rule)| {
        let (chain, statements) = match rule.get("in") {
            Some(chain) => (chain.clone(), rule["do"].clone()),
            None => (json!("INPUT"), rule.clone()),
        };
        json!({"rule": {"family": "ip", "table": "filter", "chain": chain, "handle": handle,
            "expr": statements}})
    });
    let objects: Vec<Value> = [chain, zone].into_iter().chain(rules).collect();
    json!({ "nftables": objects })
}

fn port(right: Value) -> Value {
    is(json!({"payload": {"protocol": "udp", "field": "dport"}}), right)
}

fn established() -> Value {
    json!([{"xt": {"type": "match", "name": "conntrack"}}, {"accept": null}])
}

#[track_caller]
fn check(ruleset: &Value, expected: Option<Severity>) -> String {
    let found = judge("a", ruleset, &packet(), "VXLAN");
    assert_eq!(found.first().map(|f| f.severity), expected, "{found:?}");
    found.first().map(|f| f.what.clone()).unwrap_or_default()
}

#[test]
fn a_policy_that_drops_is_named() {
    let what = check(&filter("drop", &[established()]), Some(Severity::Error));
    assert_eq!(what, "the policy of chain INPUT in table ip filter drops VXLAN (UDP 4789)");
}

#[test]
fn what_accepts_the_port_before_makes_it_good() {
    let accepts = [
        json!([port(json!(4789)), {"accept": null}]),
        json!([port(json!({"set": [53, {"range": [4000, 5000]}]})), {"accept": null}]),
        json!([is(json!({"meta": {"key": "iifname"}}), json!("eth*")), {"accept": null}]),
        json!([is(json!({"payload": {"protocol": "ip", "field": "saddr"}}),
            json!({"prefix": {"addr": "192.0.2.0", "len": 24}})), {"counter": {}}, {"accept": null}]),
    ];
    for accept in accepts {
        check(&filter("drop", &[established(), accept]), None);
    }
}

#[test]
fn what_accepts_something_else_does_not() {
    let accepts = [
        json!([port(json!(53)), {"accept": null}]),
        json!([is(json!({"payload": {"protocol": "tcp", "field": "dport"}}), json!(4789)), {"accept": null}]),
        json!([is(json!({"meta": {"key": "iifname"}}), json!("lo")), {"accept": null}]),
        json!([is(json!({"ct": {"key": "state"}}), json!(["established", "related"])), {"accept": null}]),
    ];
    for accept in accepts {
        check(&filter("drop", &[accept]), Some(Severity::Error));
    }
}

#[test]
fn a_rule_that_drops_is_named_with_its_handle() {
    let drop = json!([port(json!(4789)), {"counter": {}}, {"drop": null}]);
    let what = check(&filter("accept", &[established(), drop]), Some(Severity::Error));
    assert!(what.starts_with("rule 1 of chain INPUT in table ip filter drops"), "{what}");
}

#[test]
fn what_cannot_be_told_is_a_warning() {
    let module = json!([{"xt": {"type": "match", "name": "multiport"}}, {"accept": null}]);
    check(&filter("drop", std::slice::from_ref(&module)), Some(Severity::Warning));
    let drops = json!([{"xt": {"type": "match", "name": "multiport"}}, {"drop": null}]);
    check(&filter("accept", &[drops]), None);
}

#[test]
fn jumps_are_followed_and_come_back() {
    let jump = json!([{"jump": {"target": "zone"}}]);
    let accept = json!({"in": "zone", "do": [port(json!(4789)), {"accept": null}]});
    let drop = json!({"in": "zone", "do": [{"reject": null}]});
    check(&filter("drop", &[jump.clone(), accept.clone()]), None);
    check(&filter("accept", &[jump.clone(), drop.clone()]), Some(Severity::Error));
    check(&filter("accept", &[jump, accept, drop]), None);
    let goto = json!([{"goto": {"target": "zone"}}]);
    let late = json!([port(json!(4789)), {"accept": null}]);
    check(&filter("drop", &[goto, late]), Some(Severity::Error));
}

#[test]
fn tables_of_our_own_are_not_judged() {
    let mut ours = filter("drop", &[]);
    ours["nftables"][0]["chain"]["family"] = json!("inet");
    ours["nftables"][0]["chain"]["table"] = json!("weft");
    check(&ours, None);
    check(&json!({}), None);
}

#[test]
fn who_made_the_rules_says_how_they_are_changed() {
    let found = judge("a", &filter("drop", &[]), &packet(), "VXLAN");
    assert!(found[0].remedy.contains("iptables -I INPUT -p udp --dport 4789"), "{found:?}");
}

#[test]
fn a_packet_meets_the_chains_of_its_way_alone() {
    let chain = |family: &str, hook: &str, dev: Option<&str>| {
        let mut chain = json!({"chain": {"family": family, "table": "t", "name": "c",
            "type": "filter", "hook": hook, "prio": 0, "policy": "drop"}});
        if let Some(dev) = dev {
            chain["chain"]["dev"] = json!(dev);
        }
        json!({ "nftables": [chain] })
    };
    let across = Way::Across { from: "vx0".into(), to: "wp1".into() };
    let out = Way::Out("eth0".into());
    for (way, ruleset, blocked) in [
        (across.clone(), chain("bridge", "forward", None), true),
        (across.clone(), chain("ip", "forward", None), false),
        (across.clone(), chain("netdev", "egress", Some("wp1")), true),
        (across, chain("netdev", "egress", Some("wp2")), false),
        (out.clone(), chain("inet", "output", None), true),
        (out.clone(), chain("ip6", "output", None), false),
        (out, chain("inet", "input", None), false),
    ] {
        let found = judge("a", &ruleset, &Packet { way, ..packet() }, "VXLAN");
        assert_eq!(!found.is_empty(), blocked, "{ruleset} {found:?}");
    }
}

#[test]
fn a_port_that_is_not_known_may_be_any() {
    let tcp = |port| Packet { carries: Carries::Tcp(port), ..packet() };
    let is_80 = is(json!({"payload": {"protocol": "tcp", "field": "dport"}}), json!(80));
    let ruleset = filter("drop", &[json!([is_80, {"accept": null}])]);
    let of = |packet| judge("a", &ruleset, &packet, "it").first().map(|f| f.severity);
    assert_eq!(of(tcp(Some(80))), None);
    assert_eq!(of(tcp(Some(81))), Some(Severity::Error));
    assert_eq!(of(tcp(None)), Some(Severity::Warning));
}

/// What firewalld 1.3 has in place while it loads its rules anew, or in panic mode.
fn closed(chain: &str, hook: &str, rules: &[Value]) -> Value {
    let table = "firewalld_policy_drop";
    let chains = json!({"chain": {"family": "inet", "table": table, "name": chain, "type": "filter",
        "hook": hook, "prio": 9, "policy": "drop"}});
    let rules = rules.iter().map(|statements| {
        json!({"rule": {"family": "inet", "table": table, "chain": chain, "handle": 4,
            "expr": statements}})
    });
    let objects: Vec<Value> = [chains].into_iter().chain(rules).collect();
    json!({ "nftables": objects })
}

#[test]
fn firewalld_that_loads_its_rules_anew_is_waited_for() {
    let state = json!({"ct": {"key": "state"}});
    let replies = json!({"op": "in", "left": state, "right": ["established", "related"]});
    let loading = closed("filter_input", "input", &[json!([{"match": replies}, {"accept": null}])]);
    let what = check(&loading, Some(Severity::Error));
    let by = "the policy of chain filter_input in table inet firewalld_policy_drop";
    assert_eq!(what, format!("{by} drops VXLAN (UDP 4789)"));
    let remedy = |ruleset: &Value| judge("a", ruleset, &packet(), "VXLAN")[0].remedy.clone();
    assert!(remedy(&loading).starts_with("wait: "), "{}", remedy(&loading));
    let panic = closed("raw_prerouting", "prerouting", &[]);
    assert_eq!(remedy(&panic), "`firewall-cmd --panic-off`");
}
