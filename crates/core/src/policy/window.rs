//! Times in which a rule holds: freezes, peak days, nights.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

/// When a window is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Span {
    /// From one moment to another.
    Absolute {
        /// First moment inside.
        from: Timestamp,
        /// First moment outside.
        until: Timestamp,
    },
    /// On days of the week, between two times of day; `from` after `until`
    /// reaches over midnight into the next day.
    Weekly {
        /// The days on which it opens.
        days: Vec<Weekday>,
        /// When it opens.
        from: Time,
        /// When it closes; midnight means the end of the day.
        until: Time,
        /// Whose clocks.
        zone: TimeZone,
    },
}

/// A named time.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Short name.
    pub id: String,
    /// When it is open.
    pub span: Span,
}

impl Window {
    /// Whether the window is open at `now`.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        match &self.span {
            Span::Absolute { from, until } => *from <= now && now < *until,
            Span::Weekly {
                days,
                from,
                until,
                zone,
            } => {
                let local = now.to_zoned_datetime(zone.clone());
                let (today, time) = (local.weekday(), local.time());
                let whole = *until == Time::midnight();
                if whole || from < until {
                    days.contains(&today) && *from <= time && (whole || time < *until)
                } else {
                    days.contains(&today) && *from <= time
                        || days.contains(&today.previous()) && time < *until
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::parse_utc;
    use jiff::tz::TimeZoneDatabase;

    #[test]
    fn weekly_windows_follow_local_clocks_and_midnight() {
        let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
        let window = |from: &str, until: &str| Window {
            id: "w".into(),
            span: Span::Weekly {
                days: vec![Weekday::Friday],
                from: from.parse().unwrap(),
                until: until.parse().unwrap(),
                zone: zone.clone(),
            },
        };
        // 2026-07-03 is a Friday; Berlin is two hours ahead of UTC.
        for (from, until, at, inside) in [
            ("18:00", "08:00", "2026-07-03T15:59Z", false),
            ("18:00", "08:00", "2026-07-03T16:00Z", true),
            ("18:00", "08:00", "2026-07-04T05:59Z", true),
            ("18:00", "08:00", "2026-07-04T06:00Z", false),
            ("00:00", "00:00", "2026-07-02T22:00Z", true),
            ("00:00", "00:00", "2026-07-03T22:00Z", false),
            // Winter time: one hour ahead.
            ("09:00", "17:00", "2026-12-04T08:00Z", true),
            ("09:00", "17:00", "2026-12-04T07:59Z", false),
        ] {
            assert_eq!(
                window(from, until).contains(parse_utc(at).unwrap()),
                inside,
                "{from} {at}"
            );
        }
    }
}
