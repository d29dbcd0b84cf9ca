//! Did an event change the rate? Interrupted series, never a plain before and
//! after: what was already rising would be blamed on whatever came last.

use std::collections::{BTreeMap, BTreeSet};

use countersign_stats::Confidence;
use countersign_stats::its::{self, Intervention, Outcome, Plan, Season, separability};
use countersign_stats::regression::{Errors, Reference, newey_west_lags};
use serde::Serialize;

use super::Options;
use super::answer::{Answer, Ratio, Verdict, decimal};
use super::history::{Event, History, Name};
use super::series::Series;
use super::shift::YEAR;
use crate::week::Week;

/// Two full years before a season is believed.
const SEASON_FROM: usize = 104;
/// Enough weeks for errors that allow for correlation over time.
const ROBUST_FROM: usize = 60;

/// Two events that the data cannot tell apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overlap {
    /// One.
    pub first: String,
    /// The other.
    pub second: String,
    /// Correlation of their steps once trend and season are taken out.
    pub correlation: f64,
}

/// What one event did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventEffect {
    /// The answer.
    pub answer: Answer,
    /// Its name.
    pub name: String,
    /// Its first week.
    pub week: Week,
    /// Level after over the level that trend and season would have given.
    pub level: Option<Ratio>,
    /// p-value of "no change", adjusted for all events (Holm).
    pub p_value: Option<f64>,
    /// Plain after over before, shown so that one sees how far it misleads.
    pub naive: Option<f64>,
    /// Events it cannot be separated from; the level is then of all together.
    pub together_with: Vec<String>,
    /// Whether services that it did not affect served as comparison.
    pub compared: bool,
}

/// What all events did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Events {
    /// Event by event, in the order given.
    pub effects: Vec<EventEffect>,
    /// Pairs that cannot be separated.
    pub overlaps: Vec<Overlap>,
}

/// What the events of a history did to the rate.
#[must_use]
pub fn events(history: &History, options: &Options) -> Events {
    if history.events.is_empty() {
        return Events::default();
    }
    let all = Series::all(history, options.metric);
    let mut effects: Vec<EventEffect> = history
        .events
        .iter()
        .map(|event| blank(event, options))
        .collect();
    let usable: Vec<usize> = history
        .events
        .iter()
        .enumerate()
        .filter(|(at, event)| match unusable(event, &all, options) {
            None => true,
            Some(verdict) => {
                if let Some(effect) = effects.get_mut(*at) {
                    effect.answer.verdict = verdict;
                }
                false
            }
        })
        .map(|(at, _)| at)
        .collect();
    let overlaps = overlaps(history, &all, &usable);
    for together in components(history, &usable, &overlaps) {
        // events on different services share a fit only with their like
        let affects: BTreeSet<&[Name]> = together
            .iter()
            .filter_map(|&at| history.events.get(at))
            .map(|e| e.affects.as_slice())
            .collect();
        if affects.len() > 1 {
            mark(&mut effects, history, &together, None);
        }
    }
    fit_all(history, options, &usable, &overlaps, &mut effects);
    share_the_error(&mut effects, options);
    effects.iter_mut().for_each(phrase);
    Events { effects, overlaps }
}

fn blank(event: &Event, options: &Options) -> EventEffect {
    EventEffect {
        answer: Answer {
            question: format!("Did {} change incidents {}?", event.name, options.metric),
            verdict: Verdict::too_little(None),
            sentence: String::new(),
            method: "interrupted time series: log-linear trend, season from two years on, one step per event \
                     (Lopez Bernal, Cummins & Gasparrini 2017), the wider of quasi-Poisson errors and those \
                     robust to correlation over time (Newey & West 1987), Student's t; p-values share one error \
                     (Holm 1979)"
                .to_owned(),
            assumptions: vec![
                "without the event the earlier trend would have gone on".to_owned(),
                "the event worked at once and for good: a level, not a slope".to_owned(),
            ],
            limits: Vec::new(),
        },
        name: event.name.clone(),
        week: event.week,
        level: None,
        p_value: None,
        naive: None,
        together_with: Vec::new(),
        compared: false,
    }
}

/// Why an event cannot be looked at.
fn unusable(event: &Event, all: &Series, options: &Options) -> Option<Verdict> {
    if all.weeks.is_empty() {
        return Some(Verdict::cannot("no-exposure", options.metric.missing()));
    }
    let start = all.position(event.week);
    let (before, after) = (start, all.weeks.len() - start);
    (before < 8 || after < 4).then(|| {
        Verdict::cannot(
            "too-little-data",
            format!("{before} weeks before it and {after} from it on; 8 and 4 are needed"),
        )
    })
}

fn season(weeks: usize) -> Option<Season> {
    (weeks >= SEASON_FROM).then_some(Season {
        length: YEAR,
        pairs: 1,
    })
}

