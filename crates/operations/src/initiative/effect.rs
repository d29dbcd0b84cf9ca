//! Did an initiative work? An interrupted series with its comparison group,
//! never a plain before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use countersign_stats::Confidence;
use countersign_stats::its::{self, Intervention, Outcome, Plan, Season, Series};
use countersign_stats::regression::{Errors, Reference, newey_west_lags};
use serde::Serialize;

use super::{Effectiveness, Initiative};
use crate::incident::Severity;
use crate::trend::{Ratio, decimal};
use crate::week::Week;
use crate::words::count;

/// Weeks needed before the start.
const BEFORE: usize = 8;
/// Weeks needed from the start on.
const AFTER: usize = 4;
/// Incidents needed.
const INCIDENTS: u64 = 5;
/// A difference by this ratio is worth acting on.
const RELEVANT: f64 = 1.5;
/// Two years before a season is believed.
const SEASON_FROM: usize = 104;
/// Weeks in a year.
const YEAR: f64 = 52.1775;
/// Enough weeks for errors that allow for correlation over time.
const ROBUST_FROM: usize = 60;

/// What an initiative is measured by: `incidents-per-change`,
/// `sev2-incidents-per-change` (that severity or worse), `incidents-per-week`,
/// `sev2-incidents-per-week`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Only incidents of this severity or worse.
    pub severity: Option<Severity>,
    /// Over changes shipped; else over weeks of the calendar, which says how
    /// often and not how risky.
    pub per_change: bool,
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a metric (write `incidents-per-change`, \
                 `sev2-incidents-per-change`, `incidents-per-week` or `sev2-incidents-per-week`)"
            )
        };
        let (of, per) = text.rsplit_once("-per-").ok_or_else(wrong)?;
        let severity = match of
            .strip_suffix("incidents")
            .map(|of| of.trim_end_matches('-'))
        {
            Some("") => None,
            Some(severity) => Some(severity.parse().map_err(|_| wrong())?),
            None => return Err(wrong()),
        };
        let per_change = match per {
            "change" => true,
            "week" => false,
            _ => return Err(wrong()),
        };
        Ok(Self {
            severity,
            per_change,
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity {
            Some(severity) => write!(f, "incidents of {severity} or worse")?,
            None => f.write_str("incidents")?,
        }
        f.write_str(if self.per_change {
            " per change"
        } else {
            " per week"
        })
    }
}

/// Incidents and changes of a group in one week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekly {
    /// The week.
    pub week: Week,
    /// Incidents of the metric's severities that began in it.
    pub incidents: u64,
    /// Changes shipped in it.
    pub changes: u64,
}

/// What may be said of an initiative.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tested {
    /// The word.
    pub effectiveness: Effectiveness,
    /// The word with its figures, or with what is missing.
    pub sentence: String,
    /// Level from the start on over the level that the earlier trend, and the
    /// comparison group if there is one, would have given; below 1 is better.
    pub level: Option<Ratio>,
    /// Weeks before its first whole week.
    pub weeks_before: usize,
    /// Weeks from then on.
    pub weeks_after: usize,
    /// Whether a comparison group was there.
    pub compared: bool,
    /// Plain after over before, shown so that one sees how far it misleads.
    pub naive: Option<f64>,
}

impl Tested {
    /// It cannot be told.
    #[must_use]
    pub fn cannot(why: impl fmt::Display) -> Self {
        Self {
            effectiveness: Effectiveness::CannotTell,
            sentence: format!("cannot tell: {why}"),
            level: None,
            weeks_before: 0,
            weeks_after: 0,
            compared: false,
            naive: None,
        }
    }
}

/// Counts over exposure, week by week.
struct Rows {
    weeks: Vec<Week>,
    counts: Vec<u64>,
    exposure: Vec<f64>,
}

