//! Times as people and tools write them.

use countersign_operations::week::Week;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::clean;

/// How far the date of a place may be ahead of UTC, and a clock of this one.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// The longest window, which is counted in weeks.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 7 * 52 * 60 - 24 * 14);

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

/// Says what is wrong with a time at which something is said to have happened:
/// one mistyped year would stretch the window over all the weeks up to it, in
/// which nothing happened. A date without a time is that of its place, which may
/// be up to a day ahead.
pub(super) fn happened(at: Timestamp, id: &str, now: Timestamp) -> Result<Timestamp, String> {
    let of = match id {
        "" => String::new(),
        id => format!("`{}`: ", clean(id)),
    };
    let day = at.strftime("%Y-%m-%d");
    if at.duration_since(now) > AHEAD {
        return Err(format!("{of}{day} is in the future"));
    }
    if now.duration_since(at) > LONGEST {
        return Err(format!("{of}{day} is more than 60 years ago"));
    }
    Ok(at)
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
    fn what_happened_is_neither_in_the_future_nor_long_ago() {
        let now = instant("2026-03-10T14:05:00Z").unwrap();
        for (text, wrong) in [
            ("2026-03-10", None),
            ("2026-03-11", None),
            ("1990-01-01", None),
            ("2031-03-10", Some("`INC-7`: 2031-03-10 is in the future")),
            (
                "1926-03-10",
                Some("`INC-7`: 1926-03-10 is more than 60 years ago"),
            ),
        ] {
            let found = happened(instant(text).unwrap(), "INC-7", now);
            assert_eq!(found.err().as_deref(), wrong, "{text}");
        }
    }

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
