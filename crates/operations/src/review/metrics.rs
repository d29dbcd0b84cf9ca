//! Figures against objectives: a window, its interval, and whether it changed.

use countersign_core::involvement::Verdict as Involvement;
use countersign_stats::power::{Arms, minimum_detectable_ratio};
use countersign_stats::verdict::{Reason, Verdict, judge};
use countersign_stats::{Confidence, Counted, Interval, dispersion, rate, rate_ratio};
use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::Frame;
use super::incidents::days;
use super::inputs::Began;
use super::objectives::{Measure, Objective};
use crate::availability::{Window, availability};
use crate::incident::Outage;
use crate::trend::{self, History, Options, Range, Ratio, SizeBucket, Stratum, Trend, overall};
use crate::week::Week;

/// Weeks before the window that it is compared with.
const BASELINE: i32 = 12;
/// Fewer weeks than this are no baseline.
const FEWEST: usize = 4;
/// A change by this ratio is worth acting on.
const RELEVANT: f64 = 1.5;
/// Probability with which it should show.
const POWER: f64 = 0.8;

/// Whether a figure changed against the weeks before its window.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "word", rename_all = "kebab-case")]
pub enum Moved {
    /// It is higher.
    Higher,
    /// It is lower.
    Lower,
    /// It did not change, and a change would have shown.
    NotChanged {
        /// The smallest ratio that would have shown.
        would_have_seen: f64,
    },
    /// The data cannot say.
    CannotTell {
        /// Why not.
        why: String,
    },
}

/// How a figure stands against its objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "word", rename_all = "kebab-case")]
pub enum Against {
    /// It is met, whatever chance did.
    Met,
    /// It is missed, whatever chance did.
    Missed,
    /// It could be either.
    CannotTell {
        /// Why not.
        why: String,
    },
    /// There is no objective.
    None,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// What was to be measured.
    #[serde(flatten)]
    pub objective: Objective,
    /// Events in the window; `None` for availability.
    pub events: Option<u64>,
    /// Days or changes in the window; `None` for availability.
    pub exposure: Option<f64>,
    /// In the objective's unit; `None`: nothing to measure.
    pub value: Option<f64>,
    /// Exact 95 % interval, for rates.
    pub range: Option<Range>,
    /// The same figure over the weeks before the window.
    pub before: Option<f64>,
    /// Window over before, with its 99 % interval.
    pub ratio: Option<Ratio>,
    /// Whether it changed.
    pub moved: Moved,
    /// How it stands against its target.
    pub against: Against,
}

/// Counts and exposure of one week.
#[derive(Debug, Clone, Copy)]
struct Cell {
    count: u64,
    exposure: f64,
}

pub(super) fn metrics(frame: &Frame<'_>) -> Vec<Measured> {
    let objectives = &frame.inputs.objectives;
    objectives.iter().map(|it| measure(frame, it)).collect()
}

/// One objective or exit criterion, measured up to the review's week.
pub(super) fn measure(frame: &Frame<'_>, objective: &Objective) -> Measured {
    match objective.measure {
        Measure::Availability(_) => available(frame, objective),
        Measure::PerDay | Measure::PerChange => counted(frame, objective),
    }
}

fn blank(objective: &Objective) -> Measured {
    Measured {
        objective: objective.clone(),
        events: None,
        exposure: None,
        value: None,
        range: None,
        before: None,
        ratio: None,
        moved: Moved::CannotTell { why: String::new() },
        against: Against::None,
    }
}

fn concerns(it: &Began, objective: &Objective) -> bool {
    let grave = objective
        .severity
        .is_none_or(|most| it.severity.is_some_and(|severity| severity <= most));
    let here = objective.services.is_empty() || !objective.services.is_disjoint(&it.services);
    grave && here
}

fn cell(frame: &Frame<'_>, objective: &Objective, week: Week) -> Cell {
    let inputs = frame.inputs;
    let (from, until) = week.bounds(&inputs.zone.zone);
    let within = |it: &&Began| from <= it.at && it.at < until && it.at <= frame.cut_off;
    let began = inputs.began.iter().filter(within);
    let exposure = match objective.measure {
        Measure::PerDay => days(frame, week),
        _ if objective.services.is_empty() => {
            inputs.shipped.get(&week).copied().unwrap_or(0) as f64
        }
        // a change of several of them counts for each
        _ => {
            let of = |service: &String| inputs.service_shipped.get(&(service.clone(), week));
            objective.services.iter().filter_map(of).sum::<u64>() as f64
        }
    };
    Cell {
        count: began.filter(|it| concerns(it, objective)).count() as u64,
        exposure,
    }
}

/// The first week with anything on record.
pub(super) fn first_week(frame: &Frame<'_>) -> Option<Week> {
    let inputs = frame.inputs;
    let known = inputs.began.iter().filter(|it| it.at <= frame.cut_off);
    let began = known.map(|it| Week::of(it.at, &inputs.zone.zone));
    began.chain(inputs.shipped.keys().copied()).min()
}

