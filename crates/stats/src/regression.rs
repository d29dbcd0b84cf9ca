//! Log-linear regression of counts with an exposure offset.
//!
//! Poisson (*Generalized Linear Models*, 2nd ed. 1989, ch. 6), quasi-Poisson, and negative
//! binomial NB2 with variance `mu + alpha mu²` (Cameron & Trivedi 2013, ch. 3),
//! all fitted by iteratively reweighted least squares; standard errors from the
//! model, scaled by the dispersion, robust, or Newey–West.

mod covariance;
mod design;
mod irls;
mod negative_binomial;

pub use covariance::{Errors, newey_west_lags};
pub use design::Design;
pub use negative_binomial::{NegativeBinomial, negative_binomial};

use crate::error::Result;
use crate::linalg::Matrix;
use crate::special::{normal_two_sided, student_critical, student_two_sided};
use crate::types::{Confidence, Estimate, Interval};

/// Which distribution a coefficient over its standard error is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reference {
    /// The normal: what most publications use; too bold for short series.
    Normal,
    /// Student's t with the residual degrees of freedom.
    StudentT,
}

/// One coefficient on the log scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficient {
    /// Name of its column.
    pub name: String,
    /// Estimate; its exponential is a rate ratio.
    pub estimate: f64,
    /// Standard error under the [`Errors`] asked for.
    pub std_error: f64,
    /// Degrees of freedom of the t reference; `None` refers to the normal.
    pub df: Option<f64>,
}

impl Coefficient {
    /// Two-sided p-value of "no effect".
    #[must_use]
    pub fn p_value(&self) -> f64 {
        let z = self.estimate / self.std_error;
        self.df
            .map_or_else(|| normal_two_sided(z), |df| student_two_sided(z, df))
    }

    /// Interval on the log scale.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let critical = self.df.map_or_else(
            || confidence.z(),
            |df| student_critical(confidence.alpha(), df),
        );
        let half = critical * self.std_error;
        Interval::new(self.estimate - half, self.estimate + half)
    }

    /// Rate ratio: estimate and interval exponentiated.
    #[must_use]
    pub fn ratio(&self, confidence: Confidence) -> Estimate {
        Estimate {
            value: self.estimate.exp(),
            interval: self.interval(confidence).map(f64::exp),
        }
    }
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// In the order in which the columns were added; judged by the normal unless
    /// [`Fit::judged_by`] says otherwise.
    pub coefficients: Vec<Coefficient>,
    /// Expected count of every row.
    pub fitted: Vec<f64>,
    /// Deviance against the saturated model.
    pub deviance: f64,
    /// Pearson chi-square statistic.
    pub pearson: f64,
    /// Rows less coefficients.
    pub df_residual: usize,
    /// Maximised log-likelihood (of the Poisson or negative binomial model).
    pub log_likelihood: f64,
    covariance: Matrix,
}

impl Fit {
    /// Pearson chi-square over its degrees of freedom; 1 where the variance is
    /// as the model says, above 1 where counts are overdispersed.
    #[must_use]
    pub fn dispersion(&self) -> f64 {
        self.pearson / self.df_residual as f64
    }

    /// The coefficient of a column.
    #[must_use]
    pub fn coefficient(&self, name: &str) -> Option<&Coefficient> {
        self.coefficients.iter().find(|c| c.name == name)
    }

    /// Correlation of two coefficient estimates, `None` for unknown names. Near
    /// ±1 the data cannot say which of the two columns did it.
    #[must_use]
    pub fn correlation(&self, first: &str, second: &str) -> Option<f64> {
        let position = |name| self.coefficients.iter().position(|c| c.name == name);
        let (i, j) = (position(first)?, position(second)?);
        let scale = (self.covariance.at(i, i) * self.covariance.at(j, j)).sqrt();
        Some(self.covariance.at(i, j) / scale)
    }

    /// The same fit judged by another reference distribution.
    #[must_use]
    pub fn judged_by(mut self, reference: Reference) -> Self {
        let df = match reference {
            Reference::Normal => None,
            Reference::StudentT => Some(self.df_residual as f64),
        };
        self.coefficients.iter_mut().for_each(|c| c.df = df);
        self
    }
}

/// Poisson regression; with [`Errors::Quasi`] the quasi-Poisson model.
///
/// ```
/// use countersign_stats::Confidence;
/// use countersign_stats::regression::{Design, Errors, poisson};
/// let counts = [12, 15, 9, 30, 26, 34];
/// let changes = [100.0, 120.0, 90.0, 110.0, 100.0, 130.0];
/// let design = Design::new(6)?
///     .intercept()?
///     .column("after", &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0])?
///     .exposure(&changes)?;
/// let fit = poisson(&counts, &design, Errors::Model)?;
/// let after = fit.coefficient("after").map(|c| c.ratio(Confidence::P95).value);
/// // the ratio of the two pooled rates
/// assert!((after.unwrap_or(0.0) - (90.0 / 340.0) / (36.0 / 310.0)).abs() < 1e-9);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch) when counts and
/// design differ in length;
/// [`Error::TooFew`](crate::Error::TooFew) without more rows than columns;
/// [`Error::Undetermined`](crate::Error::Undetermined) when all counts are zero;
/// [`Error::Collinear`](crate::Error::Collinear) or
/// [`Error::Separated`](crate::Error::Separated) naming the column at fault.
pub fn poisson(counts: &[u64], design: &Design, errors: Errors) -> Result<Fit> {
    let counts = design.check(counts)?;
    let model = irls::fit(&counts, design, 0.0, None)?;
    covariance::finish(&counts, design, 0.0, model, errors)
}
