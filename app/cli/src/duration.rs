//! Durations as people type them.

use std::time::Duration;

/// `90`, `90s`, `15m`, `2h`, `7d`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(format!("`{unit}` is no unit of time: s, m, h and d are")),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_digits| format!("`{text}` is not a duration: 90s, 15m, 2h and 7d are"))?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is longer than anything lasts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_typed_with_or_without_a_unit() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("7d"), Ok(604_800));
        assert!(seconds("7w").unwrap_err().contains("no unit"));
        assert!(seconds("h").unwrap_err().contains("not a duration"));
        assert!(seconds("18446744073709551615d").is_err());
    }
}
