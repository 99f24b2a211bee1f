//! Rates and times as people read them.

/// How a rate of drops ends.
pub(super) const DROPS: &str = "drops/s";

/// Bytes a second.
pub(super) fn bytes(rate: u64) -> String {
    scaled(rate, "B/s")
}

/// Packets a second.
pub(super) fn packets(rate: u64) -> String {
    scaled(rate, "p/s")
}

/// Drops a second.
pub(super) fn drops(rate: u64) -> String {
    scaled(rate, DROPS)
}

/// Microseconds as milliseconds.
pub(super) fn trip(micros: u64) -> String {
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}

fn scaled(rate: u64, unit: &str) -> String {
    let mut scale = 1;
    for prefix in ["", "k", "M", "G", "T"] {
        if rate / scale < 1000 {
            let tenths = rate % scale * 10 / scale;
            let tenths = if scale == 1 { String::new() } else { format!(".{tenths}") };
            return format!("{}{tenths} {prefix}{unit}", rate / scale);
        }
        scale *= 1000;
    }
    format!("{rate} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits_and_a_prefix() {
        assert_eq!(bytes(999), "999 B/s");
        assert_eq!(bytes(1000), "1.0 kB/s");
        assert_eq!(packets(1_499_999), "1.4 Mp/s");
        assert_eq!(bytes(12_345_678_901), "12.3 GB/s");
        assert_eq!(drops(0), "0 drops/s");
        assert_eq!([trip(40), trip(12_345)], ["0.0 ms", "12.3 ms"]);
    }
}
