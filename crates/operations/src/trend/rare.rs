//! The rare and grave ones. Weekly percentages of something that happens three
//! times a year say nothing; the gaps between them do.

use countersign_stats::Confidence;
use countersign_stats::chart::{self, Limits};
use countersign_stats::power::{Arms, minimum_detectable_ratio};
use countersign_stats::trend::{TrendTest, Window, laplace_exact};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::Options;
use super::answer::{Answer, Verdict, count, decimal, probability};
use super::history::{History, Incident};
use super::series::{Metric, Series};
use super::shift::POWER;

/// A stable process passes a limit of the charts this rarely: "three sigma".
const TAIL: f64 = 0.00135;

/// A chart of gaps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapChart {
    /// `days` (t chart) or `changes` (g chart).
    pub unit: &'static str,
    /// Gap before each incident from the second on.
    pub gaps: Vec<f64>,
    /// The incidents that end the gaps.
    pub incidents: Vec<String>,
    /// Middle of a stable process.
    pub centre: f64,
    /// Gaps below this come too close.
    pub lower: f64,
    /// Gaps above this are rarer than before.
    pub upper: f64,
    /// Positions of gaps that came too close.
    pub too_close: Vec<usize>,
    /// Positions of gaps longer than usual.
    pub rarer: Vec<usize>,
}

/// Sev1 incidents, one by one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rare {
    /// The answer.
    pub answer: Answer,
    /// Number of Sev1 incidents.
    pub incidents: u64,
    /// Laplace's z: above 0 they come faster.
    pub laplace: Option<f64>,
    /// Its two-sided p-value, exact up to 20 incidents.
    pub p_value: Option<f64>,
    /// The largest p-value with any one of them taken out; `None` below three.
    pub p_value_one_fewer: Option<f64>,
    /// Days between them.
    pub days: Option<GapChart>,
    /// Changes shipped between them.
    pub changes: Option<GapChart>,
}

/// Do Sev1 incidents come faster than they did?
#[must_use]
pub fn rare(history: &History, options: &Options) -> Rare {
    let grave: Vec<&Incident> = history
        .incidents
        .iter()
        .filter(|i| i.severity == 1)
        .collect();
    let clock = Clock::new(history);
    let days: Vec<f64> = grave.iter().map(|i| clock.days(i.at)).collect();
    let shipped: Vec<f64> = grave.iter().map(|i| clock.shipped(i.at)).collect();
    let per_change = clock.has_changes();
    let (times, end) = if per_change {
        (&shipped, clock.all_shipped())
    } else {
        (&days, clock.all_days())
    };
    let usable: Vec<f64> = times
        .iter()
        .copied()
        .filter(|t| *t > 0.0 && *t < end)
        .collect();
    let test = laplace_exact(&usable, Window::Until(end)).ok();
    let one_fewer = test
        .as_ref()
        .and_then(|test| one_fewer(&usable, end, test.statistic));
    let verdict = match &test {
        None => Verdict::cannot(
            "too-little-data",
            format!(
                "{} of Sev1; two are needed",
                count(grave.len() as u64, "incident")
            ),
        ),
        Some(test) if test.p_two_sided <= options.alpha => {
            significant(test, one_fewer, usable.len(), options)
        }
        Some(_) => Verdict::nothing_found(
            would_have_seen(usable.len() as u64, end),
            options.relevant_ratio,
        ),
    };
    let per = if per_change {
        "by changes shipped between them"
    } else {
        "by the calendar"
    };
    let mut sentence = format!("Sev1 incidents, {per}: {verdict}");
    if let Some(test) = &test {
        let pace = if test.statistic > 0.0 {
            "faster"
        } else {
            "slower"
        };
        sentence.push_str(&format!(
            "; {} come {pace} towards the end (Laplace z {}, p {})",
            grave.len(),
            decimal(test.statistic),
            probability(test.p_two_sided)
        ));
    }
    sentence.push('.');
    let mut limits = vec![
        "one look at what is recorded by now: read anew every week, chance alone brings a word more often than once in \
         twenty"
            .to_owned(),
    ];
    if !per_change {
        limits.push("measured by the calendar, because changes shipped are not recorded: more work brings more incidents".to_owned());
    }
    let named: Vec<String> = grave.iter().map(|i| i.id.clone()).collect();
    Rare {
        answer: Answer {
            question: "Do Sev1 incidents come faster than they did?".to_owned(),
            verdict,
            sentence,
            method: "Laplace's test on event times (Cox & Lewis 1966) with the exact distribution of their sum up to 20 \
                     (Irwin 1927, Hall 1927), which has to hold with any one incident taken out; g and t charts of gaps with limits that a stable \
                     process passes once in 740 gaps on each side (Benneyan 2001, Nelson 1994)"
                .to_owned(),
            assumptions: vec![
                "incidents are independent of each other: several alerts of one outage are one incident".to_owned(),
                "within a week, changes ship evenly".to_owned(),
            ],
            limits,
        },
        incidents: grave.len() as u64,
        laplace: test.as_ref().map(|t| t.statistic),
        p_value: test.as_ref().map(|t| t.p_two_sided),
        p_value_one_fewer: one_fewer,
        days: days_chart(&days, &named),
        changes: per_change.then(|| changes_chart(&shipped, &named)).flatten(),
    }
}