/// Steps that trend and season leave too much alike.
fn overlaps(history: &History, all: &Series, usable: &[usize]) -> Vec<Overlap> {
    let steps: Vec<Intervention> = usable
        .iter()
        .filter_map(|&at| Some((at, history.events.get(at)?)))
        .map(|(at, event)| Intervention {
            // names may repeat; positions do not
            name: at.to_string(),
            start: all.position(event.week),
            slope: false,
        })
        .collect();
    if steps.len() < 2 {
        return Vec::new();
    }
    let name = |position: &str| -> String {
        let at: Option<usize> = position.parse().ok();
        at.and_then(|at| history.events.get(at))
            .map(|e| e.name.clone())
            .unwrap_or_default()
    };
    separability(all.weeks.len(), &steps, season(all.weeks.len()))
        .unwrap_or_default()
        .iter()
        .filter(|pair| !pair.separable())
        .map(|pair| Overlap {
            first: name(&pair.first),
            second: name(&pair.second),
            correlation: pair.partial_correlation,
        })
        .collect()
}

/// Events that hang together by overlaps, as lists of positions.
fn components(history: &History, usable: &[usize], overlaps: &[Overlap]) -> Vec<Vec<usize>> {
    let mut left: BTreeSet<usize> = usable.iter().copied().collect();
    let name = |at: &usize| history.events.get(*at).map_or("", |e| e.name.as_str());
    let mut found = Vec::new();
    while let Some(first) = left.pop_first() {
        let mut together = vec![first];
        let mut next = 0;
        while let Some(&at) = together.get(next) {
            let near: Vec<usize> = left
                .iter()
                .filter(|other| {
                    overlaps.iter().any(|o| {
                        (o.first == name(&at) && o.second == name(other))
                            || (o.second == name(&at) && o.first == name(other))
                    })
                })
                .copied()
                .collect();
            for other in near {
                left.remove(&other);
                together.push(other);
            }
            next += 1;
        }
        together.sort_unstable();
        found.push(together);
    }
    found
}

/// Marks events as inseparable, with the effect of all of them where known.
fn mark(effects: &mut [EventEffect], history: &History, together: &[usize], level: Option<Ratio>) {
    let names: Vec<&str> = together
        .iter()
        .filter_map(|&at| history.events.get(at))
        .map(|e| e.name.as_str())
        .collect();
    for &at in together {
        let Some(effect) = effects.get_mut(at) else {
            continue;
        };
        let others: Vec<String> = together
            .iter()
            .filter(|&&other| other != at)
            .filter_map(|&other| history.events.get(other))
            .map(|e| e.name.clone())
            .collect();
        let mut text = format!(
            "cannot be separated from {}: they came too close together",
            others.join(" and ")
        );
        if let Some(level) = level {
            text.push_str(&format!(
                "; {} together: {level} times",
                names.join(" and ")
            ));
        }
        effect.level = level;
        effect.together_with = others;
        effect.answer.verdict = Verdict::cannot("coincide", text);
    }
}

/// One fit per set of affected services.
fn fit_all(
    history: &History,
    options: &Options,
    usable: &[usize],
    overlaps: &[Overlap],
    effects: &mut [EventEffect],
) {
    let mut sets: BTreeMap<&[Name], Vec<usize>> = BTreeMap::new();
    for &at in usable {
        let marked = effects.get(at).is_some_and(|e| !e.together_with.is_empty());
        if let (Some(event), false) = (history.events.get(at), marked) {
            sets.entry(event.affects.as_slice()).or_default().push(at);
        }
    }
    for (affects, members) in sets {
        let groups = components(history, &members, overlaps);
        match fit(history, options, affects, &groups) {
            Err(verdict) => {
                for &at in &members {
                    if let Some(effect) = effects.get_mut(at) {
                        effect.answer.verdict = verdict.clone();
                    }
                }
            }
            Ok((found, compared)) => {
                for (group, effect) in groups.iter().zip(found) {
                    report(effects, history, group, &effect, compared);
                }
            }
        }
    }
}

/// Weeks that both series have exposure in.
fn aligned(first: Series, second: Series) -> (Series, Series) {
    let shared: BTreeSet<Week> = first
        .weeks
        .iter()
        .filter(|w| second.weeks.binary_search(w).is_ok())
        .copied()
        .collect();
    let keep = |series: Series| {
        let mut kept = Series::default();
        for ((week, count), exposure) in series
            .weeks
            .into_iter()
            .zip(series.counts)
            .zip(series.exposure)
        {
            if shared.contains(&week) {
                kept.weeks.push(week);
                kept.counts.push(count);
                kept.exposure.push(exposure);
            }
        }
        kept
    };
    (keep(first), keep(second))
}

