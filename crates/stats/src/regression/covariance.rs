//! Standard errors, and the assembly of a finished fit.

use super::design::Design;
use super::irls::{Model, deviance, weight};
use super::negative_binomial::log_likelihood;
use super::{Coefficient, Fit};
use crate::error::{Result, at_most};
use crate::linalg::Matrix;

/// Where standard errors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Errors {
    /// The model's own variance; too small when counts are overdispersed.
    Model,
    /// Model variance times the Pearson dispersion (quasi-likelihood;
    /// Wedderburn 1974), never below the model's own.
    Quasi,
    /// Huber–White sandwich around the expected information with the factor
    /// n/(n-p) (HC1).
    Robust,
    /// Newey & West 1987 sandwich, Bartlett weights up to `lags` periods, with
    /// the factor n/(n-p); also robust to correlation over time.
    NeweyWest {
        /// Largest lag; see [`newey_west_lags`].
        lags: usize,
    },
}

/// The usual rule for the largest lag: `floor(4 (n/100)^(2/9))`.
#[must_use]
pub fn newey_west_lags(periods: usize) -> usize {
    (4.0 * (periods as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize
}

pub(super) fn finish(
    counts: &[f64],
    design: &Design,
    alpha: f64,
    model: Model,
    errors: Errors,
) -> Result<Fit> {
    let pearson: f64 = counts
        .iter()
        .zip(&model.fitted)
        .map(|(y, mean)| (y - mean).powi(2) / (mean * (1.0 + alpha * mean)))
        .sum();
    let df_residual = counts.len() - model.beta.len();
    let covariance = match errors {
        Errors::Model => model.bread.clone(),
        Errors::Quasi => model
            .bread
            .clone()
            .scale((pearson / df_residual as f64).max(1.0)),
        Errors::Robust => sandwich(&model, &scores(counts, &model, alpha), 0, df_residual),
        Errors::NeweyWest { lags } => {
            at_most("number of lags", lags as u64, counts.len() as u64 - 1)?;
            let summed = by_period(&scores(counts, &model, alpha), &design.periods);
            sandwich(&model, &summed, lags, df_residual)
        }
    };
    let coefficients = design
        .names
        .iter()
        .zip(&model.beta)
        .enumerate()
        .map(|(i, (name, &estimate))| Coefficient {
            name: name.clone(),
            estimate,
            std_error: covariance.at(i, i).max(0.0).sqrt(),
            df: None,
        })
        .collect();
    Ok(Fit {
        coefficients,
        deviance: deviance(counts, &model.fitted, alpha),
        log_likelihood: log_likelihood(counts, &model.fitted, alpha),
        fitted: model.fitted,
        pearson,
        df_residual,
        covariance,
    })
}

/// Contribution of every row to the score equations.
fn scores(counts: &[f64], model: &Model, alpha: f64) -> Vec<Vec<f64>> {
    model
        .rows
        .rows()
        .zip(counts)
        .zip(&model.fitted)
        .map(|((row, y), &mean)| {
            let residual = (y - mean) / mean * weight(mean, alpha);
            row.iter().map(|x| x * residual).collect()
        })
        .collect()
}

fn by_period(scores: &[Vec<f64>], periods: &[usize]) -> Vec<Vec<f64>> {
    let last = periods.iter().copied().max().unwrap_or(0);
    let width = scores.first().map_or(0, Vec::len);
    let mut sums = vec![vec![0.0; width]; last + 1];
    for (score, &period) in scores.iter().zip(periods) {
        if let Some(sum) = sums.get_mut(period) {
            sum.iter_mut().zip(score).for_each(|(s, v)| *s += v);
        }
    }
    sums
}

fn sandwich(model: &Model, scores: &[Vec<f64>], lags: usize, df_residual: usize) -> Matrix {
    let width = model.beta.len();
    let mut meat = Matrix::zeros(width, width);
    for score in scores {
        meat.add_outer(1.0, score, score);
    }
    for lag in 1..=lags {
        let bartlett = 1.0 - lag as f64 / (lags as f64 + 1.0);
        for (later, earlier) in scores.iter().skip(lag).zip(scores) {
            meat.add_outer(bartlett, later, earlier);
            meat.add_outer(bartlett, earlier, later);
        }
    }
    let rows = (df_residual + width) as f64;
    model
        .bread
        .product(&meat)
        .product(&model.bread)
        .scale(rows / df_residual as f64)
}
