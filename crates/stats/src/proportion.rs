//! Intervals for one proportion.

use crate::error::{Error, Result, at_most};
use crate::special::{Tail, beta_quantile_odds};
use crate::types::{Confidence, Estimate, Interval, MAX_COUNT};

/// Which interval to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Clopper & Pearson 1934: covers with at least the stated confidence, always.
    ClopperPearson,
    /// Wilson 1927 score interval: shorter, right on average.
    Wilson,
}

/// Share of `successes` in `trials` with its two-sided interval.
///
/// ```
/// use countersign_stats::{Confidence, proportion};
/// let found = proportion::interval(2, 10, Confidence::P95, proportion::Method::ClopperPearson)?;
/// assert!((found.interval.low - 0.025211).abs() < 1e-6);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] for zero trials, [`Error::OutOfRange`] for more successes
/// than trials, [`Error::TooLarge`] above [`MAX_COUNT`].
pub fn interval(
    successes: u64,
    trials: u64,
    confidence: Confidence,
    method: Method,
) -> Result<Estimate> {
    check(successes, trials)?;
    let value = successes as f64 / trials as f64;
    let interval = match method {
        Method::ClopperPearson => clopper_pearson(successes, trials, confidence),
        Method::Wilson => wilson(successes as f64, trials as f64, confidence.z()),
    };
    Ok(Estimate { value, interval })
}

pub(crate) fn check(successes: u64, trials: u64) -> Result<()> {
    if trials == 0 {
        return Err(Error::TooFew {
            what: "trials",
            found: 0,
            needed: 1,
        });
    }
    at_most("number of trials", trials, MAX_COUNT)?;
    if successes > trials {
        return Err(Error::OutOfRange {
            what: "number of successes",
            value: successes as f64,
            expected: "at most the number of trials",
        });
    }
    Ok(())
}

fn clopper_pearson(successes: u64, trials: u64, confidence: Confidence) -> Interval {
    let tail = confidence.alpha() / 2.0;
    let (x, misses) = (successes as f64, (trials - successes) as f64);
    let share = |odds: f64| odds / (1.0 + odds);
    let low = match successes {
        0 => 0.0,
        _ => share(beta_quantile_odds(x, misses + 1.0, Tail::Lower(tail))),
    };
    let high = match trials - successes {
        0 => 1.0,
        _ => share(beta_quantile_odds(x + 1.0, misses, Tail::Upper(tail))),
    };
    Interval::new(low, high)
}

/// Wilson interval for real-valued counts, as the misclassification methods
/// need it.
pub(crate) fn wilson(x: f64, n: f64, z: f64) -> Interval {
    let p = x / n;
    let z2 = z * z;
    let centre = p + z2 / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    Interval::new(
        ((centre - half) / scale).max(0.0),
        ((centre + half) / scale).min(1.0),
    )
}
