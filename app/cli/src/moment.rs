//! Points in time as people type them.

use std::time::SystemTime;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::duration;

/// `10m` (ago), `14:03`, `14:03:20`, `2026-11-22 14:03`, RFC 3339; times of day and dates in UTC.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let at = read(text, SystemTime::now().into()).ok_or_else(|| {
        format!(
            "`{text}` is no time: 10m (ago), 14:03, `2026-11-22 14:03` and RFC 3339 are, in UTC"
        )
    })?;
    at.format(&Rfc3339).map_err(|_year| format!("`{text}` is too far away"))
}

fn read(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let ago = duration::parse(text).ok().filter(|_| !text.contains(':'));
    if let Some(ago) = ago {
        return now.checked_sub(Duration::try_from(ago).ok()?);
    }
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(at);
    }
    let (day, clock) = (
        format_description!("[year]-[month]-[day] [hour]:[minute][optional [:[second]]]"),
        format_description!("[hour]:[minute][optional [:[second]]]"),
    );
    if let Ok(at) = PrimitiveDateTime::parse(text, day) {
        return Some(at.assume_utc());
    }
    let at = now.to_offset(UtcOffset::UTC).replace_time(Time::parse(text, clock).ok()?);
    // What is yet to come today was yesterday.
    if at > now { at.checked_sub(Duration::DAY) } else { Some(at) }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_is_typed_as_it_comes_to_mind() {
        let now = datetime!(2026-11-22 14:00:00 UTC);
        for (text, at) in [
            ("10m", datetime!(2026-11-22 13:50:00 UTC)),
            ("2h", datetime!(2026-11-22 12:00:00 UTC)),
            ("13:59", datetime!(2026-11-22 13:59:00 UTC)),
            ("13:59:30", datetime!(2026-11-22 13:59:30 UTC)),
            ("14:03", datetime!(2026-11-21 14:03:00 UTC)),
            ("2026-11-20 08:00", datetime!(2026-11-20 08:00:00 UTC)),
            ("2026-11-20T08:00:00+02:00", datetime!(2026-11-20 08:00:00 +2)),
        ] {
            assert_eq!(read(text, now), Some(at), "{text}");
        }
        for text in ["", "noon", "25:00", "2026-11-20"] {
            assert_eq!(read(text, now), None, "{text}");
        }
    }
}
