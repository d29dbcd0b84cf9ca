//! What to look into together: picked by rule, plus a turn of the wheel.

use std::collections::{BTreeMap, BTreeSet};

use countersign_stats::{Confidence, Counted, Random, rate};
use serde::Serialize;

use super::factors::{standing, title};
use super::{Frame, Line};
use crate::factor::ClaimState;
use crate::incident::{Incident, Severity};
use crate::trend::Range;
use crate::week::Week;

/// Weeks looked back for factors that repeat.
pub(super) const LOOK_BACK: i32 = 13;
/// A factor in so many incidents repeats.
const REPEATED: usize = 3;
/// The most factors picked.
const MOST_FACTORS: usize = 3;
/// A service that was not on the wheel for so many weeks has its full weight.
const FULL_WEIGHT: i32 = 26;

/// Why something was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Sev1 or Sev2, and its correction of errors is not written.
    NoAnalysis,
    /// Doing away with the factor would have avoided the most incidents.
    MostAvoided,
    /// The factor was there in several incidents of the last 13 weeks.
    Repeated,
}

/// Something to look into.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dive {
    /// The incident or factor.
    pub about: String,
    /// What it is.
    pub title: String,
    /// Why it was picked.
    pub rule: Rule,
    /// The incidents to look at.
    pub incidents: Vec<String>,
    /// For factors: incidents expected in the next 13 weeks from it, if nothing
    /// changes: from confirmed claims alone at the low end to every claim that
    /// is not withdrawn at the high end.
    pub avoidable: Option<Range>,
}

/// A service drawn at random, whose owners walk the meeting through it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wheel {
    /// What it was drawn with; the same seed and weights draw the same service.
    pub seed: u64,
    /// Weights of the services, in order.
    pub weights: BTreeMap<String, u64>,
    /// The service; `None`: none is known.
    pub service: Option<String>,
}

/// What to look into.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dives {
    /// Picked by rule.
    pub picked: Vec<Dive>,
    /// Picked by chance.
    pub wheel: Wheel,
}

pub(super) fn dives(frame: &Frame<'_>) -> Dives {
    let mut picked: Vec<Dive> = Vec::new();
    let mut grave: Vec<&Incident> = frame
        .inputs
        .incidents
        .iter()
        .filter(|it| frame.holds(it.started) && it.counts() && it.noted.at <= frame.cut_off)
        .filter(|it| it.severity.is_some_and(|it| it <= Severity::Sev2))
        .filter(|it| !frame.inputs.analysed.contains(&it.id))
        .collect();
    grave.sort_by(|a, b| (a.severity, a.started, &a.id).cmp(&(b.severity, b.started, &b.id)));
    picked.extend(grave.into_iter().map(|it| Dive {
        about: it.id.clone(),
        title: it.title.clone(),
        rule: Rule::NoAnalysis,
        incidents: vec![it.id.clone()],
        avoidable: None,
    }));
    picked.extend(by_factor(frame));
    Dives {
        picked,
        wheel: wheel(frame),
    }
}

/// Incidents of the look-back with a factor.
#[derive(Default)]
struct Of<'a> {
    confirmed: BTreeSet<&'a str>,
    standing: BTreeSet<&'a str>,
}

