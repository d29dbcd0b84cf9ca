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
    let problem = Problem {
        counts,
        design,
        rows: &rows,
        alpha,
    };
    let guess = match start {
        Some(beta) => predict(&rows, beta, &design.offset),
        None => first_guess(counts, &design.offset),
    };
    let mut at = match start {
        Some(beta) => problem.point(beta.to_vec()),
        None => problem.point(problem.least_squares(&guess)?),
    };
    let mut settled = 0;
    for _ in 0..MAX_STEPS {
        let next = problem.step(&at, problem.newton(&at)?);
        let (column, size) = problem.widest_move(&at.beta, &next.beta);
        let change = (at.deviance - next.deviance).abs();
        at = next;
        settled = if change > 1e-11 * (at.deviance.abs() + 1.0) {
            0
        } else {
            settled + 1
        };
        if settled > 0 && size <= 1e-8 {
            let bread = problem.bread(&at.fitted)?;
            return Ok(Model {
                beta: at.beta,
                fitted: at.fitted,
                rows,
                bread,
            });
        }
        // the fit has settled but a coefficient keeps walking: no finite one
        if settled >= 4 && size > 1e-3 {
            return Err(Error::Separated { column });
        }
    }
    Err(Error::NotConverged {
        what: "the regression",
        iterations: MAX_STEPS,
    })
}

/// Coefficients with what follows from them.
struct Point {
    beta: Vec<f64>,
    fitted: Vec<f64>,
    deviance: f64,
}

struct Problem<'a> {
    counts: &'a [f64],
    design: &'a Design,
    rows: &'a Matrix,
    alpha: f64,
}

impl Problem<'_> {
    fn point(&self, beta: Vec<f64>) -> Point {
        let fitted = predict(self.rows, &beta, &self.design.offset);
        let deviance = deviance(self.counts, &fitted, self.alpha);
        Point {
            beta,
            fitted,
            deviance,
        }
    }

    fn bread(&self, fitted: &[f64]) -> Result<Matrix> {
        let mut sum = Matrix::zeros(self.rows.columns(), self.rows.columns());
        for (row, &mean) in self.rows.rows().zip(fitted) {
            sum.add_outer(weight(mean, self.alpha), row, row);
        }
        invert_spd(&sum, &self.design.names)
    }

    /// Weighted least squares on the working response around first guesses.
    fn least_squares(&self, fitted: &[f64]) -> Result<Vec<f64>> {
        let mut sum = vec![0.0; self.rows.columns()];
        let rows = self
            .rows
            .rows()
            .zip(self.counts)
            .zip(fitted)
            .zip(&self.design.offset);
        for (((row, y), mean), offset) in rows {
            let response = weight(*mean, self.alpha) * (mean.ln() - offset + (y - mean) / mean);
            sum.iter_mut()
                .zip(row)
                .for_each(|(s, x)| *s += response * x);
        }
        Ok(self.bread(fitted)?.times(&sum))
    }

    /// Newton's step on the log-likelihood, which is concave. For Poisson this
    /// is the reweighted least-squares step; for the negative binomial the
    /// observed information settles far sooner than the expected one.
    fn newton(&self, at: &Point) -> Result<Vec<f64>> {
        let width = self.rows.columns();
        let (mut information, mut score) = (Matrix::zeros(width, width), vec![0.0; width]);
        for ((row, &y), &mean) in self.rows.rows().zip(self.counts).zip(&at.fitted) {
            let spread = 1.0 + self.alpha * mean;
            information.add_outer(mean * (1.0 + self.alpha * y) / (spread * spread), row, row);
            score
                .iter_mut()
                .zip(row)
                .for_each(|(s, x)| *s += (y - mean) / spread * x);
        }
        let step = invert_spd(&information, &self.design.names)?.times(&score);
        Ok(at.beta.iter().zip(step).map(|(b, s)| b + s).collect())
    }

    /// Takes the proposed step, halved until the deviance no longer grows.
    fn step(&self, from: &Point, mut to: Vec<f64>) -> Point {
        for _ in 0..60 {
            let next = self.point(to);
            if next.deviance <= from.deviance + 1e-9 * (from.deviance.abs() + 1.0) {
                return next;
            }
            to = next
                .beta
                .iter()
                .zip(&from.beta)
                .map(|(t, f)| 0.5 * (t + f))
                .collect();
        }
        self.point(from.beta.clone())
    }

    /// The largest move of any coefficient, in units of the linear predictor.
    fn widest_move(&self, from: &[f64], to: &[f64]) -> (String, f64) {
        let moves = self
            .design
            .columns
            .iter()
            .zip(from)
            .zip(to)
            .map(|((column, a), b)| {
                (a - b).abs() * column.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
            });
        self.design
            .names
            .iter()
            .zip(moves)
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(name, size)| (name.clone(), size))
            .unwrap_or_default()
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
