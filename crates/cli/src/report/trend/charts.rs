//! The analysis as charts, the same for page and terminal.

use countersign_operations::trend::{
    Analysis, Calendar, Comparison, Counts, Events, GapChart as Gaps, Looks, Metric, Trend,
};
use countersign_operations::week::Week;
use countersign_page::chart::{
    Column, Dot, Event, Forest, Gap, GapChart, HeatRow, HeatStrip, Point, RunChart, Scale,
    StackedBars,
};

/// Periods that a row of a terminal or a page still tells apart.
const MAX_PERIODS: usize = 40;

/// A trend, with its events.
pub(crate) fn run(trend: &Trend, events: &Events, title: &str) -> RunChart {
    let scale = trend.metric.scale();
    let series = &trend.series;
    let mut ticks = Ticks::default();
    let points = series
        .weeks
        .iter()
        .zip(&series.counts)
        .zip(&series.exposure)
        .map(|((week, &count), &exposure)| {
            let value = count as f64 / exposure;
            let expected = trend.expected(*week, exposure);
            let tick = ticks.next(*week);
            Point {
                label: week.to_string(),
                tick,
                value: value * scale,
                expected: expected
                    .map(|(rate, range)| [range.low, rate, range.high].map(|v| v * scale)),
                flagged: expected.is_some_and(|(_, range)| value > range.high || value < range.low),
            }
        })
        .collect();
    let events = events
        .effects
        .iter()
        .map(|effect| {
            (
                series.weeks.partition_point(|week| *week < effect.week),
                &effect.name,
            )
        })
        .filter(|(at, _)| *at > 0 && *at < series.weeks.len())
        .map(|(at, name)| Event {
            at,
            name: name.clone(),
        })
        .collect();
    RunChart {
        title: title.to_owned(),
        unit: unit(trend.metric),
        time: "week".to_owned(),
        points,
        events,
        threshold: None,
        scale: Scale::Linear,
    }
}

/// The first week of each quarter names it on the axis.
#[derive(Default)]
struct Ticks(Option<String>);

impl Ticks {
    fn next(&mut self, week: Week) -> String {
        let quarter = quarter(week);
        if self.0.as_ref() == Some(&quarter) {
            return String::new();
        }
        self.0 = Some(quarter.clone());
        quarter
    }
}

fn unit(metric: Metric) -> String {
    format!("incidents {metric}")
}

fn quarter(week: Week) -> String {
    let (year, quarter) = week.quarter();
    format!("{year}-Q{quarter}")
}

/// The month that a week's Thursday lies in.
fn month(week: Week) -> String {
    let day = week.monday().saturating_add(jiff::Span::new().days(3));
    format!("{}-{:02}", day.year(), day.month())
}

/// The evidence of the weekly looks.
pub(super) fn evidence(looks: &Looks) -> Option<RunChart> {
    if looks.taken.is_empty() {
        return None;
    }
    let mut ticks = Ticks::default();
    let points = looks
        .taken
        .iter()
        .map(|look| {
            let tick = ticks.next(look.week);
            Point {
                label: look.week.to_string(),
                tick,
                value: look.evidence,
                expected: None,
                flagged: looks.alarm.is_some_and(|alarm| alarm.week == look.week),
            }
        })
        .collect();
    Some(RunChart {
        title: "Evidence that AI-assisted changes are riskier, look by look".to_owned(),
        unit: "e-value".to_owned(),
        time: "week".to_owned(),
        points,
        events: Vec::new(),
        threshold: Some((
            looks.threshold,
            format!("alarm at {}", countersign_page::decimal(looks.threshold)),
        )),
        scale: Scale::Log,
    })
}

/// Crude beside adjusted, and what is left when nobody declares.
pub(super) fn comparison(found: &Comparison) -> Option<Forest> {
    let dots: Vec<Dot> = [
        ("as they stand", found.crude),
        ("like with like: regression", found.adjusted),
        ("like with like: strata", found.mantel_haenszel),
    ]
    .into_iter()
    .filter_map(|(name, ratio)| Some((name, ratio?)))
    .map(|(name, ratio)| Dot {
        name: name.to_owned(),
        value: Some(ratio.value),
        low: ratio.low,
        high: ratio.high,
    })
    .chain(found.bounds.map(|bounds| Dot {
        name: "whatever undeclared is".to_owned(),
        value: None,
        low: bounds.low,
        high: bounds.high,
    }))
    .chain(found.unlinked_bounds.map(|bounds| Dot {
        name: "wherever unlinked belong".to_owned(),
        value: None,
        low: bounds.low,
        high: bounds.high,
    }))
    .collect();
    (!dots.is_empty()).then(|| Forest {
        title: "Incidents per AI-assisted change, relative to others".to_owned(),
        sides: ["fewer".to_owned(), "more".to_owned()],
        dots,
    })
}

