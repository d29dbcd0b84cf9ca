//! When part of the first arm is hidden in the second: what can still be said
//! without guessing (partial identification; Manski 2003, *Partial
//! Identification of Probability Distributions*).

use crate::error::{Error, Result, unit};
use crate::rate_ratio::exact_interval;
use crate::types::{Confidence, Counted, Estimate, Interval};

/// How much of the second arm may really belong to the first, as lowest and
/// highest share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hidden {
    events: Interval,
    exposure: Interval,
}

impl Hidden {
    /// Shares of the second arm's events and exposure. The two are free of each
    /// other: hidden exposure may have caused all or none of the hidden events.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for shares outside [0, 1] or a lowest above its
    /// highest.
    pub fn new(events: Interval, exposure: Interval) -> Result<Self> {
        for range in [events, exposure] {
            unit("lowest hidden share", range.low)?;
            unit("highest hidden share", range.high)?;
            if range.low > range.high {
                return Err(Error::OutOfRange {
                    what: "lowest hidden share",
                    value: range.low,
                    expected: "at most the highest hidden share",
                });
            }
        }
        if exposure.low >= 1.0 {
            return Err(Error::OutOfRange {
                what: "lowest hidden share of exposure",
                value: exposure.low,
                expected: "less than 1, or nothing is left to compare with",
            });
        }
        Ok(Self { events, exposure })
    }

    /// Anything from nothing to `share` of both.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a share outside [0, 1].
    pub fn up_to(share: f64) -> Result<Self> {
        Self::new(Interval::new(0.0, share), Interval::new(0.0, share))
    }
}

/// What remains known about a rate ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Every ratio that some amount of hiding would explain exactly.
    pub identified: Interval,
    /// The same with sampling uncertainty: holds the true ratio with at least
    /// the stated confidence, whatever was hidden within the limits given.
    pub interval: Interval,
}

/// Bounds of the ratio first / second when part of the first arm was declared
/// as (or defaulted to) the second.
///
/// ```
/// use countersign_stats::bounds::{Hidden, rate_ratio_bounds};
/// use countersign_stats::{Confidence, Counted};
/// let (declared, rest) = (Counted::new(40, 1000.0)?, Counted::new(60, 4000.0)?);
/// let found = rate_ratio_bounds(declared, rest, Hidden::up_to(0.25)?, Confidence::P95)?;
/// // crude 2.7; with a quarter undeclared the data no longer exclude 1
/// assert!(found.identified.contains(40.0 / 1000.0 / (60.0 / 4000.0)));
/// assert!(found.interval.contains(1.0));
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::Undetermined`] when neither arm has an event.
pub fn rate_ratio_bounds(
    first: Counted,
    second: Counted,
    hidden: Hidden,
    confidence: Confidence,
) -> Result<Bounds> {
    // the ratio rises with hidden events and falls with hidden exposure
    let low = corner(
        first,
        second,
        hidden.events.low,
        hidden.exposure.high,
        confidence,
        f64::floor,
    )?;
    let high = corner(
        first,
        second,
        hidden.events.high,
        hidden.exposure.low,
        confidence,
        f64::ceil,
    )?;
    Ok(Bounds {
        identified: Interval::new(low.value, high.value),
        interval: low.interval.hull(high.interval),
    })
}

/// Exact inference after moving given shares of the second arm.
fn corner(
    first: Counted,
    second: Counted,
    events: f64,
    exposure: f64,
    confidence: Confidence,
    round: fn(f64) -> f64,
) -> Result<Estimate> {
    let moved_exposure = exposure * second.exposure();
    let left = second.exposure() - moved_exposure;
    let moved = round(events * second.count()).min(second.count());
    if first.events() + second.events() == 0 {
        return Err(Error::Undetermined {
            what: "the rate ratio",
            why: "neither arm has an event",
        });
    }
    if left <= 0.0 {
        // nothing is known to be left in the second arm: any rate is possible
        return Ok(Estimate {
            value: 0.0,
            interval: Interval::new(0.0, f64::INFINITY),
        });
    }
    let moved_events = moved as u64;
    let a = Counted::new(
        first.events() + moved_events,
        first.exposure() + moved_exposure,
    )?;
    let b = Counted::new(second.events() - moved_events, left)?;
    let exact = exact_interval(a, b, confidence)?;
    // the point is not rounded to whole events
    let shift = events * second.count();
    let value = (first.count() + shift) / a.exposure() / ((second.count() - shift) / left);
    Ok(Estimate {
        value,
        interval: exact.interval,
    })
}

/// The largest share of the second arm that may be hidden first arm before the
/// bounds hold a ratio of 1; `None` where they hold it even with nothing hidden.
///
/// # Errors
/// As [`rate_ratio_bounds`].
pub fn tolerable_share(
    first: Counted,
    second: Counted,
    confidence: Confidence,
) -> Result<Option<f64>> {
    let holds_one = |share: f64| -> Result<bool> {
        let found = rate_ratio_bounds(first, second, Hidden::up_to(share)?, confidence)?;
        Ok(found.interval.contains(1.0))
    };
    if holds_one(0.0)? {
        return Ok(None);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while high - low > 1e-6 {
        let middle = 0.5 * (low + high);
        if holds_one(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(low))
}

/// The ratio when `share` of the second arm's exposure is hidden first arm that
/// behaves just like the declared part. With `ρ` the observed ratio it is
/// `(1 - share) ρ / (1 - share ρ)`, which maps the exact interval of `ρ`; an
/// infinite end means that the hidden part alone would explain the second arm's
/// events.
///
/// # Errors
/// [`Error::OutOfRange`] unless `0 <= share < 1`; as [`exact_interval`].
pub fn rate_ratio_if_alike(
    first: Counted,
    second: Counted,
    share: f64,
    confidence: Confidence,
) -> Result<Estimate> {
    if !(0.0..1.0).contains(&share) {
        return Err(Error::OutOfRange {
            what: "hidden share",
            value: share,
            expected: "a number from 0 to just below 1",
        });
    }
    let observed = exact_interval(first, second, confidence)?;
    let undilute = |ratio: f64| {
        let rest = 1.0 - share * ratio;
        if rest > 0.0 {
            (1.0 - share) * ratio / rest
        } else {
            f64::INFINITY
        }
    };
    Ok(Estimate {
        value: undilute(observed.value),
        interval: observed.interval.map(undilute),
    })
}