fn fit(
    history: &History,
    options: &Options,
    affects: &[Name],
    groups: &[Vec<usize>],
) -> Result<(Vec<its::Effect>, bool), Verdict> {
    let touched = |name: &Name| affects.is_empty() || affects.contains(name);
    let reaches = |name: &Name| history.names.parts(name).iter().any(touched);
    let mut series = Series::of(
        history,
        options.metric,
        |i| affects.is_empty() || i.services.iter().any(touched),
        |cell| reaches(&cell.stratum.service),
        |name| touched(&name),
    );
    let mut other = Series::default();
    if !affects.is_empty() {
        other = Series::of(
            history,
            options.metric,
            |i| !i.services.iter().any(touched),
            |cell| !reaches(&cell.stratum.service),
            |name| !touched(&name),
        );
        (series, other) = aligned(series, other);
    }
    let compared = other.incidents() > 0;
    let weeks = series.weeks.len();
    let interventions = groups
        .iter()
        .enumerate()
        .filter_map(|(number, group)| {
            let event = group.first().and_then(|&at| history.events.get(at))?;
            Some(Intervention {
                name: number.to_string(),
                start: series.position(event.week),
                slope: false,
            })
        })
        .collect();
    let plan = Plan {
        series: its::Series {
            counts: &series.counts,
            exposure: &series.exposure,
        },
        comparison: compared.then_some(its::Series {
            counts: &other.counts,
            exposure: &other.exposure,
        }),
        interventions,
        season: season(weeks),
        errors: Errors::Quasi,
        reference: Reference::StudentT,
        confidence: Confidence::P95,
    };
    let quasi = estimate(&plan)?;
    if weeks < ROBUST_FROM {
        return Ok((quasi, compared));
    }
    let robust = estimate(&Plan {
        errors: Errors::NeweyWest {
            lags: newey_west_lags(weeks),
        },
        ..plan
    })?;
    Ok((wider(quasi, robust), compared))
}

fn estimate(plan: &Plan<'_>) -> Result<Vec<its::Effect>, Verdict> {
    match its::analyse(plan) {
        Ok(Outcome::Estimated(found)) => Ok(found.effects),
        // overlaps were merged before, over the same weeks or more
        Ok(Outcome::CannotBeSeparated(_)) => Err(Verdict::cannot(
            "coincide",
            "cannot be separated from another event on the same services",
        )),
        Err(error) => Err(Verdict::cannot("not-computable", error.to_string())),
    }
}

/// Of two estimates of each effect the one that claims less: with a few dozen
/// weeks the errors that allow for correlation come out too small.
fn wider(first: Vec<its::Effect>, second: Vec<its::Effect>) -> Vec<its::Effect> {
    let width = |effect: &its::Effect| effect.level.interval.high / effect.level.interval.low;
    first
        .into_iter()
        .zip(second)
        .map(|(a, b)| if width(&b) > width(&a) { b } else { a })
        .collect()
}

fn report(
    effects: &mut [EventEffect],
    history: &History,
    group: &[usize],
    found: &its::Effect,
    compared: bool,
) {
    let level = Ratio::from(found.level);
    if group.len() > 1 {
        mark(effects, history, group, Some(level));
    }
    for &at in group {
        let Some(effect) = effects.get_mut(at) else {
            continue;
        };
        effect.naive = found.naive;
        effect.compared = compared;
        if group.len() == 1 {
            effect.level = Some(level);
            effect.p_value = found
                .level_p_value
                .is_finite()
                .then_some(found.level_p_value);
        }
    }
}

/// Judges separable events by p-values that share one error.
fn share_the_error(effects: &mut [EventEffect], options: &Options) {
    use countersign_stats::multiple::{Method, adjust};
    let p_values: Vec<f64> = effects.iter().filter_map(|e| e.p_value).collect();
    let adjusted = adjust(&p_values, Method::Holm).unwrap_or(p_values);
    let tested = effects.iter_mut().filter(|e| e.p_value.is_some());
    for (effect, p) in tested.zip(adjusted) {
        effect.p_value = Some(p);
        let Some(level) = effect.level else { continue };
        effect.answer.verdict = match level.side() {
            1 if p <= options.alpha => Verdict::Higher,
            -1 if p <= options.alpha => Verdict::Lower,
            _ => Verdict::nothing_found(would_have_seen(level), options.relevant_ratio),
        };
    }
}

/// The ratio that four of five such series would have shown, from the width of
/// the interval: (1.96 + 0.84) standard errors.
fn would_have_seen(level: Ratio) -> Option<f64> {
    let error = (level.high.ln() - level.low.ln()) / (2.0 * 1.96);
    let ratio = (2.80 * error).exp();
    ratio.is_finite().then_some(ratio)
}

fn phrase(effect: &mut EventEffect) {
    let mut sentence = format!(
        "{} ({}): {}",
        effect.name, effect.week, effect.answer.verdict
    );
    if let (Some(level), true) = (effect.level, effect.together_with.is_empty()) {
        sentence.push_str(&format!(
            "; {level} times what trend and season would have given"
        ));
        if let Some(naive) = effect.naive
            && (naive - 1.0) * (level.value - 1.0) < 0.0
        {
            sentence.push_str(&format!(
                "; a plain before and after would have said {}, the wrong way round",
                decimal(naive)
            ));
        }
    }
    sentence.push('.');
    effect.answer.sentence = sentence;
    if effect.compared {
        effect
            .answer
            .assumptions
            .push("services it did not affect would have gone the same way".to_owned());
    }
}
