//! What came out of a run.

use serde::Serialize;

/// One run, as one JSON object.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Type this to see the same run again.
    pub seed: u64,
    /// Hosts.
    pub nodes: usize,
    /// Packets lost, in percent.
    pub loss: u32,
    /// Changes whose way was timed.
    pub changes: usize,
    /// Pairs of change and participant that were to be reached and were not, two seconds later.
    pub missed: usize,
    /// Milliseconds until a participant knew of a change: the median.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The last participant.
    pub max_ms: f64,
    /// Sent by a node while changes were timed, headers included.
    pub bytes_per_second_per_node: f64,
    /// Resident memory of the whole run, divided; 0 where the system does not tell.
    pub bytes_of_memory_per_node: u64,
    /// Packets that a node sent a second, meanwhile.
    pub packets_per_second_per_node: f64,
    /// How often a host was said to be down while none was.
    pub false_alarms: u64,
    /// Milliseconds from a host's death until another one says so: the median.
    pub detect_p50_ms: f64,
    /// The last one.
    pub detect_max_ms: f64,
    /// Pairs of a dead host and one that has not said so 20 seconds later.
    pub undetected: usize,
    /// Equal for equal runs, to the last message.
    pub trace_hash: String,
    /// Milliseconds from the end of all harm to exact agreement; absent if there was no harm.
    pub heal_ms: Option<f64>,
    /// Seconds of virtual time, all in all.
    pub seconds: f64,
    /// Things that went wrong.
    pub faults: u64,
    /// Whether all hosts agreed in the end.
    pub healed: bool,
    /// What must never happen, and did.
    pub violation: Option<String>,
}

impl Report {
    /// Whether nothing is to be complained of.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.healed && self.violation.is_none()
    }
}

/// The value at a share of sorted nanoseconds, in milliseconds; 0 of nothing.
pub(crate) fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    let nanoseconds = sorted.get(at).copied().unwrap_or_default();
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3
}

/// Resident bytes of this process (proc(5), `statm`).
pub(crate) fn resident() -> u64 {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * PAGE
}
