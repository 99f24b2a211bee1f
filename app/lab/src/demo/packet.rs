//! Catches the very packet whose path is told, and holds it against what was told.

use std::time::{Duration, Instant};

use weft_kernel::{Netns, capture::Capture};
use weft_path::Journey;
use weft_wire::Decoded;

use crate::error::OrHint;
use crate::{Host, LabError};

use super::workload::Workload;

/// How long a packet is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const UNDERLAY: &str = "eth0";

/// Lets c1 ping c2, and answers in words the first frame on the underlay that is as told.
pub(super) async fn catch(
    host: &Host,
    from: &Workload<'_>,
    journey: &Journey,
) -> Result<String, LabError> {
    let what = "catch a packet on the underlay";
    let netns = Netns::open(&host.netns()).or_hint(what, "run the demo as root")?;
    let capture = Capture::open(&netns, UNDERLAY).or_hint(what, "run the demo as root")?;
    let expected = journey.clone();
    let caught = tokio::task::spawn_blocking(move || first(capture, &expected));
    from.busybox(&["ping", "-c", "2", "-i", "0.2", "c2"]).await?;
    let missing = || "no frame on the underlay was as `weft path` tells";
    caught.await.or_hint(what, super::HINT)?.ok_or_else(missing).or_hint(what, super::HINT)
}

fn first(mut capture: Capture, journey: &Journey) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    while let Some(frame) = capture.next(deadline) {
        let Ok(decoded) = Decoded::parse(&frame) else { continue };
        if journey.matches(&decoded).is_ok() {
            return Some(decoded.to_string());
        }
    }
    None
}
