//! What the whole machine's processors spend.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// `USER_HZ`: what a count in `/proc/stat` lasts (proc(5)).
const TICK: Duration = Duration::from_millis(10);
/// Columns of `/proc/stat` in which nothing is done: idle, iowait.
const IDLE: [usize; 2] = [3, 4];

/// Time that all processors together were busy since the start of the machine.
pub(crate) fn busy() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat").context("read /proc/stat")?;
    parse(&stat).context("/proc/stat is not as proc(5) says")
}

fn parse(stat: &str) -> Option<Duration> {
    let columns = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let busy = columns.enumerate().filter(|(column, _)| !IDLE.contains(column));
    let ticks: u32 = busy.filter_map(|(_, ticks)| ticks.parse::<u32>().ok()).sum();
    Some(TICK * ticks)
}

/// Processor time for 1,024 bytes, in nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "a rate")]
pub(crate) fn nanoseconds_per_kib(spent: Duration, bytes: u64) -> f64 {
    spent.as_nanos() as f64 * 1024.0 / bytes.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_nothing_was_done_does_not_count() {
        let busy = parse("cpu  100 0 50 9999 8888 0 7 0 0 0\ncpu0 1 2 3 4\n");
        assert_eq!(busy, Some(Duration::from_millis(1_570)));
    }
}