fn by_factor(frame: &Frame<'_>) -> Vec<Dive> {
    let from = frame
        .week
        .plus(1 - LOOK_BACK)
        .bounds(&frame.inputs.zone.zone)
        .0;
    let recent: BTreeSet<&str> = frame
        .inputs
        .incidents
        .iter()
        .filter(|it| from <= it.started && it.started < frame.until && it.counts())
        .filter(|it| it.noted.at <= frame.cut_off)
        .map(|it| it.id.as_str())
        .collect();
    let claims = standing(frame);
    let mut factors: BTreeMap<&str, Of<'_>> = BTreeMap::new();
    for claim in claims
        .iter()
        .filter(|it| recent.contains(it.incident.as_str()))
    {
        if claim.state == ClaimState::Withdrawn {
            continue;
        }
        let of = factors.entry(claim.factor.as_str()).or_default();
        of.standing.insert(claim.incident.as_str());
        if claim.state == ClaimState::Confirmed {
            of.confirmed.insert(claim.incident.as_str());
        }
    }
    let mut ranked: Vec<(&str, Of<'_>)> = factors.into_iter().collect();
    ranked.sort_by(|(a, one), (b, two)| {
        let key = |of: &Of<'_>| (of.confirmed.len(), of.standing.len());
        key(two).cmp(&key(one)).then_with(|| a.cmp(b))
    });
    let first = ranked.first().map(|(factor, _)| *factor);
    ranked
        .iter()
        .filter(|(factor, of)| Some(*factor) == first || of.standing.len() >= REPEATED)
        .take(MOST_FACTORS)
        .map(|(factor, of)| Dive {
            about: (*factor).to_owned(),
            title: title(factor),
            rule: if Some(*factor) == first {
                Rule::MostAvoided
            } else {
                Rule::Repeated
            },
            incidents: of.standing.iter().map(|id| (*id).to_owned()).collect(),
            avoidable: Some(Range {
                low: bounds(of.confirmed.len()).0,
                high: bounds(of.standing.len()).1,
            }),
        })
        .collect()
}

/// Exact 95 % interval of what to expect in another such time.
fn bounds(count: usize) -> (f64, f64) {
    Counted::new(count as u64, 1.0).map_or((0.0, f64::INFINITY), |counted| {
        let interval = rate::exact_interval(counted, Confidence::P95).interval;
        (interval.low, interval.high)
    })
}

/// The service that a circulated review drew.
fn drawn(lines: &[Line]) -> Option<&str> {
    let mut abouts = lines.iter().map(|line| line.about.as_str());
    abouts.find_map(|about| about.strip_prefix("wheel:"))
}

/// Draws a service: the more important, and the longer not drawn, the likelier.
fn wheel(frame: &Frame<'_>) -> Wheel {
    let inputs = frame.inputs;
    let mut last: BTreeMap<&str, Week> = BTreeMap::new();
    let mut seed = inputs.seed;
    let mut before = None;
    for issued in &inputs.issued {
        if issued.week == frame.week {
            // a new version of the same week draws nothing new
            seed = issued.seed.unwrap_or(seed);
            before = drawn(&issued.lines).or(before);
        } else if let Some(service) = drawn(&issued.lines).filter(|_| issued.week < frame.week) {
            let week = last.entry(service).or_insert(issued.week);
            *week = (*week).max(issued.week);
        }
    }
    let from = frame.week.plus(1 - LOOK_BACK);
    let shipped = inputs.service_shipped.keys();
    let shipped = shipped.filter(|(_, week)| from <= *week && *week <= frame.week);
    let services: BTreeSet<&str> = shipped
        .map(|(service, _)| service.as_str())
        .chain(inputs.tiers.keys().map(String::as_str))
        .collect();
    let weights: BTreeMap<String, u64> = services
        .into_iter()
        .map(|service| {
            let importance = match inputs.tiers.get(service) {
                Some(0 | 1) => 3,
                Some(2) => 2,
                _ => 1,
            };
            let rested = last.get(service).map_or(FULL_WEIGHT, |week| {
                frame.week.since(*week).clamp(0, FULL_WEIGHT)
            });
            (
                service.to_owned(),
                importance * u64::from(rested.unsigned_abs()),
            )
        })
        .collect();
    Wheel {
        service: before.map(str::to_owned).or_else(|| draw(seed, &weights)),
        seed,
        weights,
    }
}

/// Draws by weight; the same seed and weights draw the same.
pub(super) fn draw(seed: u64, weights: &BTreeMap<String, u64>) -> Option<String> {
    let total: u64 = weights.values().sum();
    if total == 0 {
        return None;
    }
    let mut place = Random::seeded(seed).below(total);
    for (service, weight) in weights {
        if place < *weight {
            return Some(service.clone());
        }
        place -= weight;
    }
    None
}