/// A word, unless a single incident carries it: one severity that was set too
/// high, or one outage entered twice, is the commonest error of a register.
fn significant(
    test: &TrendTest,
    one_fewer: Option<f64>,
    incidents: usize,
    options: &Options,
) -> Verdict {
    match one_fewer {
        Some(p) if p <= options.alpha && test.statistic > 0.0 => Verdict::Higher,
        Some(p) if p <= options.alpha => Verdict::Lower,
        _ => Verdict::cannot(
            "rests-on-one",
            format!("{incidents} are too few: with one of them less, chance would do"),
        ),
    }
}

/// The largest p-value for the same direction with any one event taken out.
fn one_fewer(times: &[f64], end: f64, statistic: f64) -> Option<f64> {
    // a sum loses most by its first or its last
    let ends = [times.split_first()?.1, times.split_last()?.1];
    let mut largest: Option<f64> = None;
    for rest in ends {
        let test = laplace_exact(rest, Window::Until(end)).ok()?;
        let one_sided = if statistic > 0.0 {
            test.p_rising
        } else {
            test.p_falling
        };
        let p = (2.0 * one_sided).min(1.0);
        largest = Some(largest.map_or(p, |most| most.max(p)));
    }
    largest
}

fn would_have_seen(events: u64, end: f64) -> Option<f64> {
    let arms = Arms {
        first_exposure: end / 2.0,
        second_exposure: end / 2.0,
        base_rate: events as f64 / end,
    };
    minimum_detectable_ratio(arms, POWER, Confidence::P95)
        .ok()?
        .increase
}

fn gaps(times: &[f64]) -> Vec<f64> {
    times
        .iter()
        .zip(times.iter().skip(1))
        .map(|(a, b)| (b - a).max(0.0))
        .collect()
}

/// The first half sets the limits, so that the second can be judged by them.
fn baseline(gaps: usize) -> usize {
    (gaps / 2).max(2)
}

fn days_chart(times: &[f64], named: &[String]) -> Option<GapChart> {
    let gaps = gaps(times);
    let found = chart::t_chart(&gaps, baseline(gaps.len()), Limits::Probability(TAIL)).ok()?;
    Some(drawn("days", gaps, named, found))
}

fn changes_chart(times: &[f64], named: &[String]) -> Option<GapChart> {
    let whole: Vec<u64> = gaps(times).iter().map(|gap| gap.round() as u64).collect();
    let found = chart::g_chart(&whole, baseline(whole.len()), Limits::Probability(TAIL)).ok()?;
    let gaps = whole.iter().map(|&gap| gap as f64).collect();
    Some(drawn("changes", gaps, named, found))
}

fn drawn(unit: &'static str, gaps: Vec<f64>, named: &[String], found: chart::Chart) -> GapChart {
    GapChart {
        unit,
        gaps,
        incidents: named.iter().skip(1).cloned().collect(),
        centre: found.centre,
        lower: found.lower,
        upper: found.upper,
        too_close: found.too_close,
        rarer: found.rarer,
    }
}

/// Time since the start of the window, in days and in changes shipped.
struct Clock {
    start: Timestamp,
    weeks: i32,
    /// Changes shipped before each week, and in all.
    before: Vec<f64>,
}

impl Clock {
    fn new(history: &History) -> Self {
        let series = Series::all(history, Metric::Changes);
        let mut before = vec![0.0; history.weeks() + 1];
        let mut sum = 0.0;
        let mut shipped = series.weeks.iter().zip(&series.exposure).peekable();
        for (at, cell) in before.iter_mut().enumerate() {
            *cell = sum;
            let week = history.from.plus(i32::try_from(at).unwrap_or(i32::MAX));
            if let Some((_, amount)) = shipped.next_if(|(w, _)| **w == week) {
                sum += amount;
            }
        }
        Self {
            start: history.from.bounds(&TimeZone::UTC).0,
            weeks: i32::try_from(history.weeks()).unwrap_or(i32::MAX),
            before,
        }
    }

    fn has_changes(&self) -> bool {
        self.all_shipped() > 0.0
    }

    fn all_shipped(&self) -> f64 {
        self.before.last().copied().unwrap_or(0.0)
    }

    fn all_days(&self) -> f64 {
        7.0 * f64::from(self.weeks)
    }

    fn days(&self, at: Timestamp) -> f64 {
        (at.as_second() - self.start.as_second()) as f64 / 86_400.0
    }

    fn shipped(&self, at: Timestamp) -> f64 {
        let weeks = (self.days(at) / 7.0).max(0.0);
        let before = |at: usize| self.before.get(at).copied().unwrap_or(self.all_shipped());
        let whole = weeks.floor();
        let (from, to) = (before(whole as usize), before(whole as usize + 1));
        from + (to - from) * (weeks - whole)
    }
}