fn sum(cells: &[Cell]) -> Cell {
    Cell {
        count: cells.iter().map(|cell| cell.count).sum(),
        exposure: cells.iter().map(|cell| cell.exposure).sum(),
    }
}

fn counted(frame: &Frame<'_>, objective: &Objective) -> Measured {
    let mut found = blank(objective);
    let weeks = i32::from(objective.weeks);
    let first = first_week(frame);
    let cells = |from: i32, until: i32| -> Vec<Cell> {
        let weeks = (from..until).map(|back| frame.week.plus(back));
        let known = weeks.filter(|week| first.is_some_and(|first| first <= *week));
        let cells = known.map(|week| cell(frame, objective, week));
        // events of a week without exposure have nothing to be counted against
        cells.filter(|cell| cell.exposure > 0.0).collect()
    };
    let window = cells(1 - weeks, 1);
    let before = cells(1 - weeks - BASELINE, 1 - weeks);
    let (now, then) = (sum(&window), sum(&before));
    let scale = match objective.measure {
        Measure::PerChange => 1000.0,
        _ => 1.0,
    };
    let missing = match objective.measure {
        Measure::PerChange => "no changes are recorded in the window",
        _ => "nothing is recorded in the window",
    };
    let Ok(observed) = Counted::new(now.count, now.exposure) else {
        found.moved = Moved::CannotTell {
            why: missing.to_owned(),
        };
        found.against = against(objective, None, missing);
        return found;
    };
    let estimate = rate::exact_interval(observed, Confidence::P95);
    let range = Range {
        low: estimate.interval.low * scale,
        high: estimate.interval.high * scale,
    };
    found.events = Some(now.count);
    found.exposure = Some(now.exposure);
    found.value = Some(estimate.value * scale);
    found.range = Some(range);
    found.against = against(objective, Some(range), missing);
    found.moved = if before.len() < FEWEST {
        Moved::CannotTell {
            why: format!(
                "{} of records before the window; {FEWEST} are needed",
                crate::words::count(before.len() as u64, "week")
            ),
        }
    } else {
        let baseline = Counted::new(then.count, then.exposure);
        found.before = baseline.as_ref().ok().map(|it| it.rate() * scale);
        match baseline {
            Ok(baseline) => moved(&mut found, observed, baseline, [&before, &window]),
            Err(error) => Moved::CannotTell {
                why: error.to_string(),
            },
        }
    };
    found
}

/// How much more weeks vary than chance would make them, apart from a change
/// between the two; at least 1.
fn spread(parts: [&[Cell]; 2]) -> f64 {
    let (mut excess, mut freedom) = (0.0, 0.0);
    for cells in parts.into_iter().filter(|cells| cells.len() > 1) {
        let counts: Vec<u64> = cells.iter().map(|cell| cell.count).collect();
        let exposure: Vec<f64> = cells.iter().map(|cell| cell.exposure).collect();
        if let Ok(found) = dispersion::dispersion(&counts, &exposure)
            && found.index.is_finite()
        {
            let weeks = (cells.len() - 1) as f64;
            excess += found.index * weeks;
            freedom += weeks;
        }
    }
    if freedom > 0.0 {
        (excess / freedom).max(1.0)
    } else {
        1.0
    }
}

/// Compares the window with the weeks before, allowing for weeks that vary more
/// than chance.
fn moved(found: &mut Measured, now: Counted, then: Counted, parts: [&[Cell]; 2]) -> Moved {
    let cannot = |why: String| Moved::CannotTell { why };
    if now.events() + then.events() == 0 {
        let weeks = parts.into_iter().map(<[Cell]>::len).sum::<usize>();
        return cannot(format!(
            "no incident in {weeks} weeks, so there is no rate to compare"
        ));
    }
    let index = spread(parts);
    let ratio = match rate_ratio::exact_interval(now, then, Confidence::P99) {
        Ok(estimate) => Ratio::from(estimate).widened(index.sqrt()),
        Err(error) => return cannot(error.to_string()),
    };
    found.ratio = Some(ratio);
    let arms = Arms {
        first_exposure: now.exposure() / index,
        second_exposure: then.exposure() / index,
        base_rate: (now.events() + then.events()) as f64 / (now.exposure() + then.exposure()),
    };
    let judged = minimum_detectable_ratio(arms, POWER, Confidence::P99)
        .and_then(|seen| judge(Interval::new(ratio.low, ratio.high), None, seen, RELEVANT));
    match judged {
        Ok(Verdict::Higher) => Moved::Higher,
        Ok(Verdict::Lower) => Moved::Lower,
        Ok(Verdict::NoEvidence { would_have_seen }) => Moved::NotChanged { would_have_seen },
        Ok(Verdict::CannotTell(Reason::TooLittleData { would_have_seen })) => {
            cannot(would_have_seen.map_or_else(
                || "too little data to see any change".to_owned(),
                |seen| {
                    format!(
                        "only {} times as many would have shown",
                        trend::decimal(seen)
                    )
                },
            ))
        }
        Ok(Verdict::CannotTell(Reason::Hidden { .. })) => cannot("hidden".to_owned()),
        Err(error) => cannot(error.to_string()),
    }
}

