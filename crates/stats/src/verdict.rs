//! From an interval to a word, without saying more than the data do.

use crate::error::{Error, Result, positive};
use crate::power::Detectable;
use crate::types::Interval;

/// The four things a comparison may say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// The first rate is higher: the whole interval lies above 1.
    Higher,
    /// The first rate is lower: the whole interval lies below 1.
    Lower,
    /// No evidence of a difference although one worth acting on would have
    /// shown.
    NoEvidence {
        /// Smallest increase that would have been seen with the power asked for.
        would_have_seen: f64,
    },
    /// The data cannot tell.
    CannotTell(Reason),
}

/// Why the data cannot tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// Even an increase by the relevant ratio would probably not have shown.
    TooLittleData {
        /// Smallest increase that would have shown, if any.
        would_have_seen: Option<f64>,
    },
    /// The crude interval would decide, but not for every way in which part of
    /// the first arm may be hidden in the second.
    Hidden {
        /// Bounds that hold whatever was hidden.
        bounds: Interval,
    },
}

/// Judges a rate ratio.
///
/// `bounds` is the interval that allows for a hidden part of the first arm (see
/// [`bounds`](crate::bounds)), where there is one; `detectable` says what the
/// comparison could have seen, `relevant_ratio` above which increase one would
/// act.
///
/// ```
/// use countersign_stats::Interval;
/// use countersign_stats::power::Detectable;
/// use countersign_stats::verdict::{Reason, Verdict, judge};
/// let detectable = Detectable { increase: Some(1.8), decrease: Some(0.5) };
/// let wide = Interval::new(0.7, 1.5);
/// assert_eq!(
///     judge(wide, None, detectable, 2.0)?,
///     Verdict::NoEvidence { would_have_seen: 1.8 }
/// );
/// assert!(matches!(
///     judge(wide, None, detectable, 1.2)?,
///     Verdict::CannotTell(Reason::TooLittleData { .. })
/// ));
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::OutOfRange`] for a `NaN` interval end or a relevant ratio not above 1.
pub fn judge(
    interval: Interval,
    bounds: Option<Interval>,
    detectable: Detectable,
    relevant_ratio: f64,
) -> Result<Verdict> {
    positive("relevant ratio", relevant_ratio)?;
    if relevant_ratio <= 1.0 {
        return Err(Error::OutOfRange {
            what: "relevant ratio",
            value: relevant_ratio,
            expected: "a ratio above 1, such as 1.5",
        });
    }
    for end in std::iter::once(interval)
        .chain(bounds)
        .flat_map(|i| [i.low, i.high])
    {
        if end.is_nan() {
            return Err(Error::OutOfRange {
                what: "interval end",
                value: end,
                expected: "a number or infinity",
            });
        }
    }
    if !interval.contains(1.0) {
        return Ok(match bounds.filter(|b| b.contains(1.0)) {
            Some(bounds) => Verdict::CannotTell(Reason::Hidden { bounds }),
            None if interval.low > 1.0 => Verdict::Higher,
            None => Verdict::Lower,
        });
    }
    if let Some(bounds) = bounds.filter(|b| b.high > interval.high.max(relevant_ratio)) {
        // what is hidden leaves room for an increase that the crude data deny
        return Ok(Verdict::CannotTell(Reason::Hidden { bounds }));
    }
    match detectable.increase {
        Some(would_have_seen) if would_have_seen <= relevant_ratio => {
            Ok(Verdict::NoEvidence { would_have_seen })
        }
        would_have_seen => Ok(Verdict::CannotTell(Reason::TooLittleData {
            would_have_seen,
        })),
    }
}
