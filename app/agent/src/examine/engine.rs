//! The Docker Engine of this host, if there is one.

use std::time::Duration;

use tokio::task::spawn_blocking;
use weft_docker_api::Engine;
use weft_doctor::{Finding, engine};
use weft_kernel::host;

use crate::inspect::Desk;

/// How long Docker may take.
const PATIENCE: Duration = Duration::from_millis(400);

/// What it says of itself, and whether its rules are where it puts them.
pub(super) async fn findings(name: &str, desk: &Desk) -> Vec<Finding> {
    let Ok(client) = Engine::at(&desk.docker_socket) else { return Vec::new() };
    let Ok(info) = client.info(PATIENCE).await else { return Vec::new() };
    let ruleset = spawn_blocking(host::ruleset).await.ok().and_then(Result::ok);
    // What was written with the older tables of iptables, nft does not tell.
    let ruleset = ruleset.filter(|_| !host::has_older_tables());
    let seen = engine::Engine {
        version: info.server_version,
        live_restore: info.live_restore_enabled,
        without_rules: ruleset.as_ref().and_then(engine::lacks_rules),
    };
    engine::judge(name, &seen)
}