impl Rows {
    /// The weeks that `keep` names, in order.
    fn of(weekly: &[Weekly], metric: Metric, keep: &BTreeSet<Week>) -> Self {
        let by_week: BTreeMap<Week, &Weekly> = weekly.iter().map(|it| (it.week, it)).collect();
        let mut rows = Self {
            weeks: Vec::new(),
            counts: Vec::new(),
            exposure: Vec::new(),
        };
        for week in keep {
            let it = by_week.get(week);
            let changes = it.map_or(0, |it| it.changes);
            rows.weeks.push(*week);
            rows.counts.push(it.map_or(0, |it| it.incidents));
            rows.exposure.push(if metric.per_change {
                changes as f64
            } else {
                1.0
            });
        }
        rows
    }

    fn incidents(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn series(&self) -> Series<'_> {
        Series {
            counts: &self.counts,
            exposure: &self.exposure,
        }
    }
}

/// Tests an initiative by what was counted week by week, up to whole weeks only.
///
/// `treated` and `comparison` hold one entry per week on record, of the services
/// in its scope and in its comparison group. `others` are other initiatives on
/// the same services, with their first weeks: what starts too close to another
/// cannot be told from it.
#[must_use]
pub fn test(
    initiative: &Initiative,
    treated: &[Weekly],
    comparison: Option<&[Weekly]>,
    others: &[(String, Week)],
) -> Tested {
    let metric: Metric = match initiative.metric.parse() {
        Ok(metric) => metric,
        Err(why) => return Tested::cannot(why),
    };
    let usable = |rows: &[Weekly]| -> BTreeSet<Week> {
        let rows = rows
            .iter()
            .filter(|it| !metric.per_change || it.changes > 0);
        rows.map(|it| it.week).collect()
    };
    let start = first_whole_week(initiative);
    let mut weeks = usable(treated);
    if let Some(comparison) = comparison {
        let other = usable(comparison);
        weeks.retain(|week| other.contains(week));
    }
    // a week that it was in force for a part of belongs to neither side
    weeks.retain(|week| *week >= start || is_before(initiative, *week));
    if let Some(end) = initiative.end {
        let last = Week::of(end, &jiff::tz::TimeZone::UTC);
        weeks.retain(|week| *week < last);
    }
    let rows = Rows::of(treated, metric, &weeks);
    let after = rows.weeks.iter().filter(|week| **week >= start).count();
    let before = rows.weeks.len() - after;
    let mut found = judged(initiative, metric, &rows, comparison, others, start);
    found.weeks_before = before;
    found.weeks_after = after;
    found
}

/// The first week that it was in force for all of, in UTC.
fn first_whole_week(initiative: &Initiative) -> Week {
    let week = Week::of(initiative.start, &jiff::tz::TimeZone::UTC);
    if week.bounds(&jiff::tz::TimeZone::UTC).0 == initiative.start {
        week
    } else {
        week.after()
    }
}

/// Whether a week lies wholly before the initiative.
fn is_before(initiative: &Initiative, week: Week) -> bool {
    week.bounds(&jiff::tz::TimeZone::UTC).1 <= initiative.start
}

