//! Exact intervals for one Poisson rate (Garwood 1936, *Fiducial Limits for the
//! Poisson Distribution*; the same numbers as R `poisson.test`).

use crate::special::{Tail, gamma_quantile};
use crate::types::{Confidence, Counted, Estimate, Interval};

/// Rate with its exact two-sided interval, in events per unit of exposure.
///
/// The interval covers the true rate with at least the stated confidence for
/// every true rate; zero events still give a finite upper limit.
///
/// ```
/// use countersign_stats::{Confidence, Counted, rate};
/// let three = Counted::new(3, 1.0)?;
/// let found = rate::exact_interval(three, Confidence::P95);
/// assert!((found.interval.low - 0.618672).abs() < 1e-6);
/// assert!((found.interval.high - 8.767273).abs() < 1e-6);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
#[must_use]
pub fn exact_interval(observed: Counted, confidence: Confidence) -> Estimate {
    let tail = confidence.alpha() / 2.0;
    Estimate {
        value: observed.rate(),
        interval: Interval::new(lower(observed, tail), upper(observed, tail)),
    }
}

/// One-sided upper bound of the rate; with zero events at 95 % the "rule of
/// three": 2.995732 / exposure.
#[must_use]
pub fn upper_bound(observed: Counted, confidence: Confidence) -> f64 {
    upper(observed, confidence.alpha())
}

/// One-sided lower bound of the rate; 0 for zero events.
#[must_use]
pub fn lower_bound(observed: Counted, confidence: Confidence) -> f64 {
    lower(observed, confidence.alpha())
}

fn lower(observed: Counted, tail: f64) -> f64 {
    if observed.events() == 0 {
        return 0.0;
    }
    gamma_quantile(observed.count(), Tail::Lower(tail)) / observed.exposure()
}

fn upper(observed: Counted, tail: f64) -> f64 {
    gamma_quantile(observed.count() + 1.0, Tail::Upper(tail)) / observed.exposure()
}
