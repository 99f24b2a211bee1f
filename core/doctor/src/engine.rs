//! The Docker Engine and its settings.

use serde_json::Value;

use crate::{Check, Finding, Severity};

/// The oldest Engine that Weft's drivers are tested with.
const OLDEST: (u32, u32) = (20, 10);

/// What an Engine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engine {
    /// Its release, such as `20.10.24`.
    pub version: String,
    /// Whether containers outlive it.
    pub live_restore: bool,
    /// Whether its rules are not in the packet filter; absent if that cannot be told.
    pub without_rules: Option<bool>,
}

/// Whether a ruleset, as `nft -j list ruleset` tells it, has none of an Engine's rules: neither its
/// chain nor, where it writes with nft, its table.
#[must_use]
pub fn lacks_rules(ruleset: &Value) -> Option<bool> {
    let all = ruleset.get("nftables")?.as_array()?;
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let chain = |one: &Value| {
        one.get("chain").is_some_and(|chain| text(chain, "name").as_deref() == Some("DOCKER"))
    };
    let table = |one: &Value| {
        let name = one.get("table").and_then(|table| text(table, "name"));
        name.is_some_and(|name| name.starts_with("docker-"))
    };
    Some(!all.iter().any(|one| chain(one) || table(one)))
}

/// Judges an Engine.
#[must_use]
pub fn judge(host: &str, engine: &Engine) -> Vec<Finding> {
    [old(host, engine), mortal(host, engine), unruled(host, engine)].into_iter().flatten().collect()
}

fn old(host: &str, engine: &Engine) -> Option<Finding> {
    let mut numbers = engine.version.split('.').filter_map(|part| part.parse::<u32>().ok());
    let release = (numbers.next()?, numbers.next()?);
    let what = format!("Docker Engine {} is older than 20.10", engine.version);
    let why = "its drivers' calls differ from those that Weft understands".to_owned();
    let told = [what, why, "upgrade Docker Engine on this host".to_owned()];
    (release < OLDEST).then(|| Finding::new(Severity::Error, Check::Engine, host, told))
}

fn mortal(host: &str, engine: &Engine) -> Option<Finding> {
    let what = "Docker's live-restore is off".to_owned();
    let why = "containers end whenever dockerd does, also for an upgrade; Weft would carry their \
        packets on";
    let remedy = "put `\"live-restore\": true` into /etc/docker/daemon.json, then `systemctl \
        reload docker`";
    let told = [what, why.to_owned(), remedy.to_owned()];
    (!engine.live_restore).then(|| Finding::new(Severity::Warning, Check::Engine, host, told))
}

fn unruled(host: &str, engine: &Engine) -> Option<Finding> {
    let what = "Docker's rules are not in the packet filter".to_owned();
    let why = "containers' packets leave the cluster without masquerade: answers do not come back";
    let remedy = "if somebody flushed them: `systemctl restart docker`; else take `\"iptables\": \
        false` out of /etc/docker/daemon.json, or masquerade docker_gwbridge's range yourself";
    let told = [what, why.to_owned(), remedy.to_owned()];
    (engine.without_rules == Some(true))
        .then(|| Finding::new(Severity::Warning, Check::Engine, host, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_without_rules_is_told_of() {
        let of = |object| lacks_rules(&serde_json::json!({ "nftables": [object] }));
        let chain =
            serde_json::json!({"chain": {"family": "ip", "table": "nat", "name": "DOCKER"}});
        assert_eq!(of(chain), Some(false));
        let table = serde_json::json!({"table": {"family": "ip", "name": "docker-bridges"}});
        assert_eq!(of(table), Some(false));
        let other = serde_json::json!({"table": {"family": "inet", "name": "weft"}});
        assert_eq!(of(other), Some(true));
        assert_eq!(lacks_rules(&serde_json::json!({})), None);
        let good = Engine { version: "29.7.2".into(), live_restore: true, without_rules: None };
        let found = judge("a", &Engine { without_rules: Some(true), ..good });
        assert!(found[0].what.contains("rules are not in"), "{found:?}");
    }

    #[test]
    fn an_engine_that_is_new_and_keeps_containers_is_healthy() {
        let good = Engine { version: "29.7.2".into(), live_restore: true, without_rules: None };
        assert_eq!(judge("a", &good), []);
        let old = Engine { version: "19.03.1".into(), ..good.clone() };
        assert_eq!(judge("a", &old)[0].severity, Severity::Error);
        let mortal = Engine { live_restore: false, ..good };
        assert_eq!(judge("a", &mortal)[0].severity, Severity::Warning);
    }
}
