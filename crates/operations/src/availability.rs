//! Availability over a window, by several definitions side by side.
//!
//! The same outage gives different percentages by different definitions, so no
//! figure goes without the name of its own.

use countersign_core::catalog::Share;
use jiff::Timestamp;

use crate::incident::{Outage, Traffic};

/// The longest window, in minutes: a leap year and a day.
pub const MAX_MINUTES: i64 = 367 * 24 * 60;
/// A minute is down for [`Definition::DowntimePeriods`] above this error rate.
const DOWN_ABOVE: f64 = 0.10;

/// How availability is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Definition {
    /// Time in which no customer was affected, over all time. The harshest.
    ClockTime,
    /// One minus the mean share of customers affected.
    CustomerWeighted,
    /// One minus failed over expected requests.
    RequestWeighted,
    /// 100 % minus the mean of the error rates of five-minute intervals, each
    /// weighing the same however many requests it had. Amazon S3 SLA,
    /// <https://aws.amazon.com/s3/sla/>. Here an interval without requests has
    /// none failed.
    FiveMinuteMean,
    /// Minutes not in a downtime period, over all minutes; a downtime period is
    /// one or more whole minutes in a row with an error rate above 10 %. Google
    /// Cloud Functions SLA, <https://cloud.google.com/functions/sla>; its least
    /// number of attempts (100) is not asked for here.
    DowntimePeriods,
    /// (maximum available minutes − downtime) / maximum available minutes,
    /// where a minute is downtime if every attempt in it failed. Microsoft,
    /// Service Level Agreement for Microsoft Online Services.
    UnavailableMinutes,
}

impl Definition {
    /// Every definition.
    pub const ALL: [Self; 6] = [
        Self::ClockTime,
        Self::CustomerWeighted,
        Self::RequestWeighted,
        Self::FiveMinuteMean,
        Self::DowntimePeriods,
        Self::UnavailableMinutes,
    ];

    /// What to call it in a report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClockTime => "clock time",
            Self::CustomerWeighted => "customer-weighted",
            Self::RequestWeighted => "request-weighted",
            Self::FiveMinuteMean => "mean of 5-minute error rates (as Amazon S3)",
            Self::DowntimePeriods => "minutes above 10 % errors (as Google Cloud Functions)",
            Self::UnavailableMinutes => "minutes without any success (as Microsoft Azure)",
        }
    }
}

/// From one moment up to but without another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    /// A window of at least a minute.
    ///
    /// # Errors
    /// One line when it is shorter than a minute or longer than a year.
    pub fn new(from: Timestamp, until: Timestamp) -> Result<Self, String> {
        let minutes = until.duration_since(from).as_mins();
        if minutes < 1 {
            return Err(format!("the window from {from} to {until} has no minute"));
        }
        if minutes > MAX_MINUTES {
            return Err(format!(
                "the window from {from} to {until} is longer than a year"
            ));
        }
        Ok(Self { from, until })
    }

    /// Its length in minutes.
    #[must_use]
    pub fn minutes(&self) -> f64 {
        self.until.duration_since(self.from).as_secs_f64() / 60.0
    }

    /// Seconds after its start, within it.
    fn offset(&self, at: Timestamp) -> f64 {
        let at = at.clamp(self.from, self.until);
        at.duration_since(self.from).as_secs_f64()
    }
}

/// What a figure rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Requests were measured.
    Measured,
    /// Times and shares of customers were said; an error rate is taken to be
    /// the share of customers affected.
    Said,
}

/// Availability by one definition.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Availability {
    /// Which.
    pub definition: Definition,
    /// Between 0 and 1; `None`: it cannot be told.
    pub value: Option<f64>,
    /// What it rests on.
    pub basis: Basis,
}

impl Availability {
    /// Share of the error budget of an objective that is spent; above 1: more
    /// than all of it. `None` when availability is unknown or there is no
    /// budget.
    #[must_use]
    pub fn budget_spent(&self, objective: Objective) -> Option<f64> {
        let spent = 1.0 - self.value?;
        (objective.0 < 1.0).then(|| spent / (1.0 - objective.0))
    }
}

/// A service level objective, such as 99.9 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective(f64);

impl Objective {
    /// Reads percent, such as `99.9`.
    ///
    /// # Errors
    /// One line when it is not above 0 and at most 100.
    pub fn from_percent(percent: f64) -> Result<Self, String> {
        if percent > 0.0 && percent <= 100.0 {
            Ok(Self(percent / 100.0))
        } else {
            Err(format!("`{percent}` is not an objective in percent"))
        }
    }

    /// The error budget of a window, in minutes of full outage.
    #[must_use]
    pub fn budget_minutes(&self, window: &Window) -> f64 {
        (1.0 - self.0) * window.minutes()
    }
}

