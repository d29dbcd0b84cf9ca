//! Several changes at once: PELT (Killick, Fearnhead & Eckley 2012), which
//! finds the optimal segmentation for a penalty per change and, with regular
//! changes, in time linear in the length.

use crate::error::{Error, Result, all_finite, at_least, at_most, positive, same_length};
use crate::types::{MAX_COUNT, check_exposures};

/// Without any change the work is quadratic in the length.
const MAX_LENGTH: u64 = 50_000;

/// Cost of putting `start..end` into one segment; splitting a segment must
/// never cost more than leaving it whole.
pub trait SegmentCost {
    /// Number of observations.
    fn length(&self) -> usize;
    /// Cost of the half-open range; callers keep `start < end <= length`.
    fn cost(&self, start: usize, end: usize) -> f64;
}

fn running(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    std::iter::once(0.0)
        .chain(values.map(|v| {
            sum += v;
            sum
        }))
        .collect()
}

fn between(sums: &[f64], start: usize, end: usize) -> f64 {
    let at = |i: usize| sums.get(i).copied().unwrap_or(f64::NAN);
    at(end) - at(start)
}

/// Twice the negative Poisson log-likelihood of counts over exposures.
#[derive(Debug, Clone)]
pub struct PoissonCost {
    events: Vec<f64>,
    time: Vec<f64>,
}

impl PoissonCost {
    /// Counts with the exposure of each period.
    ///
    /// # Errors
    /// Lengths that differ, an exposure not above 0, a count above
    /// [`MAX_COUNT`].
    pub fn new(counts: &[u64], exposure: &[f64]) -> Result<Self> {
        same_length("counts", counts, "exposures", exposure)?;
        check_exposures(exposure)?;
        for &count in counts {
            at_most("count", count, MAX_COUNT)?;
        }
        Ok(Self {
            events: running(counts.iter().map(|&c| c as f64)),
            time: running(exposure.iter().copied()),
        })
    }
}

impl SegmentCost for PoissonCost {
    fn length(&self) -> usize {
        self.events.len() - 1
    }

    fn cost(&self, start: usize, end: usize) -> f64 {
        let events = between(&self.events, start, end);
        if events <= 0.0 {
            return 0.0;
        }
        2.0 * events * (1.0 - (events / between(&self.time, start, end)).ln())
    }
}

/// Squared deviations from the segment mean over a known variance: changes of
/// the mean of normal data.
#[derive(Debug, Clone)]
pub struct NormalMeanCost {
    sums: Vec<f64>,
    squares: Vec<f64>,
    variance: f64,
}

impl NormalMeanCost {
    /// Values with a known variance.
    ///
    /// # Errors
    /// [`Error::BadElement`] for a value that is not finite,
    /// [`Error::OutOfRange`] for a variance not above 0.
    pub fn new(values: &[f64], variance: f64) -> Result<Self> {
        all_finite("values", values)?;
        positive("variance", variance)?;
        let (sums, squares) = centred(values);
        Ok(Self {
            sums,
            squares,
            variance,
        })
    }

    /// Values whose variance is estimated from neighbouring differences, which
    /// changes of the mean hardly touch: `(1.4826 median|d - median d|)² / 2`.
    ///
    /// # Errors
    /// As [`Self::new`]; [`Error::Undetermined`] when more than half of the
    /// differences are equal.
    pub fn with_estimated_variance(values: &[f64]) -> Result<Self> {
        at_least("values", values, 3)?;
        all_finite("values", values)?;
        let mut steps: Vec<f64> = values
            .iter()
            .zip(values.iter().skip(1))
            .map(|(a, b)| b - a)
            .collect();
        let centre = crate::order::median(&mut steps);
        steps.iter_mut().for_each(|d| *d = (*d - centre).abs());
        let spread = 1.482_602_218_505_602 * crate::order::median(&mut steps);
        if spread == 0.0 {
            return Err(Error::Undetermined {
                what: "the variance",
                why: "more than half of the neighbouring differences are equal",
            });
        }
        Self::new(values, spread * spread / 2.0)
    }
}

/// Running sums of values and squares around the overall mean, which keeps
/// digits when values are large against their spread.
fn centred(values: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    (
        running(values.iter().map(|v| v - mean)),
        running(values.iter().map(|v| (v - mean) * (v - mean))),
    )
}

fn scatter(sums: &[f64], squares: &[f64], start: usize, end: usize) -> f64 {
    let sum = between(sums, start, end);
    (between(squares, start, end) - sum * sum / (end - start) as f64).max(0.0)
}

impl SegmentCost for NormalMeanCost {
    fn length(&self) -> usize {
        self.sums.len() - 1
    }

    fn cost(&self, start: usize, end: usize) -> f64 {
        scatter(&self.sums, &self.squares, start, end) / self.variance
    }
}

/// Twice the negative normal log-likelihood with mean and variance of the
/// segment's own: changes of either.
#[derive(Debug, Clone)]
pub struct NormalMeanVarianceCost {
    sums: Vec<f64>,
    squares: Vec<f64>,
    floor: f64,
}

