//! Containers that Docker should have started by itself and could not, since we were away.
//!
//! Docker does not try again (measured on 20.10, 28.5 and 29.7), so we do.

use std::time::Duration;

use weft_docker_api::{Container, Engine};

const START_WITHIN: Duration = Duration::from_secs(120);

/// What stands in `State.Error`: the socket's file name, percent-encoded path before it or not,
/// or Docker's text for a plugin without a socket.
const TRACES: [&str; 2] = ["weft.sock", "plugin \"weft\" not found"];

/// Whether Docker's last try to start it failed for want of us, and Docker was to start it.
pub(crate) fn is_lost_start(container: &Container) -> bool {
    let policy = container.host_config.restart_policy.name.as_str();
    let error = container.state.error.as_str();
    !container.state.running
        && matches!(policy, "always" | "unless-stopped")
        && TRACES.iter().any(|trace| error.contains(trace))
}

/// Starts it; a failure is Docker's to show and is not repeated.
pub(crate) async fn start(engine: Engine, container: Container) {
    let name = container.bare_name();
    match engine.start_container(&container.id, START_WITHIN).await {
        Ok(()) => tracing::info!(container = name, "started: docker could not while we were away"),
        Err(error) => tracing::warn!(container = name, %error, "docker cannot start it even now"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &str, policy: &str, running: bool, expected: bool) {
        let body = serde_json::json!({
            "State": { "Running": running, "Error": error },
            "HostConfig": { "RestartPolicy": { "Name": policy } },
        });
        let container: Container = serde_json::from_value(body).unwrap();
        assert_eq!(is_lost_start(&container), expected, "{error} {policy} {running}");
    }

    #[test]
    fn only_what_docker_should_have_started_and_could_not_for_us_is_started() {
        let refused = "legacy plugin: Post \"http://%2Frun%2Fdocker%2Fplugins%2Fweft.sock/\
                       NetworkDriver.Join\": dial unix /run/docker/plugins/weft.sock: connect: \
                       connection refused";
        check(refused, "always", false, true);
        check(refused, "unless-stopped", false, true);
        check("legacy plugin: plugin \"weft\" not found", "always", false, true);
        check(refused, "no", false, false);
        check(refused, "on-failure", false, false);
        check(refused, "always", true, false);
        check("exec: \"x\": executable file not found", "always", false, false);
        check("", "always", false, false);
    }
}
