//! Times and durations as people write them in files.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// What to write for a time, for hints.
pub const HINT: &str = "write `2026-12-20`, `2026-12-20T18:00` or `2026-12-20T18:00Z`";

/// What to write for a duration, for hints.
pub const DURATION_HINT: &str = "write a number and m, h, d or w, such as `30m`, `2h`, `14d`";

/// Reads a date, a date and time, or a full timestamp; the first two in UTC.
///
/// # Errors
/// One line saying what was not understood.
pub fn parse_utc(text: &str) -> Result<Timestamp, String> {
    parse_in(text, &TimeZone::UTC)
}

/// Reads a date, a date and time, or a full timestamp; the first two in `zone`.
///
/// # Errors
/// One line saying what was not understood. A time that clocks skipped or
/// showed twice is refused: an hour may be the whole outage.
pub fn parse_in(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    let wrong = |_| format!("`{text}` is not a time");
    let civil = text.parse::<DateTime>().map_err(wrong)?;
    let found = zone.to_ambiguous_timestamp(civil);
    // A date alone reads as its midnight, or as the first moment it has.
    if text.contains(':') {
        match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => {}
            AmbiguousOffset::Gap { .. } => {
                return Err(format!("`{text}` never was: clocks skipped this hour"));
            }
            AmbiguousOffset::Fold { before, after } => {
                return Err(format!(
                    "`{text}` was twice, because clocks went back: write `{text}{before}` or `{text}{after}`"
                ));
            }
        }
    }
    found.compatible().map_err(wrong)
}

/// Reads a duration: a whole number and a unit (`m`, `h`, `d`, `w`).
///
/// # Errors
/// One line saying what was not understood; more than 100 years is refused.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("`{text}` is not a duration");
    let text = text.trim();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number = text.get(..text.len() - unit.len_utf8()).unwrap_or_default();
    let number: u32 = number.trim().parse().map_err(|_| wrong())?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return Err(wrong()),
    };
    let minutes = i64::from(number) * minutes;
    if minutes > 100 * 366 * 24 * 60 {
        return Err(format!("`{text}` is more than 100 years"));
    }
    Ok(SignedDuration::from_mins(minutes))
}

/// The longest exact form of a duration: `14d`, `36h`, `90m`.
#[must_use]
pub fn duration_text(duration: SignedDuration) -> String {
    let minutes = duration.as_mins();
    match minutes {
        m if m != 0 && m % (24 * 60) == 0 => format!("{}d", m / (24 * 60)),
        m if m != 0 && m % 60 == 0 => format!("{}h", m / 60),
        m => format!("{m}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_form() {
        for (text, wanted) in [
            ("2026-12-20", "2026-12-20T00:00:00Z"),
            ("2026-12-20T18:30", "2026-12-20T18:30:00Z"),
            ("2026-12-20T18:30:00+02:00", "2026-12-20T16:30:00Z"),
        ] {
            assert_eq!(parse_utc(text).unwrap().to_string(), wanted);
        }
        let berlin = jiff::tz::TimeZoneDatabase::bundled()
            .get("Europe/Berlin")
            .unwrap();
        assert_eq!(
            parse_in("2026-07-01T12:00", &berlin).unwrap().to_string(),
            "2026-07-01T10:00:00Z"
        );
        // clocks went on at two, and back at three
        let skipped = parse_in("2026-03-29T02:30", &berlin).unwrap_err();
        assert!(skipped.contains("clocks skipped this hour"), "{skipped}");
        let twice = parse_in("2025-10-26T02:30", &berlin).unwrap_err();
        assert!(twice.contains("was twice"), "{twice}");
        for (text, wanted) in [
            ("2025-10-26T02:30+02", "2025-10-26T00:30:00Z"),
            ("2025-10-26T02:30+01", "2025-10-26T01:30:00Z"),
        ] {
            assert!(twice.contains(text), "{twice}");
            assert_eq!(parse_in(text, &berlin).unwrap().to_string(), wanted);
        }
        // where midnight itself is skipped, a date begins when the day does
        let beirut = jiff::tz::TimeZoneDatabase::bundled()
            .get("Asia/Beirut")
            .unwrap();
        assert_eq!(
            parse_in("2026-03-29", &beirut).unwrap().to_string(),
            "2026-03-28T22:00:00Z"
        );
        for text in ["", "tomorrow", "2026-13-01", "2026-02-30"] {
            assert!(parse_utc(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, back) in [
            ("30m", "30m"),
            ("2h", "2h"),
            ("14d", "14d"),
            ("2w", "14d"),
            ("90m", "90m"),
        ] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), back);
        }
        for text in ["", "m", "-1d", "1.5h", "99999999w", "3y", "1 é"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
