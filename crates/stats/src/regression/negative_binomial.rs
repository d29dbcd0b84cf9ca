//! Negative binomial regression, type NB2.

use super::covariance::{Errors, finish};
use super::design::Design;
use super::{Fit, irls};
use crate::error::{Error, Result};
use crate::roots::maximise;
use crate::special::{chi_square_upper, ln_gamma, ln_gamma_growth};

const MAX_ROUNDS: usize = 200;
/// Below this the model cannot be told from Poisson in double precision.
const SMALLEST_ALPHA: f64 = 1e-8;

/// A negative binomial fit.
#[derive(Debug, Clone, PartialEq)]
pub struct NegativeBinomial {
    /// Coefficients and fit statistics at the estimated `alpha`.
    pub fit: Fit,
    /// Overdispersion: the variance is `mu + alpha mu²`. Exactly 0 where the
    /// counts show none; the fit is then the Poisson fit.
    pub alpha: f64,
    /// Likelihood-ratio statistic against Poisson.
    pub lr_statistic: f64,
    /// Its p-value; half the chi-square tail, since `alpha = 0` is a boundary.
    pub lr_p_value: f64,
}

/// Maximum-likelihood NB2 regression.
///
/// Where the Poisson fit leaves no overdispersion the estimate is `alpha = 0`
/// and the answer is the Poisson fit, with no failing optimiser on the way.
///
/// # Errors
/// As [`poisson`](super::poisson), and [`Error::NotConverged`].
pub fn negative_binomial(
    counts: &[u64],
    design: &Design,
    errors: Errors,
) -> Result<NegativeBinomial> {
    let counts = design.check(counts)?;
    let mut model = irls::fit(&counts, design, 0.0, None)?;
    let poisson = log_likelihood(&counts, &model.fitted, 0.0);
    let slope: f64 = counts
        .iter()
        .zip(&model.fitted)
        .map(|(y, mean)| (y - mean).powi(2) - y)
        .sum();
    if slope <= 0.0 {
        return collapsed(&counts, design, model, errors);
    }
    let mut best = poisson;
    for _ in 0..MAX_ROUNDS {
        let profile = |log_alpha: f64| log_likelihood(&counts, &model.fitted, log_alpha.exp());
        let alpha = maximise(profile, (SMALLEST_ALPHA / 10.0).ln(), 12.0).exp();
        if alpha < SMALLEST_ALPHA {
            let model = irls::fit(&counts, design, 0.0, None)?;
            return collapsed(&counts, design, model, errors);
        }
        model = irls::fit(&counts, design, alpha, Some(&model.beta))?;
        let now = log_likelihood(&counts, &model.fitted, alpha);
        if (now - best).abs() < 1e-11 * (1.0 + now.abs()) {
            let lr_statistic = (2.0 * (now - poisson)).max(0.0);
            return Ok(NegativeBinomial {
                fit: finish(&counts, design, alpha, model, errors)?,
                alpha,
                lr_statistic,
                lr_p_value: 0.5 * chi_square_upper(lr_statistic, 1.0),
            });
        }
        best = now;
    }
    Err(Error::NotConverged {
        what: "the negative binomial regression",
        iterations: MAX_ROUNDS,
    })
}

fn collapsed(
    counts: &[f64],
    design: &Design,
    model: irls::Model,
    errors: Errors,
) -> Result<NegativeBinomial> {
    Ok(NegativeBinomial {
        fit: finish(counts, design, 0.0, model, errors)?,
        alpha: 0.0,
        lr_statistic: 0.0,
        lr_p_value: 1.0,
    })
}

/// Log-likelihood of counts around their means; `alpha = 0` is Poisson.
pub(super) fn log_likelihood(counts: &[f64], fitted: &[f64], alpha: f64) -> f64 {
    let unit = |(&y, &mean): (&f64, &f64)| {
        if alpha == 0.0 {
            return y * mean.ln() - mean - ln_gamma(y + 1.0);
        }
        // ln Gamma(y + r) - ln Gamma(r) + y ln alpha with r = 1/alpha
        ln_gamma_growth(1.0 / alpha, y) - ln_gamma(y + 1.0) + y * mean.ln()
            - (y + 1.0 / alpha) * libm::log1p(alpha * mean)
    };
    counts.iter().zip(fitted).map(unit).sum()
}
