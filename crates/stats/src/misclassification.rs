//! Flags and links that are sometimes wrong: correction where the error rates
//! are known, and how many wrong links a conclusion survives.

use crate::error::{Error, Result, unit};
use crate::proportion::{self, Method, check};
use crate::rate_ratio::exact_interval;
use crate::types::{Confidence, Counted, Estimate, Interval};

/// How often a flag is right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    sensitivity: f64,
    specificity: f64,
}

impl Accuracy {
    /// A flag that never errs.
    pub const PERFECT: Self = Self {
        sensitivity: 1.0,
        specificity: 1.0,
    };

    /// `sensitivity`: share of true cases flagged; `specificity`: share of
    /// others not flagged.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for values outside [0, 1], or whose sum does not
    /// exceed 1: such a flag is no better than a coin.
    pub fn new(sensitivity: f64, specificity: f64) -> Result<Self> {
        unit("sensitivity", sensitivity)?;
        unit("specificity", specificity)?;
        if sensitivity + specificity <= 1.0 {
            return Err(Error::OutOfRange {
                what: "sensitivity plus specificity",
                value: sensitivity + specificity,
                expected: "more than 1, or the flag carries no information",
            });
        }
        Ok(Self {
            sensitivity,
            specificity,
        })
    }

    /// True share behind an observed share, within [0, 1].
    fn correct(self, observed: f64) -> f64 {
        let gain = self.sensitivity + self.specificity - 1.0;
        ((observed + self.specificity - 1.0) / gain).clamp(0.0, 1.0)
    }
}

/// True share behind `flagged` of `total` (Rogan & Gladen 1978); the interval
/// maps the Clopper–Pearson limits (Reiczigel, Földi & Ózsvári 2010).
///
/// ```
/// use countersign_stats::Confidence;
/// use countersign_stats::misclassification::{Accuracy, corrected_share};
/// let flag = Accuracy::new(0.70, 0.98)?;
/// let found = corrected_share(30, 100, flag, Confidence::P95)?;
/// assert!((found.value - 0.28 / 0.68).abs() < 1e-12);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// As [`proportion::interval`].
pub fn corrected_share(
    flagged: u64,
    total: u64,
    accuracy: Accuracy,
    confidence: Confidence,
) -> Result<Estimate> {
    let observed = proportion::interval(flagged, total, confidence, Method::ClopperPearson)?;
    Ok(Estimate {
        value: accuracy.correct(observed.value),
        interval: observed.interval.map(|share| accuracy.correct(share)),
    })
}

/// A validation sample: how many of the cases examined were classified rightly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validation {
    /// Classified rightly.
    pub right: u64,
    /// Examined.
    pub examined: u64,
}

impl Validation {
    /// Share with one success and one failure added, and the enlarged size.
    fn smoothed(self) -> (f64, f64) {
        let size = self.examined as f64 + 2.0;
        ((self.right as f64 + 1.0) / size, size)
    }
}

/// True share when sensitivity and specificity are themselves estimates from
/// validation samples (Lang & Reiczigel 2014, *Confidence limits for prevalence
/// of disease adjusted for estimated sensitivity and specificity*).
///
/// # Errors
/// As [`corrected_share`], for the validation samples too.
pub fn corrected_share_validated(
    flagged: u64,
    total: u64,
    sensitivity: Validation,
    specificity: Validation,
    confidence: Confidence,
) -> Result<Estimate> {
    check(flagged, total)?;
    for sample in [sensitivity, specificity] {
        check(sample.right, sample.examined)?;
    }
    let share = |v: Validation| v.right as f64 / v.examined as f64;
    let accuracy = Accuracy::new(share(sensitivity), share(specificity))?;
    let ((se, se_size), (sp, sp_size)) = (sensitivity.smoothed(), specificity.smoothed());
    let smoothed = Accuracy::new(se, sp)?;
    let gain = smoothed.sensitivity + smoothed.specificity - 1.0;
    let z = confidence.z();
    let size = total as f64 + z * z;
    let apparent = (flagged as f64 + z * z / 2.0) / size;
    let centre = (apparent + sp - 1.0) / gain;
    let (se_variance, sp_variance) = (se * (1.0 - se) / se_size, sp * (1.0 - sp) / sp_size);
    let shift = 2.0 * z * z * (centre * se_variance - (1.0 - centre) * sp_variance);
    let variance = apparent * (1.0 - apparent) / size
        + centre * centre * se_variance
        + (1.0 - centre) * (1.0 - centre) * sp_variance;
    let half = z * variance.sqrt() / gain;
    Ok(Estimate {
        value: accuracy.correct(flagged as f64 / total as f64),
        interval: Interval::new(centre + shift - half, centre + shift + half)
            .map(|share| share.clamp(0.0, 1.0)),
    })
}

