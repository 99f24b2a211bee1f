//! The end of the process: SIGTERM or SIGINT cancels one token that all tasks watch.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Why signals are not heard.
#[derive(Debug, thiserror::Error)]
#[error("listen for signals")]
pub struct ShutdownError(#[source] pub io::Error);

/// A token that SIGTERM or SIGINT cancels. Call it once, inside the runtime.
///
/// # Errors
///
/// [`ShutdownError`] if no signal handler can be installed.
pub fn on_signals() -> Result<CancellationToken, ShutdownError> {
    let terminate = signal(SignalKind::terminate()).map_err(ShutdownError)?;
    let interrupt = signal(SignalKind::interrupt()).map_err(ShutdownError)?;
    let token = CancellationToken::new();
    let _detached = tokio::spawn(listen(terminate, interrupt, token.clone()));
    Ok(token)
}

async fn listen(mut terminate: Signal, mut interrupt: Signal, token: CancellationToken) {
    // Cancel-safe: a signal that one branch misses stays pending in its stream.
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!(signal = name, "stopping");
    token.cancel();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::signal::{Signal, raise};

    use super::*;

    #[tokio::test]
    async fn sigterm_cancels_the_token() {
        let token = on_signals().unwrap();
        assert!(!token.is_cancelled());
        raise(Signal::SIGTERM).unwrap();
        tokio::time::timeout(Duration::from_secs(5), token.cancelled()).await.unwrap();
    }
}
