//! Times as people and tools write them.

use countersign_operations::week::Week;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// An instant: RFC 3339; or midnight UTC of a date or of an ISO week's Monday.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day = day(text)?;
    Offset::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .map_err(|_| wrong(text))
}

/// A day: `2026-03-10`, or the Monday of `2026-W11`.
pub(crate) fn day(text: &str) -> Result<Date, String> {
    if let Ok(week) = text.parse::<Week>() {
        return Ok(week.monday());
    }
    // a date alone: jiff would also read the date of a longer text
    if text.len() == 10
        && let Ok(day) = text.parse::<Date>()
    {
        return Ok(day);
    }
    Err(wrong(text))
}

/// The week of a day or of an ISO week; for arguments.
pub(crate) fn week(text: &str) -> Result<Week, String> {
    day(text).map(Week::of_date)
}

fn wrong(text: &str) -> String {
    format!(
        "`{text}` is no time; expected one such as `2026-03-10T14:05:00Z`, `2026-03-10` or `2026-W11`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_form() {
        for (text, instant_of) in [
            ("2026-03-10T14:05:00Z", "2026-03-10T14:05:00Z"),
            ("2026-03-10T14:05:00+02:00", "2026-03-10T12:05:00Z"),
            ("2026-03-10", "2026-03-10T00:00:00Z"),
            ("2026-W11", "2026-03-09T00:00:00Z"),
            (" 2026-W53 ", "2026-12-28T00:00:00Z"),
        ] {
            assert_eq!(instant(text).unwrap().to_string(), instant_of);
        }
        for text in [
            "",
            "10.3.2026",
            "2026-02-30",
            "2026-W54",
            "2026-03-10 14:05",
        ] {
            assert!(
                instant(text).unwrap_err().contains("expected one such as"),
                "{text}"
            );
        }
    }
}
