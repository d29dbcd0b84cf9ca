//! Can two interventions be told apart at all?

use super::model::{season, step};
use super::{Intervention, Season};
use crate::error::Result;
use crate::linalg::{Matrix, dot, invert_spd};

/// Correlation above which two interventions count as inseparable: the
/// variance of either effect is then more than five times what it would be for
/// the intervention alone (variance inflation `1 / (1 - r²)` = 5.26).
const LIMIT: f64 = 0.9;

/// Two interventions and how much their regressors look alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Name of the first.
    pub first: String,
    /// Name of the second.
    pub second: String,
    /// Correlation of the two steps as they stand.
    pub correlation: f64,
    /// Correlation of what is left of the steps once trend and season are taken
    /// out; this is what the regression has to work with.
    pub partial_correlation: f64,
}

impl Pair {
    /// Whether the data can tell the two apart: both correlations below 0.9 in
    /// size.
    #[must_use]
    pub fn separable(&self) -> bool {
        self.partial_correlation.abs() < LIMIT && self.correlation.abs() < LIMIT
    }

    /// Factor by which the variance of either effect grows because of the other.
    #[must_use]
    pub fn variance_inflation(&self) -> f64 {
        1.0 / (1.0 - self.partial_correlation * self.partial_correlation).max(0.0)
    }
}

/// Correlations of the steps of every two interventions over `periods` periods.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) for a season that does not
/// fit; [`Error::Collinear`](crate::Error::Collinear) for a series too short to
/// hold trend and season.
pub fn separability(
    periods: usize,
    interventions: &[Intervention],
    cycle: Option<Season>,
) -> Result<Vec<Pair>> {
    let mut base = vec![vec![1.0; periods], (0..periods).map(|t| t as f64).collect()];
    base.extend(
        season(periods, cycle)?
            .into_iter()
            .map(|(_, values)| values),
    );
    let mut pairs = Vec::new();
    for (i, first) in interventions.iter().enumerate() {
        for second in interventions.iter().skip(i + 1) {
            let (a, b) = (step(periods, first.start), step(periods, second.start));
            let ones = base.get(..1).unwrap_or_default();
            pairs.push(Pair {
                first: first.name.clone(),
                second: second.name.clone(),
                correlation: cosine(&residual(&a, ones)?, &residual(&b, ones)?),
                partial_correlation: cosine(&residual(&a, &base)?, &residual(&b, &base)?),
            });
        }
    }
    Ok(pairs)
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).clamp(-1.0, 1.0)
}

/// What least squares on `columns` leaves of `values`.
fn residual(values: &[f64], columns: &[Vec<f64>]) -> Result<Vec<f64>> {
    let width = columns.len();
    let products = columns
        .iter()
        .flat_map(|a| columns.iter().map(|b| dot(a, b)))
        .collect();
    let names: Vec<String> = (0..width).map(|i| format!("trend or season {i}")).collect();
    let inverse = invert_spd(&Matrix::from_rows(width, products), &names)?;
    let against: Vec<f64> = columns.iter().map(|c| dot(c, values)).collect();
    let weights = inverse.times(&against);
    let mut left = values.to_vec();
    for (column, weight) in columns.iter().zip(weights) {
        left.iter_mut()
            .zip(column)
            .for_each(|(l, c)| *l -= weight * c);
    }
    Ok(left)
}
