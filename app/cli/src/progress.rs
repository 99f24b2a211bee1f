//! A sign of life while a call takes long: on stderr, and only on a terminal.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{interval, timeout};

/// Nobody wonders before.
const PATIENCE: Duration = Duration::from_secs(1);
const FRAME: Duration = Duration::from_millis(100);

/// Shows `what` while `call` runs, once it has run for a second.
pub(crate) async fn during<A>(what: &str, call: impl Future<Output = A>) -> A {
    let mut call = pin!(call);
    if let Ok(answer) = timeout(PATIENCE, &mut call).await {
        return answer;
    }
    let bar = spinner(what);
    let mut frames = interval(FRAME);
    loop {
        // Cancel-safe: the call stays pinned outside, a lost frame is only a frame.
        tokio::select! {
            answer = &mut call => {
                bar.finish_and_clear();
                return answer;
            }
            _ = frames.tick() => bar.tick(),
        }
    }
}

/// indicatif draws on stderr, and nothing at all if that is no terminal.
fn spinner(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
        .unwrap_or_else(|_template| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style).with_message(what.to_owned())
}
