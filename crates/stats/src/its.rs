//! Interrupted time series: did an event change the level or the slope of a
//! rate, beyond the trend and the season it already had?
//!
//! The segmented log-linear model of Lopez Bernal, Cummins & Gasparrini 2017
//! (*Interrupted time series regression for the evaluation of public health
//! interventions: a tutorial*, IJE 46): trend, harmonic season, one step and
//! optionally one change of slope per intervention, an optional comparison
//! series that takes up what happened to everybody, and standard errors that
//! allow for overdispersion or correlation over time.

mod model;
mod separability;

pub use separability::{Pair, separability};

use crate::error::{Error, Result, at_least, at_most, same_length};
use crate::regression::{Errors, Fit, Reference, poisson};
use crate::types::{Confidence, Estimate, check_exposures};

/// Longest series accepted.
const MAX_PERIODS: u64 = 100_000;

/// Counts per period over the exposure of that period.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// Events in each period.
    pub counts: &'a [u64],
    /// Exposure of each period, above 0.
    pub exposure: &'a [f64],
}

/// Something that happened between two periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intervention {
    /// Its name in results.
    pub name: String,
    /// Zero-based first period under it.
    pub start: usize,
    /// Whether the slope may change too, not only the level.
    pub slope: bool,
}

/// Harmonic season.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Season {
    /// Periods in one cycle: 12 for months, 52.1775 for weeks.
    pub length: f64,
    /// Pairs of sine and cosine; 1 or 2 are usual.
    pub pairs: u32,
}

/// What to fit.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The series that the interventions are meant to have changed.
    pub series: Series<'a>,
    /// A series over the same periods that they should not have changed.
    pub comparison: Option<Series<'a>>,
    /// The interventions, in any order.
    pub interventions: Vec<Intervention>,
    /// Season, if there is one.
    pub season: Option<Season>,
    /// Standard errors; counts of incidents need [`Errors::Quasi`] or
    /// [`Errors::NeweyWest`].
    pub errors: Errors,
    /// Distribution behind intervals and p-values; [`Reference::StudentT`] for
    /// series of fewer than about a hundred periods.
    pub reference: Reference,
    /// Level of the intervals.
    pub confidence: Confidence,
}

/// Effect of one intervention, as rate ratios.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Name of the intervention.
    pub name: String,
    /// Immediate change of level; against the comparison series if there is one.
    pub level: Estimate,
    /// p-value of the change of level.
    pub level_p_value: f64,
    /// Change of the rate's growth per period, where a slope was asked for.
    pub slope: Option<Estimate>,
    /// Rate after over rate before with nothing taken into account. It is shown
    /// only so that a reader can see how far it misleads.
    pub naive: Option<f64>,
}

/// A fitted interrupted series.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// One effect per intervention, in the order given.
    pub effects: Vec<Effect>,
    /// Growth of the rate per period before the first intervention.
    pub trend: Estimate,
    /// The regression behind it; columns are named in [`Plan`]'s words
    /// (`trend`, `level NAME`, `slope NAME`, `sine K`, `cosine K`, and with a
    /// comparison series `series`, `comparison trend`, `common level NAME` …).
    pub fit: Fit,
    /// How well each two interventions can be told apart.
    pub pairs: Vec<Pair>,
}

/// An answer, or the reason why the data cannot give one.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The effects could be estimated.
    Estimated(Box<Analysis>),
    /// Two interventions lie too close together to be told apart; the pairs
    /// with the correlation of their regressors.
    CannotBeSeparated(Vec<Pair>),
}

