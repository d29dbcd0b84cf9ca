//! Iteratively reweighted least squares for the log link.

use super::design::Design;
use crate::error::{Error, Result};
use crate::linalg::{Matrix, dot, invert_spd};

const MAX_STEPS: usize = 200;

/// What the iteration leaves behind.
pub(super) struct Model {
    pub(super) beta: Vec<f64>,
    pub(super) fitted: Vec<f64>,
    pub(super) rows: Matrix,
    /// Inverse of the weighted cross-product: the model covariance.
    pub(super) bread: Matrix,
}

/// Weight of a row: the inverse variance of its working response.
pub(super) fn weight(mean: f64, alpha: f64) -> f64 {
    mean / (1.0 + alpha * mean)
}

/// Deviance of counts around their fitted means; `alpha = 0` is Poisson.
pub(super) fn deviance(counts: &[f64], fitted: &[f64], alpha: f64) -> f64 {
    let unit = |(&y, &mean): (&f64, &f64)| {
        let log = if y > 0.0 { y * (y / mean).ln() } else { 0.0 };
        if alpha == 0.0 {
            return 2.0 * (log - (y - mean));
        }
        let spread = (libm::log1p(alpha * y) - libm::log1p(alpha * mean)) * (y + 1.0 / alpha);
        2.0 * (log - spread)
    };
    counts.iter().zip(fitted).map(unit).sum()
}

/// Fits the coefficients for a given `alpha`, from `start` where known.
pub(super) fn fit(
    counts: &[f64],
    design: &Design,
    alpha: f64,
    start: Option<&[f64]>,
) -> Result<Model> {
    let rows = Matrix::from_rows(design.columns.len(), design.row_major());
    let mut fitted = match start {
        Some(beta) => predict(&rows, beta, &design.offset),
        None => first_guess(counts, &design.offset),
    };
    let mut beta: Option<Vec<f64>> = start.map(<[f64]>::to_vec);
    let mut last = deviance(counts, &fitted, alpha);
    let mut settled = 0;
    for _ in 0..MAX_STEPS {
        let bread = invert_spd(&cross_product(&rows, &fitted, alpha), &design.names)?;
        let proposal = bread.times(&weighted_response(
            &rows,
            counts,
            &fitted,
            &design.offset,
            alpha,
        ));
        let step = take_step(
            counts,
            design,
            &rows,
            alpha,
            beta.as_deref(),
            proposal,
            last,
        );
        let widest = widest_move(design, beta.as_deref(), &step.beta);
        let change = (last - step.deviance).abs();
        (fitted, last) = (step.fitted, step.deviance);
        beta = Some(step.beta);
        if change > 1e-11 * (last.abs() + 1.0) {
            settled = 0;
            continue;
        }
        settled += 1;
        match widest {
            Some((_, size)) if size <= 1e-8 => {
                let bread = invert_spd(&cross_product(&rows, &fitted, alpha), &design.names)?;
                let beta = beta.unwrap_or_default();
                return Ok(Model {
                    beta,
                    fitted,
                    rows,
                    bread,
                });
            }
            // the fit has settled but a coefficient keeps walking: no finite one
            Some((column, size)) if settled >= 4 && size > 1e-3 => {
                return Err(Error::Separated { column });
            }
            _ => {}
        }
    }
    Err(Error::NotConverged {
        what: "the regression",
        iterations: MAX_STEPS,
    })
}

struct Step {
    beta: Vec<f64>,
    fitted: Vec<f64>,
    deviance: f64,
}

/// Takes the proposed step, halved until the deviance no longer grows.
fn take_step(
    counts: &[f64],
    design: &Design,
    rows: &Matrix,
    alpha: f64,
    from: Option<&[f64]>,
    mut to: Vec<f64>,
    last: f64,
) -> Step {
    loop {
        let fitted = predict(rows, &to, &design.offset);
        let now = deviance(counts, &fitted, alpha);
        let close = from.is_none_or(|f| f.iter().zip(&to).all(|(a, b)| (a - b).abs() < 1e-12));
        if now <= last + 1e-9 * (last.abs() + 1.0) || close {
            return Step {
                beta: to,
                fitted,
                deviance: now,
            };
        }
        if let Some(from) = from {
            to.iter_mut()
                .zip(from)
                .for_each(|(t, f)| *t = 0.5 * (*t + f));
        }
    }
}

fn first_guess(counts: &[f64], offset: &[f64]) -> Vec<f64> {
    let exposure: f64 = offset.iter().map(|o| o.exp()).sum();
    let rate = counts.iter().sum::<f64>() / exposure;
    counts
        .iter()
        .zip(offset)
        .map(|(y, o)| 0.5 * (y + rate * o.exp()))
        .collect()
}

pub(super) fn predict(rows: &Matrix, beta: &[f64], offset: &[f64]) -> Vec<f64> {
    // a bounded linear predictor keeps a wild first step finite
    rows.rows()
        .zip(offset)
        .map(|(row, o)| (dot(row, beta) + o).clamp(-690.0, 690.0).exp())
        .collect()
}

fn cross_product(rows: &Matrix, fitted: &[f64], alpha: f64) -> Matrix {
    let mut sum = Matrix::zeros(rows.columns(), rows.columns());
    for (row, &mean) in rows.rows().zip(fitted) {
        sum.add_outer(weight(mean, alpha), row, row);
    }
    sum
}

fn weighted_response(
    rows: &Matrix,
    counts: &[f64],
    fitted: &[f64],
    offset: &[f64],
    alpha: f64,
) -> Vec<f64> {
    let mut sum = vec![0.0; rows.columns()];
    for (((row, y), mean), o) in rows.rows().zip(counts).zip(fitted).zip(offset) {
        let response = weight(*mean, alpha) * (mean.ln() - o + (y - mean) / mean);
        sum.iter_mut()
            .zip(row)
            .for_each(|(s, x)| *s += response * x);
    }
    sum
}

/// The largest move of any coefficient, in units of the linear predictor.
fn widest_move(design: &Design, from: Option<&[f64]>, to: &[f64]) -> Option<(String, f64)> {
    let from = from?;
    let moves = design
        .columns
        .iter()
        .zip(from)
        .zip(to)
        .map(|((column, a), b)| {
            (a - b).abs() * column.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
        });
    design
        .names
        .iter()
        .zip(moves)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(name, size)| (name.clone(), size))
}