fn judged(
    initiative: &Initiative,
    metric: Metric,
    rows: &Rows,
    comparison: Option<&[Weekly]>,
    others: &[(String, Week)],
    start: Week,
) -> Tested {
    let after = rows.weeks.iter().filter(|week| **week >= start).count();
    let before = rows.weeks.len() - after;
    if rows.weeks.is_empty() {
        let what = if metric.per_change {
            "no changes of its services are recorded"
        } else {
            "nothing of its services is recorded"
        };
        return Tested::cannot(what);
    }
    if before < BEFORE || after < AFTER {
        return Tested::cannot(format!(
            "{} before it and {} from it on; {BEFORE} and {AFTER} are needed",
            count(before as u64, "whole week"),
            count(after as u64, "whole week"),
        ));
    }
    if rows.incidents() < INCIDENTS {
        return Tested::cannot(format!(
            "only {} in {}; {INCIDENTS} are needed",
            count(rows.incidents(), "incident"),
            count(rows.weeks.len() as u64, "week")
        ));
    }
    let keep: BTreeSet<Week> = rows.weeks.iter().copied().collect();
    let compared = comparison
        .map(|weekly| Rows::of(weekly, metric, &keep))
        .filter(|rows| rows.incidents() > 0);
    let position = |week: Week| rows.weeks.partition_point(|it| *it < week);
    let mut interventions = vec![Intervention {
        name: initiative.id.clone(),
        start: position(start),
        slope: false,
    }];
    let mut named = BTreeSet::from([initiative.id.as_str()]);
    for (name, week) in others {
        let at = position(*week);
        if at > 0 && at < rows.weeks.len() && named.insert(name.as_str()) {
            interventions.push(Intervention {
                name: name.clone(),
                start: at,
                slope: false,
            });
        }
    }
    let plan = Plan {
        series: rows.series(),
        comparison: compared.as_ref().map(Rows::series),
        interventions,
        season: (rows.weeks.len() >= SEASON_FROM).then_some(Season {
            length: YEAR,
            pairs: 1,
        }),
        errors: Errors::Quasi,
        reference: Reference::StudentT,
        confidence: Confidence::P95,
    };
    let mut found = match estimate(plan, rows.weeks.len(), &initiative.id) {
        Ok(effect) => phrase(metric, comparison.is_some(), compared.is_some(), &effect),
        Err(why) => Tested::cannot(why),
    };
    found.compared = compared.is_some();
    found
}

/// Of two ways to reckon the errors the one that claims less.
fn estimate(plan: Plan<'_>, weeks: usize, id: &str) -> Result<its::Effect, String> {
    let quasi = effect(&plan, id)?;
    if weeks < ROBUST_FROM {
        return Ok(quasi);
    }
    let robust = Plan {
        errors: Errors::NeweyWest {
            lags: newey_west_lags(weeks),
        },
        ..plan
    };
    let robust = effect(&robust, id)?;
    let width = |it: &its::Effect| it.level.interval.high / it.level.interval.low;
    Ok(if width(&robust) > width(&quasi) {
        robust
    } else {
        quasi
    })
}

fn effect(plan: &Plan<'_>, id: &str) -> Result<its::Effect, String> {
    match its::analyse(plan) {
        Ok(Outcome::Estimated(found)) => {
            let own = found.effects.into_iter().find(|it| it.name == id);
            own.ok_or_else(|| "its effect could not be computed".to_owned())
        }
        Ok(Outcome::CannotBeSeparated(pairs)) => {
            let near: BTreeSet<&str> = pairs
                .iter()
                .flat_map(|pair| [pair.first.as_str(), pair.second.as_str()])
                .filter(|name| *name != id)
                .collect();
            let near = near.into_iter().collect::<Vec<_>>().join(" and ");
            Err(format!(
                "it cannot be separated from {near}, which began too close to it"
            ))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn phrase(metric: Metric, wanted: bool, compared: bool, found: &its::Effect) -> Tested {
    let level = Ratio::from(found.level);
    let effectiveness = if level.high < 1.0 {
        Effectiveness::Better
    } else if level.low > 1.0 {
        Effectiveness::Worse
    } else if level.low > 1.0 / RELEVANT && level.high < RELEVANT {
        Effectiveness::NoDifference
    } else {
        Effectiveness::CannotTell
    };
    let against = match (wanted, compared) {
        (_, true) => "the earlier trend and the comparison group would have given",
        (true, false) => {
            "the earlier trend would have given (the comparison group had no incident to compare with)"
        }
        (false, false) => {
            "the earlier trend would have given (no comparison group: whatever happened to everybody then is in it)"
        }
    };
    let word = match effectiveness {
        Effectiveness::CannotTell => "cannot tell: it could be better or worse".to_owned(),
        word => word.as_str().replace('-', " "),
    };
    let naive = found.naive.map_or(String::new(), |naive| {
        format!("; plain after over before would say {}", decimal(naive))
    });
    Tested {
        effectiveness,
        sentence: format!("{word}: {metric} {level} times what {against}{naive}"),
        level: Some(level),
        weeks_before: 0,
        weeks_after: 0,
        compared,
        naive: found.naive,
    }
}

#[cfg(test)]
mod tests;