/// Availability over a window, by every definition.
///
/// `traffic` is what was measured, in order and without overlap; outside it,
/// nothing is taken to have failed. `requests` is the number of all requests
/// expected in the window, which only [`Definition::RequestWeighted`] needs.
#[must_use]
pub fn availability(
    window: &Window,
    outages: &[Outage],
    traffic: &[Traffic],
    requests: Option<u64>,
) -> Vec<Availability> {
    let flat = flatten(window, outages);
    let basis = if traffic.is_empty() {
        Basis::Said
    } else {
        Basis::Measured
    };
    let minutes = error_minutes(window, &flat, traffic);
    let value = |definition| match definition {
        Definition::ClockTime => {
            let down: f64 = flat.iter().map(|piece| piece.until - piece.from).sum();
            Some(1.0 - down / 60.0 / window.minutes())
        }
        Definition::CustomerWeighted => {
            let down: f64 = flat.iter().map(|it| (it.until - it.from) * it.share).sum();
            Some(1.0 - down / 60.0 / window.minutes())
        }
        Definition::RequestWeighted => request_weighted(window, traffic, requests),
        Definition::FiveMinuteMean => {
            let rates = minutes.chunks(5);
            let count = rates.len() as f64;
            let sum: f64 = rates
                .map(|five| five.iter().sum::<f64>() / five.len() as f64)
                .sum();
            Some(1.0 - sum / count)
        }
        Definition::DowntimePeriods => Some(up(&minutes, |rate| rate > DOWN_ABOVE)),
        Definition::UnavailableMinutes => Some(up(&minutes, |rate| rate >= 1.0 - 1e-9)),
    };
    let of = |definition| Availability {
        definition,
        value: value(definition).map(|value: f64| value.clamp(0.0, 1.0)),
        basis: match definition {
            Definition::ClockTime | Definition::CustomerWeighted => Basis::Said,
            _ => basis,
        },
    };
    Definition::ALL.map(of).to_vec()
}

fn up(minutes: &[f64], down: impl Fn(f64) -> bool) -> f64 {
    let count = minutes.iter().filter(|rate| down(**rate)).count();
    1.0 - count as f64 / minutes.len() as f64
}

/// A piece of the window with one share, in seconds after its start.
struct Piece {
    from: f64,
    until: f64,
    share: f64,
}

/// Outages without overlap: where several meet, the worst counts.
fn flatten(window: &Window, outages: &[Outage]) -> Vec<Piece> {
    let within: Vec<Piece> = outages
        .iter()
        .filter(|it| it.customers > Share::NONE)
        .map(|it| Piece {
            from: window.offset(it.from),
            until: window.offset(it.until),
            share: f64::from(it.customers.ppm()) / 1e6,
        })
        .filter(|piece| piece.from < piece.until)
        .collect();
    let mut edges: Vec<f64> = within.iter().flat_map(|it| [it.from, it.until]).collect();
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let mut starts: Vec<&Piece> = within.iter().collect();
    starts.sort_by(|a, b| a.from.total_cmp(&b.from));
    let mut starts = starts.into_iter().peekable();
    let mut active: Vec<&Piece> = Vec::new();
    let mut flat = Vec::new();
    for (from, until) in edges.iter().zip(edges.iter().skip(1)) {
        while let Some(piece) = starts.next_if(|piece| piece.from <= *from) {
            active.push(piece);
        }
        active.retain(|piece| piece.until > *from);
        let share = active.iter().map(|piece| piece.share).fold(0.0, f64::max);
        if share > 0.0 {
            flat.push(Piece {
                from: *from,
                until: *until,
                share,
            });
        }
    }
    flat
}

/// The error rate of every minute of the window, 0 to 1. The last may be a part
/// of one.
fn error_minutes(window: &Window, flat: &[Piece], traffic: &[Traffic]) -> Vec<f64> {
    let count = window.minutes().ceil().max(1.0) as usize;
    let mut rates = vec![0.0; count];
    if traffic.is_empty() {
        for piece in flat {
            spread(&mut rates, piece.from, piece.until, piece.share);
        }
    } else {
        for interval in traffic {
            let from = interval.from.duration_since(window.from).as_secs_f64();
            let until = from + f64::from(interval.seconds);
            let rate = match interval.requests {
                0 => 0.0,
                requests => interval.failed as f64 / requests as f64,
            };
            spread(&mut rates, from.max(0.0), until, rate);
        }
    }
    rates
}

/// Adds a rate to the minutes it lasts, by the part of each that it covers.
fn spread(rates: &mut [f64], from: f64, until: f64, rate: f64) {
    let first = (from / 60.0).floor().max(0.0) as usize;
    for (minute, value) in rates.iter_mut().enumerate().skip(first) {
        let start = minute as f64 * 60.0;
        if start >= until {
            break;
        }
        let covered = until.min(start + 60.0) - from.max(start);
        *value += rate * (covered / 60.0).clamp(0.0, 1.0);
    }
}