/// Fits an interrupted time series.
///
/// ```
/// use countersign_stats::regression::{Errors, Reference};
/// use countersign_stats::{Confidence, its};
/// let counts: Vec<u64> = (0..40).map(|i| if i < 20 { 20 + i } else { 10 + i }).collect();
/// let exposure = vec![100.0; 40];
/// let plan = its::Plan {
///     series: its::Series { counts: &counts, exposure: &exposure },
///     comparison: None,
///     interventions: vec![its::Intervention { name: "policy".into(), start: 20, slope: false }],
///     season: None,
///     errors: Errors::Quasi,
///     reference: Reference::StudentT,
///     confidence: Confidence::P95,
/// };
/// let its::Outcome::Estimated(found) = its::analyse(&plan)? else { unreachable!() };
/// let effect = &found.effects[0];
/// assert!(effect.level.interval.high < 1.0, "the policy lowered the level");
/// assert!(effect.naive > Some(1.0), "although the rate afterwards is higher than before");
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// Lengths that differ, exposures that are not above 0, no intervention, a
/// start without two periods on either side, a season that does not fit, and
/// every error of [`poisson`].
pub fn analyse(plan: &Plan<'_>) -> Result<Outcome> {
    check(plan)?;
    let periods = plan.series.counts.len();
    let pairs = separability(periods, &plan.interventions, plan.season)?;
    let inseparable: Vec<Pair> = pairs.iter().filter(|p| !p.separable()).cloned().collect();
    if !inseparable.is_empty() {
        return Ok(Outcome::CannotBeSeparated(inseparable));
    }
    let (counts, design) = model::build(plan)?;
    let fit = poisson(&counts, &design, plan.errors)?.judged_by(plan.reference);
    let ratio = |name: &str| -> Result<Estimate> {
        model::coefficient(&fit, name).map(|c| c.ratio(plan.confidence))
    };
    let mut effects = Vec::with_capacity(plan.interventions.len());
    for intervention in &plan.interventions {
        let level = format!("level {}", intervention.name);
        effects.push(Effect {
            name: intervention.name.clone(),
            level: ratio(&level)?,
            level_p_value: model::coefficient(&fit, &level)?.p_value(),
            slope: match intervention.slope {
                true => Some(ratio(&format!("slope {}", intervention.name))?),
                false => None,
            },
            naive: naive(plan.series, intervention.start),
        });
    }
    let trend = ratio("trend")?;
    Ok(Outcome::Estimated(Box::new(Analysis {
        effects,
        trend,
        fit,
        pairs,
    })))
}

fn check(plan: &Plan<'_>) -> Result<()> {
    let series = plan.series;
    at_least("periods", series.counts, 6)?;
    at_most("number of periods", series.counts.len() as u64, MAX_PERIODS)?;
    at_least("interventions", &plan.interventions, 1)?;
    for (counts, exposure) in std::iter::once(series)
        .chain(plan.comparison)
        .map(|s| (s.counts, s.exposure))
    {
        same_length("counts", counts, "exposures", exposure)?;
        same_length("the comparison series", counts, "the series", series.counts)?;
        check_exposures(exposure)?;
    }
    for intervention in &plan.interventions {
        if intervention.start < 2 || intervention.start + 2 > series.counts.len() {
            return Err(Error::OutOfRange {
                what: "start of an intervention",
                value: intervention.start as f64,
                expected: "at least two periods before it and two from it on",
            });
        }
    }
    let repeats = plan.interventions.iter().enumerate().any(|(i, a)| {
        plan.interventions
            .iter()
            .skip(i + 1)
            .any(|b| a.name == b.name)
    });
    if repeats {
        return Err(Error::Undetermined {
            what: "the interrupted series",
            why: "two interventions have the same name",
        });
    }
    Ok(())
}

/// Rate from `start` on over the rate before.
fn naive(series: Series<'_>, start: usize) -> Option<f64> {
    let rate = |counts: &[u64], exposure: &[f64]| {
        counts.iter().map(|&c| c as f64).sum::<f64>() / exposure.iter().sum::<f64>()
    };
    let (before, after) = series.counts.split_at_checked(start)?;
    let (time_before, time_after) = series.exposure.split_at_checked(start)?;
    let ratio = rate(after, time_after) / rate(before, time_before);
    ratio.is_finite().then_some(ratio)
}
