//! The design matrix of an interrupted series.

use super::{Plan, Season};
use crate::error::{Error, Result, at_most, positive};
use crate::regression::{Coefficient, Design, Fit};

/// Counts and regressors; with a comparison series its rows follow the others.
pub(super) fn build(plan: &Plan<'_>) -> Result<(Vec<u64>, Design)> {
    let periods = plan.series.counts.len();
    let Some(comparison) = plan.comparison else {
        let mut design = Design::new(periods)?
            .intercept()?
            .column("trend", &trend(periods))?;
        for (name, values) in season(periods, plan.season)? {
            design = design.column(&name, &values)?;
        }
        for (name, values) in steps(plan, "") {
            design = design.column(&name, &values)?;
        }
        return Ok((
            plan.series.counts.to_vec(),
            design.exposure(plan.series.exposure)?,
        ));
    };
    let zeros = vec![0.0; periods];
    let both = |values: &[f64]| [values, values].concat();
    let first_only = |values: &[f64]| [values, &zeros].concat();
    // each series has its own trend, so `trend` reads as in the simple model
    let mut design = Design::new(2 * periods)?
        .intercept()?
        .column("series", &first_only(&vec![1.0; periods]))?
        .column("trend", &first_only(&trend(periods)))?
        .column(
            "comparison trend",
            &[zeros.clone(), trend(periods)].concat(),
        )?;
    for (name, values) in season(periods, plan.season)? {
        design = design.column(&name, &both(&values))?;
    }
    for (name, values) in steps(plan, "common ") {
        design = design.column(&name, &both(&values))?;
    }
    for (name, values) in steps(plan, "") {
        design = design.column(&name, &first_only(&values))?;
    }
    let counts = [plan.series.counts, comparison.counts].concat();
    let exposure = [plan.series.exposure, comparison.exposure].concat();
    let rows: Vec<usize> = (0..periods).chain(0..periods).collect();
    Ok((counts, design.exposure(&exposure)?.periods(&rows)?))
}

fn trend(periods: usize) -> Vec<f64> {
    (0..periods).map(|t| t as f64).collect()
}

/// Level and slope columns of every intervention.
fn steps(plan: &Plan<'_>, prefix: &str) -> Vec<(String, Vec<f64>)> {
    let periods = plan.series.counts.len();
    let mut columns = Vec::new();
    for intervention in &plan.interventions {
        let name = &intervention.name;
        columns.push((
            format!("{prefix}level {name}"),
            step(periods, intervention.start),
        ));
        if intervention.slope {
            let ramp = (0..periods)
                .map(|t| t.saturating_sub(intervention.start) as f64)
                .collect();
            columns.push((format!("{prefix}slope {name}"), ramp));
        }
    }
    columns
}

/// 0 before `start`, 1 from it on.
pub(super) fn step(periods: usize, start: usize) -> Vec<f64> {
    (0..periods)
        .map(|t| if t < start { 0.0 } else { 1.0 })
        .collect()
}

/// Sine and cosine columns; at the highest frequency of a whole even cycle the
/// sine would vanish, so such a pair is refused.
pub(super) fn season(periods: usize, season: Option<Season>) -> Result<Vec<(String, Vec<f64>)>> {
    let Some(Season { length, pairs }) = season else {
        return Ok(Vec::new());
    };
    positive("season length", length)?;
    at_most("season pairs", u64::from(pairs), 26)?;
    if 2.0 * f64::from(pairs) >= length {
        return Err(Error::OutOfRange {
            what: "season length",
            value: length,
            expected: "more than two periods for each pair of harmonics",
        });
    }
    let mut columns = Vec::new();
    for pair in 1..=pairs {
        let angle = |t: usize| std::f64::consts::TAU * f64::from(pair) * (t as f64 + 1.0) / length;
        columns.push((
            format!("sine {pair}"),
            (0..periods).map(|t| angle(t).sin()).collect(),
        ));
        columns.push((
            format!("cosine {pair}"),
            (0..periods).map(|t| angle(t).cos()).collect(),
        ));
    }
    Ok(columns)
}

/// A coefficient that [`build`] is known to have added.
pub(super) fn coefficient<'a>(fit: &'a Fit, name: &str) -> Result<&'a Coefficient> {
    fit.coefficient(name).ok_or(Error::Undetermined {
        what: "an effect of the interrupted series",
        why: "its column is missing from the fit",
    })
}
