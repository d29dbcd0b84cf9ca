//! Incidents of the week by severity, against exposure.

use std::collections::BTreeSet;

use countersign_stats::{Confidence, Counted, rate};
use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use super::metrics::first_week;
use crate::incident::{Incident, Severity, Status};
use crate::trend::Range;
use crate::week::Week;

/// Weeks that the chart shows.
const SHOWN: i32 = 26;

/// A severity in the week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeverityRow {
    /// Which; `None`: not graded.
    pub severity: Option<Severity>,
    /// Incidents that began in the week.
    pub incidents: u64,
    /// The week before.
    pub week_before: u64,
    /// Per day of the week so far; `None`: there is nothing to make a rate of.
    pub per_day: Option<f64>,
    /// Its exact 95 % interval.
    pub per_day_range: Option<Range>,
    /// Per 1,000 changes shipped; `None`: none are recorded.
    pub per_1000_changes: Option<f64>,
}

/// One week of the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeekRow {
    /// The week.
    pub week: Week,
    /// Sev1 to Sev5, then not graded.
    pub incidents: [u64; 6],
    /// Changes shipped.
    pub changes: u64,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentRow {
    /// Its id.
    pub id: String,
    /// What it is.
    pub title: String,
    /// How bad.
    pub severity: Option<Severity>,
    /// How far it is.
    pub status: Status,
    /// When it began.
    pub started: Timestamp,
    /// Minutes from start to end, or to the cut-off while open; `None`: nobody
    /// said when it ended.
    pub minutes: Option<u64>,
    /// The same weighted by how many felt it.
    pub weighted_minutes: Option<u64>,
    /// Services.
    pub services: BTreeSet<String>,
    /// Customer functions.
    pub functions: BTreeSet<String>,
    /// How AI took part, in the record's words.
    pub ai: String,
    /// Whether its correction of errors is written.
    pub analysed: bool,
}

/// Incidents of the week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incidents {
    /// Anything, an incident or a change, is recorded of the week or the year
    /// before it. Where nothing is, no incident does not mean that none happened.
    pub recorded: bool,
    /// By severity, worst first; those without any are left out but Sev1 and Sev2.
    pub by_severity: Vec<SeverityRow>,
    /// Days of the week before the cut-off.
    pub days: f64,
    /// Changes shipped in the week.
    pub changes: u64,
    /// One by one, worst first.
    pub list: Vec<IncidentRow>,
    /// The last weeks, oldest first.
    pub weeks: Vec<WeekRow>,
    /// Began in the week and was dismissed, or is the same as another.
    pub not_counted: u64,
}

impl Incidents {
    /// How many.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_severity.iter().map(|row| row.incidents).sum()
    }

    /// How many of a severity or worse.
    #[must_use]
    pub fn at_least(&self, severity: Severity) -> u64 {
        let grave = |row: &&SeverityRow| row.severity.is_some_and(|it| it <= severity);
        let rows = self.by_severity.iter().filter(grave);
        rows.map(|row| row.incidents).sum()
    }
}

/// The part of a week before the cut-off, in days.
pub(super) fn days(frame: &Frame<'_>, week: Week) -> f64 {
    let (from, until) = week.bounds(&frame.inputs.zone.zone);
    let until = until.min(frame.cut_off).max(from);
    until.duration_since(from).as_secs_f64() / 86_400.0
}

const fn place(severity: Option<Severity>) -> usize {
    match severity {
        Some(Severity::Sev1) => 0,
        Some(Severity::Sev2) => 1,
        Some(Severity::Sev3) => 2,
        Some(Severity::Sev4) => 3,
        Some(Severity::Sev5) => 4,
        None => 5,
    }
}

fn count(frame: &Frame<'_>, week: Week) -> [u64; 6] {
    let mut counts = [0; 6];
    let (from, until) = week.bounds(&frame.inputs.zone.zone);
    let began = frame.inputs.began.iter();
    for it in began.filter(|it| from <= it.at && it.at < until && it.at <= frame.cut_off) {
        if let Some(cell) = counts.get_mut(place(it.severity)) {
            *cell += 1;
        }
    }
    counts
}

pub(super) fn incidents(frame: &Frame<'_>) -> Incidents {
    let (now, before) = (count(frame, frame.week), count(frame, frame.week.before()));
    let days = days(frame, frame.week);
    let changes = frame.inputs.shipped.get(&frame.week).copied().unwrap_or(0);
    let recorded = first_week(frame).is_some_and(|first| first <= frame.week);
    let severities = Severity::ALL.map(Some).into_iter().chain([None]);
    let by_severity = severities
        .zip(now.into_iter().zip(before))
        .filter(|(severity, (now, before))| {
            *now + *before > 0 || matches!(severity, Some(Severity::Sev1 | Severity::Sev2))
        })
        .map(|(severity, (incidents, week_before))| {
            let days = if recorded { days } else { 0.0 };
            severity_row(severity, incidents, week_before, days, changes)
        })
        .collect();
    let in_week = |it: &&Incident| {
        frame.holds(it.started) && it.noted.at <= frame.cut_off && it.started <= frame.cut_off
    };
    let (counting, other): (Vec<&Incident>, Vec<&Incident>) = frame
        .inputs
        .incidents
        .iter()
        .filter(in_week)
        .partition(|it| it.counts());
    let mut list: Vec<IncidentRow> = counting.into_iter().map(|it| row(frame, it)).collect();
    list.sort_by(|a, b| {
        let key = |it: &IncidentRow| (place(it.severity), it.started);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    Incidents {
        recorded,
        by_severity,
        days,
        changes,
        list,
        weeks: weeks(frame),
        not_counted: other.len() as u64,
    }
}

fn severity_row(
    severity: Option<Severity>,
    incidents: u64,
    week_before: u64,
    days: f64,
    changes: u64,
) -> SeverityRow {
    let estimate = Counted::new(incidents, days)
        .ok()
        .map(|counted| rate::exact_interval(counted, Confidence::P95));
    SeverityRow {
        severity,
        incidents,
        week_before,
        per_day: estimate.map(|it| it.value),
        per_day_range: estimate.map(|it| Range {
            low: it.interval.low,
            high: it.interval.high,
        }),
        per_1000_changes: (changes > 0).then(|| 1000.0 * incidents as f64 / changes as f64),
    }
}

fn row(frame: &Frame<'_>, it: &Incident) -> IncidentRow {
    let whole = |minutes: f64| minutes.round().max(0.0) as u64;
    IncidentRow {
        id: it.id.clone(),
        title: it.title.clone(),
        severity: it.severity,
        status: it.status,
        started: it.started,
        minutes: it.clock_minutes(frame.cut_off).map(whole),
        weighted_minutes: it.weighted_minutes(frame.cut_off).map(whole),
        services: it.services.clone(),
        functions: it.functions.clone(),
        ai: it.ai.to_string(),
        analysed: frame.inputs.analysed.contains(&it.id),
    }
}

fn weeks(frame: &Frame<'_>) -> Vec<WeekRow> {
    let inputs = frame.inputs;
    let Some(first) = first_week(frame) else {
        return Vec::new();
    };
    (0..SHOWN)
        .rev()
        .map(|back| frame.week.plus(-back))
        .filter(|week| *week >= first)
        .map(|week| WeekRow {
            week,
            incidents: count(frame, week),
            changes: inputs.shipped.get(&week).copied().unwrap_or(0),
        })
        .collect()
}
