//! Rate ratios over strata of person-time (here: exposure).

use super::Adjusted;
use crate::error::{Error, Result, at_least};
use crate::types::{Confidence, Counted, Estimate, Interval};

/// One stratum: events over exposure in each arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateStratum {
    /// The arm whose rate is the numerator.
    pub first: Counted,
    /// The arm whose rate is the denominator.
    pub second: Counted,
}

/// Mantel–Haenszel rate ratio with the interval of Greenland & Robins 1985.
///
/// ```
/// use countersign_stats::{Confidence, Counted};
/// use countersign_stats::stratified::{RateStratum, rate_ratio};
/// let stratum = |a, t, b, u| -> Result<_, countersign_stats::Error> {
///     Ok(RateStratum { first: Counted::new(a, t)?, second: Counted::new(b, u)? })
/// };
/// let strata = [stratum(196, 62119.0, 111, 15763.0)?, stratum(167, 6085.0, 157, 2780.0)?];
/// let found = rate_ratio(&strata, Confidence::P95)?;
/// assert!((found.adjusted.value - 0.468872).abs() < 1e-6);
/// assert!((found.crude - 0.368249).abs() < 1e-6);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] without strata; [`Error::Undetermined`] when an arm has no
/// event in any stratum, so that the ratio has no finite interval.
pub fn rate_ratio(strata: &[RateStratum], confidence: Confidence) -> Result<Adjusted> {
    at_least("strata", strata, 1)?;
    let (mut top, mut bottom, mut spread) = (0.0, 0.0, 0.0);
    for RateStratum { first, second } in strata {
        let (t1, t0) = (first.exposure(), second.exposure());
        let t = t1 + t0;
        top += first.count() * t0 / t;
        bottom += second.count() * t1 / t;
        spread += (first.count() + second.count()) * t1 * t0 / (t * t);
    }
    if top == 0.0 || bottom == 0.0 {
        return Err(Error::Undetermined {
            what: "the stratified rate ratio",
            why: "an arm has no event in any stratum",
        });
    }
    let value = top / bottom;
    let sd = (spread / (top * bottom)).sqrt();
    Ok(Adjusted {
        crude: crude(strata),
        adjusted: Estimate {
            value,
            interval: Interval::new(-1.0, 1.0)
                .map(|sign| value * (sign * confidence.z() * sd).exp()),
        },
        informative_strata: strata
            .iter()
            .filter(|s| s.first.events() + s.second.events() > 0)
            .count(),
    })
}

fn crude(strata: &[RateStratum]) -> f64 {
    let sums = strata.iter().fold([0.0; 4], |[a, t, b, u], s| {
        [
            a + s.first.count(),
            t + s.first.exposure(),
            b + s.second.count(),
            u + s.second.exposure(),
        ]
    });
    let [a, t, b, u] = sums;
    (a / t) / (b / u)
}