/// What each event did to the level.
pub(super) fn events(found: &Events) -> Option<Forest> {
    let mut dots: Vec<Dot> = Vec::new();
    for effect in &found.effects {
        let Some(level) = effect.level else { continue };
        let mut names = vec![effect.name.as_str()];
        names.extend(effect.together_with.iter().map(String::as_str));
        names.sort_unstable();
        let dot = Dot {
            name: names.join(" + "),
            value: Some(level.value),
            low: level.low,
            high: level.high,
        };
        // what cannot be separated has one effect, drawn once
        if !dots.contains(&dot) {
            dots.push(dot);
        }
    }
    (!dots.is_empty()).then(|| Forest {
        title: "Level after each event, relative to trend and season".to_owned(),
        sides: ["lower".to_owned(), "higher".to_owned()],
        dots,
    })
}

/// Incidents by severity: by month, or by quarter where months are too many.
pub(super) fn severities(calendar: &Calendar) -> Option<StackedBars> {
    let (time, periods, rows) = by_period(calendar, &calendar.severities)?;
    let columns = periods
        .into_iter()
        .enumerate()
        .map(|(at, label)| Column {
            label,
            counts: rows.iter().filter_map(|row| row.get(at)).copied().collect(),
        })
        .collect();
    Some(StackedBars {
        title: "Incidents by severity".to_owned(),
        time: time.to_owned(),
        kinds: calendar.severities.iter().map(|s| s.name.clone()).collect(),
        columns,
    })
}

/// Incidents by service.
pub(super) fn services(calendar: &Calendar) -> Option<HeatStrip> {
    let (time, periods, rows) = by_period(calendar, &calendar.services)?;
    let rows = calendar
        .services
        .iter()
        .zip(rows)
        .map(|(service, counts)| HeatRow {
            name: service.name.clone(),
            counts,
        })
        .collect();
    Some(HeatStrip {
        title: "Incidents by affected service".to_owned(),
        periods_are: time.to_owned(),
        periods,
        rows,
    })
}

type Periods = (&'static str, Vec<String>, Vec<Vec<u64>>);

fn by_period(calendar: &Calendar, rows: &[Counts]) -> Option<Periods> {
    if rows.is_empty() || calendar.weeks.is_empty() {
        return None;
    }
    let named = |name: fn(Week) -> String| {
        let mut periods: Vec<String> = calendar.weeks.iter().map(|week| name(*week)).collect();
        periods.dedup();
        periods
    };
    let (time, name, periods) = match named(month) {
        months if months.len() <= MAX_PERIODS => ("month", month as fn(Week) -> String, months),
        _ => ("quarter", quarter as fn(Week) -> String, named(quarter)),
    };
    let summed = rows
        .iter()
        .map(|row| {
            let mut sums = vec![0; periods.len()];
            let mut at = 0;
            for (week, count) in calendar.weeks.iter().zip(&row.counts) {
                while periods.get(at).is_some_and(|period| *period != name(*week)) {
                    at += 1;
                }
                if let Some(sum) = sums.get_mut(at) {
                    *sum += count;
                }
            }
            sums
        })
        .collect();
    Some((time, periods, summed))
}

/// Gaps between grave incidents: by changes where they are known.
pub(super) fn gaps(analysis: &Analysis) -> Option<GapChart> {
    let gaps: &Gaps = analysis
        .rare
        .changes
        .as_ref()
        .or(analysis.rare.days.as_ref())?;
    let note = |at: usize| {
        if gaps.too_close.contains(&at) {
            "too close".to_owned()
        } else if gaps.rarer.contains(&at) {
            "rarer".to_owned()
        } else {
            String::new()
        }
    };
    let drawn = gaps
        .gaps
        .iter()
        .zip(&gaps.incidents)
        .enumerate()
        .map(|(at, (value, incident))| Gap {
            label: incident.clone(),
            value: *value,
            note: note(at),
        })
        .collect();
    Some(GapChart {
        title: format!(
            "{} between Sev1 incidents",
            if gaps.unit == "days" {
                "Days"
            } else {
                "Changes shipped"
            }
        ),
        unit: gaps.unit.to_owned(),
        gaps: drawn,
        centre: gaps.centre,
        lower: gaps.lower,
        upper: gaps.upper,
    })
}