/// A rate against the most that it should be.
fn against(objective: &Objective, range: Option<Range>, missing: &str) -> Against {
    let Some(target) = objective.target else {
        return Against::None;
    };
    let cannot = |why: String| Against::CannotTell { why };
    match range {
        None => cannot(missing.to_owned()),
        Some(range) if range.high <= target => Against::Met,
        Some(range) if range.low > target => Against::Missed,
        Some(range) => cannot(format!("the interval {range} holds the objective")),
    }
}

/// The window of an availability, up to the cut-off.
fn window(frame: &Frame<'_>, first: Week, weeks: i32) -> Option<(Timestamp, Timestamp)> {
    let from = first.bounds(&frame.inputs.zone.zone).0;
    let last = first.plus(weeks - 1).bounds(&frame.inputs.zone.zone).1;
    let until = last.min(frame.cut_off);
    (from < until).then_some((from, until))
}

fn available(frame: &Frame<'_>, objective: &Objective) -> Measured {
    let mut found = blank(objective);
    let weeks = i32::from(objective.weeks);
    found.moved = Moved::CannotTell {
        why: "availability is an account of what was felt, not an estimate".to_owned(),
    };
    let first = frame.week.plus(1 - weeks);
    let value = |from| availability_of(frame, objective, window(frame, from, weeks)?);
    let now = value(first);
    found.value = now.as_ref().and_then(|it| it.as_ref().ok()).copied();
    found.before = first_week(frame)
        .filter(|recorded| *recorded <= first.plus(-weeks) && 2 * weeks <= BASELINE + 1)
        .and_then(|_| value(first.plus(-weeks))?.ok());
    let why = match &now {
        Some(Err(why)) => why.clone(),
        _ => "nothing is recorded in the window".to_owned(),
    };
    found.against = match (objective.target, found.value) {
        (None, _) => Against::None,
        (Some(_), None) => Against::CannotTell { why },
        (Some(target), Some(value)) if value >= target => Against::Met,
        (Some(_), Some(_)) => Against::Missed,
    };
    found
}

/// In percent, or why it cannot be told.
fn availability_of(
    frame: &Frame<'_>,
    objective: &Objective,
    (from, until): (Timestamp, Timestamp),
) -> Option<Result<f64, String>> {
    let Measure::Availability(definition) = objective.measure else {
        return None;
    };
    let window = Window::new(from, until).ok()?;
    first_week(frame)?;
    let mut outages: Vec<Outage> = Vec::new();
    let mut traffic = Vec::new();
    let mut endless = Vec::new();
    for it in frame.inputs.incidents.iter().filter(|it| it.counts()) {
        let here = objective.services.is_empty() || !objective.services.is_disjoint(&it.services);
        if !here || it.started >= until {
            continue;
        }
        match it.outages(frame.cut_off) {
            Some(found) => outages.extend(found),
            None if it.started >= from => endless.push(it.id.as_str()),
            None => {}
        }
        traffic.extend(it.traffic.iter().copied());
    }
    if !endless.is_empty() {
        let more = if endless.len() > 3 { " and others" } else { "" };
        let named = endless.iter().take(3).copied().collect::<Vec<_>>();
        return Some(Err(format!(
            "nobody said when {}{more} ended",
            named.join(", ")
        )));
    }
    traffic.sort_by_key(|it| it.from);
    let all = availability(&window, &outages, &traffic, None);
    let value = all.iter().find(|it| it.definition == definition)?.value;
    Some(
        value
            .map(|value| 100.0 * value)
            .ok_or_else(|| "requests were not measured".to_owned()),
    )
}

/// Incidents per change over the year; the window ends with the week.
pub(super) fn trend(frame: &Frame<'_>) -> Option<Trend> {
    let inputs = frame.inputs;
    let mut exposure = trend::Exposure::default();
    let nameless = exposure.names.name("");
    let stratum = Stratum {
        service: nameless,
        tier: nameless,
        team: nameless,
        author_level: nameless,
        size: SizeBucket::Unknown,
        involvement: Involvement::Unknown,
    };
    for (week, changes) in inputs.shipped.range(..=frame.week) {
        exposure.ship(*week, stratum, *changes);
    }
    let began = inputs.began.iter().filter(|it| it.at <= frame.cut_off);
    let incidents = began
        .map(|it| trend::Incident {
            id: it.id.clone(),
            severity: it.severity.map_or(0, |severity| severity as u8 + 1),
            at: noon(Week::of(it.at, &inputs.zone.zone)),
            services: Vec::new(),
            links: Vec::new(),
            ai: Involvement::Unknown,
        })
        .collect();
    let history = History::new(exposure, incidents, Vec::new(), (None, Some(frame.week))).ok()?;
    let options = Options::default();
    Some(overall(&history, &options, options.metric))
}

/// A moment inside a week in UTC, so that the week of the zone is kept.
fn noon(week: Week) -> Timestamp {
    let day = week.monday().saturating_add(3.days());
    TimeZone::UTC
        .to_timestamp(day.at(12, 0, 0, 0))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