fn request_weighted(window: &Window, traffic: &[Traffic], requests: Option<u64>) -> Option<f64> {
    let inside = traffic
        .iter()
        .filter(|it| it.from >= window.from && it.from < window.until);
    let (mut wanted, mut lost, mut covered) = (0.0, 0.0, 0.0);
    for interval in inside {
        let expected = interval
            .expected
            .unwrap_or(interval.requests)
            .max(interval.requests);
        wanted += expected as f64;
        lost += expected as f64 * interval.lost_share();
        covered += f64::from(interval.seconds);
    }
    // Where only a part was measured, the rest has to be known.
    let all = match requests {
        Some(requests) => requests as f64,
        None if covered >= window.minutes() * 60.0 => wanted,
        None => return None,
    };
    (all > 0.0 && lost <= all).then(|| 1.0 - lost / all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + minute * 60).unwrap()
    }

    fn days(days: i64) -> Window {
        Window::new(at(0), at(days * 24 * 60)).unwrap()
    }

    fn outage(from: i64, minutes: i64, percent: f64) -> Outage {
        Outage {
            from: at(from),
            until: at(from + minutes),
            customers: Share::from_percent(percent).unwrap(),
        }
    }

    fn values(outages: &[Outage], traffic: &[Traffic], requests: Option<u64>) -> Vec<Option<f64>> {
        let found = availability(&days(30), outages, traffic, requests);
        found.iter().map(|it| it.value).collect()
    }

    fn percent(value: Option<f64>) -> String {
        value.map_or("-".into(), |value| format!("{:.4}", value * 100.0))
    }

    /// 30 days: 6 h and 13 h of full outage, by every definition the same.
    #[test]
    fn full_outages_of_the_reference() {
        for (hours, wanted) in [(6, "99.1667"), (13, "98.1944")] {
            let full = [outage(1000, hours * 60, 100.0)];
            let found: Vec<String> = values(&full, &[], None).into_iter().map(percent).collect();
            assert_eq!(found, [wanted, wanted, "-", wanted, wanted, wanted]);
        }
    }

    /// 43.2, 21.6, 4.32 and 0.432 minutes in 30 days.
    #[test]
    fn budgets_of_30_days() {
        for (objective, minutes) in [(99.9, 43.2), (99.95, 21.6), (99.99, 4.32), (99.999, 0.432)] {
            let objective = Objective::from_percent(objective).unwrap();
            assert!((objective.budget_minutes(&days(30)) - minutes).abs() < 1e-9);
        }
        let spent = Availability {
            definition: Definition::ClockTime,
            value: Some(0.999),
            basis: Basis::Said,
        };
        let objective = Objective::from_percent(99.9).unwrap();
        assert!((spent.budget_spent(objective).unwrap() - 1.0).abs() < 1e-9);
        assert!(Objective::from_percent(0.0).is_err());
        assert!(
            spent
                .budget_spent(Objective::from_percent(100.0).unwrap())
                .is_none()
        );
    }

    #[test]
    fn a_partial_outage_differs_by_definition() {
        // One hour in which a fifth of customers is down.
        let found = values(&[outage(0, 60, 20.0)], &[], None);
        let found: Vec<String> = found.into_iter().map(percent).collect();
        let (hour, fifth, whole) = ("99.8611", "99.9722", "100.0000");
        assert_eq!(found, [hour, fifth, "-", fifth, hour, whole]);
    }

    #[test]
    fn requests_weigh_where_intervals_do_not() {
        // Five minutes at night with 10 requests, all failed; of 1,000,000 that month.
        let night = Traffic {
            from: at(0),
            seconds: 300,
            requests: 10,
            failed: 10,
            expected: None,
        };
        let found = availability(&days(30), &[], &[night], Some(1_000_000));
        let by = |wanted| found.iter().find(|it| it.definition == wanted).unwrap();
        assert_eq!(percent(by(Definition::RequestWeighted).value), "99.9990");
        assert_eq!(percent(by(Definition::FiveMinuteMean).value), "99.9884");
        assert_eq!(by(Definition::FiveMinuteMean).basis, Basis::Measured);
        assert_eq!(by(Definition::ClockTime).basis, Basis::Said);
    }

    #[test]
    fn windows_have_a_length() {
        assert!(Window::new(at(0), at(0)).is_err());
        assert!(Window::new(at(5), at(0)).is_err());
        assert!(Window::new(at(0), at(MAX_MINUTES + 1)).is_err());
    }

    proptest! {
        /// More outage never makes anything look better, and order is nothing.
        #[test]
        fn more_outage_is_never_better(
            list in proptest::collection::vec((0i64..40_000, 1i64..5_000, 0u32..=100), 1..6),
        ) {
            let outages: Vec<Outage> =
                list.iter().map(|(f, m, p)| outage(*f, *m, f64::from(*p))).collect();
            let all = values(&outages, &[], None);
            let less = values(&outages[1..], &[], None);
            for (more, less) in all.iter().zip(&less) {
                if let (Some(more), Some(less)) = (more, less) {
                    prop_assert!(*more <= less + 1e-12);
                    prop_assert!((0.0..=1.0).contains(more));
                }
            }
            let reversed: Vec<Outage> = outages.iter().rev().copied().collect();
            prop_assert_eq!(&all[..2], &values(&reversed, &[], None)[..2]);
        }
    }
}