/// Rate ratio with flags corrected on both sides of the division.
///
/// `of_events` and `of_exposure` may differ: people look harder for a cause
/// after an incident than in a quiet week, and such differential error can move
/// a ratio in either direction. The interval is exact for the share of events,
/// given the accuracies.
///
/// ```
/// use countersign_stats::misclassification::{Accuracy, corrected_rate_ratio};
/// use countersign_stats::{Confidence, Counted};
/// let (flagged, rest) = (Counted::new(30, 400.0)?, Counted::new(30, 600.0)?);
/// // the same errors on both sides pull the ratio towards 1; undo that
/// let flag = Accuracy::new(0.8, 0.95)?;
/// let found = corrected_rate_ratio(flagged, rest, flag, flag, Confidence::P95)?;
/// assert!(found.value > flagged.rate() / rest.rate());
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::Undetermined`] without events, or when the corrected exposure of an
/// arm is zero: the accuracies then contradict the data.
pub fn corrected_rate_ratio(
    first: Counted,
    second: Counted,
    of_events: Accuracy,
    of_exposure: Accuracy,
    confidence: Confidence,
) -> Result<Estimate> {
    let total = first.events() + second.events();
    if total == 0 {
        return Err(Error::Undetermined {
            what: "the corrected rate ratio",
            why: "neither arm has an event",
        });
    }
    let exposure = of_exposure.correct(first.exposure() / (first.exposure() + second.exposure()));
    if exposure <= 0.0 || exposure >= 1.0 {
        return Err(Error::Undetermined {
            what: "the corrected rate ratio",
            why: "the accuracies leave one arm without exposure",
        });
    }
    let share = corrected_share(first.events(), total, of_events, confidence)?;
    let ratio = |events: f64| events / (1.0 - events) * (1.0 - exposure) / exposure;
    Ok(Estimate {
        value: ratio(share.value),
        interval: share.interval.map(ratio),
    })
}

/// How many events would have to belong to the other arm for the verdict
/// (interval above, below or around 1) to change; `None` where no number does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flips {
    /// Moved from the first arm to the second.
    pub out_of_first: Option<u64>,
    /// Moved from the second arm to the first.
    pub into_first: Option<u64>,
}

/// Sensitivity of a rate ratio to wrong links.
///
/// ```
/// use countersign_stats::misclassification::flips;
/// use countersign_stats::{Confidence, Counted};
/// let found = flips(Counted::new(18, 500.0)?, Counted::new(20, 1500.0)?, Confidence::P95)?;
/// // "higher" would be gone if 3 of the 18 belonged to the other arm
/// assert_eq!(found.out_of_first, Some(3));
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// As [`exact_interval`].
pub fn flips(first: Counted, second: Counted, confidence: Confidence) -> Result<Flips> {
    let verdict = side(exact_interval(first, second, confidence)?.interval);
    let moved = |out: u64, into: u64| -> Result<bool> {
        let a = Counted::new(first.events() - out + into, first.exposure())?;
        let b = Counted::new(second.events() + out - into, second.exposure())?;
        Ok(side(exact_interval(a, b, confidence)?.interval) != verdict)
    };
    Ok(Flips {
        out_of_first: smallest(first.events(), |k| moved(k, 0))?,
        into_first: smallest(second.events(), |k| moved(0, k))?,
    })
}

/// -1, 0 or 1: below, around or above a ratio of 1.
fn side(interval: Interval) -> i8 {
    i8::from(interval.low > 1.0) - i8::from(interval.high < 1.0)
}

/// Smallest `k` in `1..=limit` for which `holds`; once it holds it goes on
/// holding, because the interval only moves one way (a verdict that first turns
/// into "around 1" and then into its opposite has changed all along).
fn smallest(limit: u64, holds: impl Fn(u64) -> Result<bool>) -> Result<Option<u64>> {
    if limit == 0 || !holds(limit)? {
        return Ok(None);
    }
    let (mut low, mut high) = (1, limit);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Some(low))
}
