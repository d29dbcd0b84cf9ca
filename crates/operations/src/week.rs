//! Weeks as the review counts them: ISO 8601, Monday to Sunday, `2026-W11`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Why a text is not a week.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeekError {
    /// Not of the form `2026-W11`.
    #[error("`{0}` is not a week (write `2026-W11`)")]
    Form(String),
    /// A year has 52 weeks, or 53 when it begins or, in a leap year, ends on a
    /// Thursday.
    #[error("{year} has no week {week}: its last is {year}-W{last:02}")]
    NotInYear {
        /// The ISO year.
        year: i16,
        /// The week asked for.
        week: i8,
        /// The last there is.
        last: i8,
    },
}

/// An ISO 8601 week. Ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Week {
    year: i16,
    week: i8,
}

impl Week {
    /// The `week`th week of the ISO year `year` (1 to 9998).
    ///
    /// # Errors
    /// When the year has no such week.
    pub fn new(year: i16, week: i8) -> Result<Self, WeekError> {
        let form = || WeekError::Form(format!("{year}-W{week}"));
        if !(1..=9998).contains(&year) {
            return Err(form());
        }
        if ISOWeekDate::new(year, week, Weekday::Monday).is_ok() {
            return Ok(Self { year, week });
        }
        let first = ISOWeekDate::new(year, 1, Weekday::Monday).map_err(|_| form())?;
        Err(WeekError::NotInYear {
            year,
            week,
            last: if first.in_long_year() { 53 } else { 52 },
        })
    }

    /// The week that a moment lies in, as the clocks of a place show it.
    #[must_use]
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        Self::of_date(zone.to_datetime(at).date())
    }

    /// The week that a day lies in.
    #[must_use]
    pub fn of_date(date: Date) -> Self {
        let iso = date.iso_week_date();
        Self {
            year: iso.year(),
            week: iso.week(),
        }
    }

    /// Its Monday.
    #[must_use]
    pub fn monday(self) -> Date {
        ISOWeekDate::new(self.year, self.week, Weekday::Monday)
            .map_or(Date::ZERO, ISOWeekDate::date)
    }

    /// The week before; the same at the beginning of time.
    #[must_use]
    pub fn before(self) -> Self {
        Self::of_date(self.monday().saturating_sub(7.days()))
    }

    /// The week after; the same at the end of time.
    #[must_use]
    pub fn after(self) -> Self {
        Self::of_date(self.monday().saturating_add(7.days()))
    }

    /// The week so many weeks later, or earlier for a negative number; the first
    /// or last there is where that would be beyond it.
    #[must_use]
    pub fn plus(self, weeks: i32) -> Self {
        Self::of_date(self.monday().saturating_add(i64::from(weeks).weeks()))
    }

    /// Weeks from `earlier` to this one; negative when it is the later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i32 {
        let days = earlier.monday().duration_until(self.monday()).as_hours() / 24;
        // dates reach no further than ten thousand years
        i32::try_from(days / 7).unwrap_or(0)
    }

    /// The calendar quarter that its Thursday lies in, as year and 1 to 4: the
    /// same year that the week is counted in.
    #[must_use]
    pub fn quarter(self) -> (i16, i8) {
        let thursday = self.monday().saturating_add(3.days());
        (thursday.year(), (thursday.month() - 1) / 3 + 1)
    }

    /// From its first moment to the first moment after it, at a place. A week
    /// in which clocks change has an hour more or less.
    #[must_use]
    pub fn bounds(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let midnight = |date: Date| {
            zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
                .unwrap_or(Timestamp::UNIX_EPOCH)
        };
        let monday = self.monday();
        (midnight(monday), midnight(monday.saturating_add(7.days())))
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.week)
    }
}

impl FromStr for Week {
    type Err = WeekError;

    fn from_str(text: &str) -> Result<Self, WeekError> {
        let form = || WeekError::Form(text.chars().take(40).collect());
        let (year, week) = text.trim().split_once("-W").ok_or_else(form)?;
        let digits = |part: &str, wanted: usize| {
            part.len() == wanted && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(year, 4) || !digits(week, 2) {
            return Err(form());
        }
        let year = year.parse().map_err(|_| form())?;
        Self::new(year, week.parse().map_err(|_| form())?)
    }
}

impl TryFrom<String> for Week {
    type Error = WeekError;

    fn try_from(text: String) -> Result<Self, WeekError> {
        text.parse()
    }
}

impl From<Week> for String {
    fn from(week: Week) -> Self {
        week.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weeks_of_days_around_new_year() {
        // Days and weeks as `date -d DAY +%G-W%V` (GNU coreutils) gives them.
        for (day, week) in [
            ("2026-03-09", "2026-W11"),
            ("2026-12-28", "2026-W53"),
            ("2026-12-31", "2026-W53"),
            ("2027-01-03", "2026-W53"),
            ("2027-01-04", "2027-W01"),
            ("2024-12-30", "2025-W01"),
            ("2021-01-03", "2020-W53"),
        ] {
            assert_eq!(Week::of_date(day.parse().unwrap()).to_string(), week);
        }
    }

    #[test]
    fn week_53_is_only_where_there_is_one() {
        assert!("2026-W53".parse::<Week>().is_ok());
        assert_eq!(
            "2025-W53".parse::<Week>().unwrap_err().to_string(),
            "2025 has no week 53: its last is 2025-W52"
        );
        for text in ["2026-W00", "2026-11", "2026-W1", "26-W11", "", "2026-W٣٣"] {
            assert!(text.parse::<Week>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_week_in_which_clocks_change_is_an_hour_off() {
        let berlin = jiff::tz::TimeZoneDatabase::bundled()
            .get("Europe/Berlin")
            .unwrap();
        for (week, hours) in [("2026-W12", 168), ("2026-W13", 167), ("2026-W43", 169)] {
            let (from, until) = week.parse::<Week>().unwrap().bounds(&berlin);
            assert_eq!(until.duration_since(from).as_hours(), hours, "{week}");
        }
    }

    proptest! {
        #[test]
        fn weeks_follow_each_other(year in 2i16..9996, week in 1i8..=53) {
            if let Ok(week) = Week::new(year, week) {
                prop_assert_eq!(week.after().before(), week);
                prop_assert!(week.after() > week);
                prop_assert_eq!(week.plus(1), week.after());
                prop_assert_eq!(week.plus(-30).since(week.plus(30)), -60);
                prop_assert_eq!(week.quarter().0, week.year);
                prop_assert_eq!(week.to_string().parse::<Week>().unwrap(), week);
                let zone = TimeZone::UTC;
                prop_assert_eq!(week.bounds(&zone).1, week.after().bounds(&zone).0);
                prop_assert_eq!(Week::of(week.bounds(&zone).0, &zone), week);
            }
        }
    }
}
