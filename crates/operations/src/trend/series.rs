//! Weekly counts over weekly exposure.

use std::fmt;

use serde::Serialize;

use super::history::{Cell, History, Incident, Name};
use crate::week::Week;

/// What a rate is per.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Changes shipped.
    Changes,
    /// Hours that services were offered.
    ServiceHours,
    /// Weeks of the calendar: how often, not how risky.
    Weeks,
}

impl Metric {
    /// How many units a rate is told per.
    #[must_use]
    pub const fn scale(self) -> f64 {
        match self {
            Self::Changes | Self::ServiceHours => 1000.0,
            Self::Weeks => 1.0,
        }
    }

    /// What is missing without it.
    pub(super) const fn missing(self) -> &'static str {
        match self {
            Self::Changes => "no exposure: changes shipped are not recorded",
            Self::ServiceHours => "no exposure: service-hours are not recorded",
            Self::Weeks => "no exposure",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changes => "per 1,000 changes shipped",
            Self::ServiceHours => "per 1,000 service-hours",
            Self::Weeks => "per week",
        })
    }
}

/// Incidents and exposure of the weeks that have any exposure.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// The weeks.
    pub weeks: Vec<Week>,
    /// Incidents that began in each.
    pub counts: Vec<u64>,
    /// Exposure of each, above 0.
    pub exposure: Vec<f64>,
    /// Weeks of the window without exposure, left out.
    pub weeks_left_out: u64,
    /// Incidents in those weeks, left out with them.
    pub incidents_left_out: u64,
}

impl Series {
    /// Sums what the filters let through.
    pub(super) fn of(
        history: &History,
        metric: Metric,
        counts_it: impl Fn(&Incident) -> bool,
        exposes: impl Fn(&Cell) -> bool,
        serves: impl Fn(Name) -> bool,
    ) -> Self {
        let weeks = history.weeks();
        let mut counts = vec![0u64; weeks];
        let mut exposure = vec![0f64; weeks];
        let add = |list: &mut Vec<f64>, week, amount: f64| {
            if let Some(cell) = history.position(week).and_then(|at| list.get_mut(at)) {
                *cell += amount;
            }
        };
        match metric {
            Metric::Changes => history
                .cells
                .iter()
                .filter(|cell| exposes(cell))
                .for_each(|cell| add(&mut exposure, cell.week, cell.changes as f64)),
            Metric::ServiceHours => history
                .hours
                .iter()
                .filter(|(_, service, _)| serves(*service))
                .for_each(|(week, _, hours)| add(&mut exposure, *week, *hours)),
            Metric::Weeks => exposure.fill(1.0),
        }
        for incident in history.incidents.iter().filter(|i| counts_it(i)) {
            let at = history.position(incident.week());
            if let Some(cell) = at.and_then(|at| counts.get_mut(at)) {
                *cell += 1;
            }
        }
        Self::kept(history.from, &counts, &exposure)
    }

    /// All incidents over all exposure.
    pub(super) fn all(history: &History, metric: Metric) -> Self {
        Self::of(history, metric, |_| true, |_| true, |_| true)
    }

    /// Keeps the weeks with exposure.
    pub(super) fn kept(from: Week, counts: &[u64], exposure: &[f64]) -> Self {
        let mut kept = Self::default();
        for (at, (&count, &exposure)) in counts.iter().zip(exposure).enumerate() {
            if exposure > 0.0 {
                kept.weeks
                    .push(from.plus(i32::try_from(at).unwrap_or(i32::MAX)));
                kept.counts.push(count);
                kept.exposure.push(exposure);
            } else {
                kept.weeks_left_out += 1;
                kept.incidents_left_out += count;
            }
        }
        kept
    }

    /// Number of incidents.
    #[must_use]
    pub fn incidents(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All exposure.
    #[must_use]
    pub fn total_exposure(&self) -> f64 {
        self.exposure.iter().sum()
    }

    /// The first kept position at or after a week.
    pub(super) fn position(&self, week: Week) -> usize {
        self.weeks.partition_point(|&w| w < week)
    }
}
