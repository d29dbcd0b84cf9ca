//! Exact inference for the ratio of two Poisson rates.
//!
//! Given the total `n = x1 + x0`, the first count is binomial with odds
//! `ratio * t1 / t0` (Przyborowski & Wilenski 1940), so Clopper–Pearson limits
//! map to limits of the ratio; R `poisson.test` computes the same. The mid-p
//! variants count half of the observed outcome (Lancaster 1961).

use crate::error::{Error, Result, positive};
use crate::roots::solve_increasing;
use crate::special::{Tail, beta_quantile_odds, binomial_pmf, binomial_tails};
use crate::types::{Alternative, Confidence, Counted, Estimate, Interval};

/// Ratio of the rate in the first arm to the rate in the second, with the exact
/// two-sided interval.
///
/// No events in the second arm give an infinite upper limit (and value); none
/// in the first a lower limit of 0.
///
/// ```
/// use countersign_stats::{Confidence, Counted, rate_ratio};
/// let ratio = rate_ratio::exact_interval(
///     Counted::new(11, 800.0)?,
///     Counted::new(21, 3011.0)?,
///     Confidence::P95,
/// )?;
/// assert!((ratio.value - 1.971488).abs() < 1e-6);
/// assert!((ratio.interval.low - 0.858426).abs() < 1e-6);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::Undetermined`] when neither arm has an event.
pub fn exact_interval(first: Counted, second: Counted, confidence: Confidence) -> Result<Estimate> {
    let value = ratio(first, second)?;
    let tail = confidence.alpha() / 2.0;
    let scale = second.exposure() / first.exposure();
    let (x1, x0) = (first.count(), second.count());
    let low = match first.events() {
        0 => 0.0,
        _ => scale * beta_quantile_odds(x1, x0 + 1.0, Tail::Lower(tail)),
    };
    let high = match second.events() {
        0 => f64::INFINITY,
        _ => scale * beta_quantile_odds(x1 + 1.0, x0, Tail::Upper(tail)),
    };
    Ok(Estimate {
        value,
        interval: Interval::new(low, high),
    })
}

/// Ratio of the rates with the mid-p interval: shorter than the exact one, its
/// coverage is close to nominal on average but not guaranteed.
///
/// # Errors
/// [`Error::Undetermined`] when neither arm has an event.
pub fn mid_p_interval(first: Counted, second: Counted, confidence: Confidence) -> Result<Estimate> {
    let value = ratio(first, second)?;
    let tail = confidence.alpha() / 2.0;
    let scale = (second.exposure() / first.exposure()).ln();
    let (x1, n) = (first.count(), first.count() + second.count());
    let start = ((first.count() + 0.5) / (second.count() + 0.5)).ln();
    // mid-p of "greater" rises with the odds, that of "less" falls
    let mid = |log_odds: f64| {
        let (p, q) = shares(log_odds);
        let tails = binomial_tails(x1, n, p, q);
        let half = 0.5 * binomial_pmf(x1, n, p, q);
        (tails.lower - half, tails.upper - half)
    };
    let low = match first.events() {
        0 => 0.0,
        _ => (solve_increasing(|u| mid(u).1 - tail, start, 700.0) + scale).exp(),
    };
    let high = match second.events() {
        0 => f64::INFINITY,
        _ => (solve_increasing(|u| tail - mid(u).0, start, 700.0) + scale).exp(),
    };
    Ok(Estimate {
        value,
        interval: Interval::new(low, high),
    })
}

/// Exact p-values for the hypothesis that the ratio equals `null_ratio`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactP {
    /// P(first count as small as this or smaller).
    pub less: f64,
    /// P(first count as large as this or larger).
    pub greater: f64,
    /// Sum over all outcomes no more likely than the observed one, as R's
    /// `poisson.test` and `binom.test` do.
    pub two_sided: f64,
    /// Twice the smaller one-sided mid-p; agrees with [`mid_p_interval`].
    pub mid_p: f64,
    /// Probability of exactly the observed split.
    pub point: f64,
}

impl ExactP {
    /// One-sided or two-sided p-value.
    #[must_use]
    pub fn p(&self, alternative: Alternative) -> f64 {
        match alternative {
            Alternative::TwoSided => self.two_sided,
            Alternative::Greater => self.greater,
            Alternative::Less => self.less,
        }
    }
}

/// Exact conditional test of `rate1 / rate2 = null_ratio`.
///
/// # Errors
/// [`Error::OutOfRange`] unless the null ratio is finite and above 0.
pub fn exact_test(first: Counted, second: Counted, null_ratio: f64) -> Result<ExactP> {
    let null_ratio = positive("null ratio", null_ratio)?;
    let (t1, t0) = (null_ratio * first.exposure(), second.exposure());
    let (p, q) = (t1 / (t1 + t0), t0 / (t1 + t0));
    let (x, n) = (first.count(), first.count() + second.count());
    let tails = binomial_tails(x, n, p, q);
    let point = binomial_pmf(x, n, p, q);
    Ok(ExactP {
        less: tails.lower,
        greater: tails.upper,
        two_sided: minimum_likelihood(x, n, p, q),
        mid_p: (2.0 * (tails.lower.min(tails.upper) - 0.5 * point)).min(1.0),
        point,
    })
}

/// Total probability of outcomes no more likely than `x`. The probabilities
/// rise to the mode and fall after it, so the far tail starts at a point that
/// bisection finds.
fn minimum_likelihood(x: f64, n: f64, p: f64, q: f64) -> f64 {
    // the relative slack of R's binom.test: ties must survive rounding
    let limit = binomial_pmf(x, n, p, q) * (1.0 + 1e-7);
    let mode = ((n + 1.0) * p).floor().min(n);
    if x == mode {
        return 1.0;
    }
    let tails = binomial_tails(x, n, p, q);
    if x < mode {
        let first = first_where(mode, n + 1.0, |y| {
            y > n || binomial_pmf(y, n, p, q) <= limit
        });
        let far = if first > n {
            0.0
        } else {
            binomial_tails(first, n, p, q).upper
        };
        (tails.lower + far).min(1.0)
    } else {
        let first_above = first_where(0.0, mode, |y| binomial_pmf(y, n, p, q) > limit);
        let far = if first_above < 1.0 {
            0.0
        } else {
            binomial_tails(first_above - 1.0, n, p, q).lower
        };
        (tails.upper + far).min(1.0)
    }
}

/// Smallest whole number in `[low, high]` for which a monotone test holds.
pub(crate) fn first_where(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = ((low + high) / 2.0).floor();
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1.0;
        }
    }
    low
}

/// Observed ratio of the rates.
fn ratio(first: Counted, second: Counted) -> Result<f64> {
    if first.events() == 0 && second.events() == 0 {
        return Err(Error::Undetermined {
            what: "the rate ratio",
            why: "neither arm has an event",
        });
    }
    Ok(first.rate() / second.rate())
}

fn shares(log_odds: f64) -> (f64, f64) {
    (
        1.0 / (1.0 + (-log_odds).exp()),
        1.0 / (1.0 + log_odds.exp()),
    )
}