impl NormalMeanVarianceCost {
    /// Values; the variance of a segment is never taken below a millionth of
    /// the whole, so that equal neighbours do not look infinitely likely.
    ///
    /// # Errors
    /// [`Error::BadElement`] for a value that is not finite;
    /// [`Error::Undetermined`] when all values are equal.
    pub fn new(values: &[f64]) -> Result<Self> {
        at_least("values", values, 2)?;
        all_finite("values", values)?;
        let (sums, squares) = centred(values);
        let whole = scatter(&sums, &squares, 0, values.len()) / values.len() as f64;
        if whole == 0.0 {
            return Err(Error::Undetermined {
                what: "the variance",
                why: "all values are equal",
            });
        }
        Ok(Self {
            sums,
            squares,
            floor: whole * 1e-6,
        })
    }
}

impl SegmentCost for NormalMeanVarianceCost {
    fn length(&self) -> usize {
        self.sums.len() - 1
    }

    fn cost(&self, start: usize, end: usize) -> f64 {
        let n = (end - start) as f64;
        let scatter = scatter(&self.sums, &self.squares, start, end);
        let variance = (scatter / n).max(self.floor);
        n * (std::f64::consts::TAU * variance).ln() + scatter / variance
    }
}

/// The BIC penalty per change: one more place and `parameters` more values.
#[must_use]
pub fn bic_penalty(length: usize, parameters: u32) -> f64 {
    (1.0 + f64::from(parameters)) * (length.max(1) as f64).ln()
}

/// Optimal segmentation: the zero-based starts of all segments but the first.
///
/// ```
/// use countersign_stats::change_point::{PoissonCost, bic_penalty, pelt};
/// let counts = [1, 2, 1, 0, 2, 9, 8, 11, 9, 10, 2, 1, 1, 2, 0];
/// let cost = PoissonCost::new(&counts, &[1.0; 15])?;
/// assert_eq!(pelt(&cost, bic_penalty(15, 1), 2)?, [5, 10]);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] for an empty series, [`Error::TooLarge`] above 50,000
/// observations, [`Error::OutOfRange`] for a penalty not above 0.
pub fn pelt(cost: &impl SegmentCost, penalty: f64, shortest: usize) -> Result<Vec<usize>> {
    let length = cost.length();
    let shortest = shortest.max(1);
    if length == 0 {
        return Err(Error::TooFew {
            what: "observations",
            found: 0,
            needed: 1,
        });
    }
    at_most("number of observations", length as u64, MAX_LENGTH)?;
    positive("penalty", penalty)?;
    let mut best = vec![-penalty];
    let mut came_from = vec![0usize];
    let mut candidates = vec![Candidate {
        start: 0,
        before: -penalty,
        last_end: usize::MAX,
    }];
    for end in 1..=length {
        if end < shortest {
            best.push(f64::INFINITY);
            came_from.push(0);
            continue;
        }
        let opened = end - shortest;
        if opened >= shortest {
            let before = best.get(opened).copied().unwrap_or(f64::INFINITY);
            candidates.push(Candidate {
                start: opened,
                before,
                last_end: usize::MAX,
            });
        }
        let (lowest, from) = extend(cost, &mut candidates, penalty, shortest, end);
        best.push(lowest);
        came_from.push(from);
    }
    Ok(trace_back(&came_from, length))
}

/// A possible start of the last segment.
struct Candidate {
    start: usize,
    /// Optimal cost of everything before it.
    before: f64,
    /// Last end for which it can still be the best.
    last_end: usize,
}

/// Optimal cost up to `end` and the start of its last segment; drops the
/// candidates that can never win again.
///
/// A candidate that loses to a change at `end` itself may still be needed for
/// the next `shortest - 1` ends, which a segment starting at `end` cannot reach
/// yet; pruning it at once would miss optimal segmentations.
fn extend(
    cost: &impl SegmentCost,
    candidates: &mut Vec<Candidate>,
    penalty: f64,
    shortest: usize,
    end: usize,
) -> (f64, usize) {
    let mut best = (f64::INFINITY, 0);
    let mut values = Vec::with_capacity(candidates.len());
    for candidate in candidates.iter() {
        let value = candidate.before + cost.cost(candidate.start, end);
        values.push(value);
        if value + penalty < best.0 {
            best = (value + penalty, candidate.start);
        }
    }
    for (candidate, value) in candidates.iter_mut().zip(values) {
        if value > best.0 {
            candidate.last_end = candidate.last_end.min(end + shortest - 1);
        }
    }
    candidates.retain(|candidate| candidate.last_end > end);
    best
}

fn trace_back(came_from: &[usize], length: usize) -> Vec<usize> {
    let mut changes = Vec::new();
    let mut end = length;
    while let Some(&start) = came_from.get(end) {
        if start == 0 {
            break;
        }
        changes.push(start);
        end = start;
    }
    changes.reverse();
    changes
}
