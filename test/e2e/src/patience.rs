//! Waiting for a condition, with a deadline: never for a length of time alone.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::bail;

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `check` answers `Ok`, and says how long that took.
///
/// # Errors
///
/// The last answer, if the deadline passes.
pub async fn eventually<T, F>(within: Duration, mut check: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let began = Instant::now();
    loop {
        match check().await {
            Ok(value) => return Ok(value),
            Err(error) if began.elapsed() >= within => {
                return Err(error.context(format!("still so after {within:?}")));
            }
            Err(_not_yet) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// A condition as an answer that [`eventually`] understands.
///
/// # Errors
///
/// If `condition` does not hold.
pub fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> anyhow::Result<()> {
    if condition { Ok(()) } else { bail!(otherwise()) }
}
