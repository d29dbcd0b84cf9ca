//! Mann–Whitney test with the Hodges–Lehmann shift and its interval.
//!
//! The conventions are those of R `wilcox.test`: exact without ties and below
//! 50 values per sample, otherwise normal with tie and continuity corrections.
//! It compares whether values tend to be larger; a change of spread alone is
//! invisible to it.

use crate::error::{Error, Result, all_finite, at_least, at_most};
use crate::order::{median, ranks, tie_groups};
use crate::special::normal_cdf;
use crate::types::{Alternative, Confidence, Estimate, Interval};

/// Samples shorter than this get the exact distribution, if there are no ties.
const EXACT_BELOW: usize = 50;
/// Largest number of pairs; their differences are held in memory.
const MAX_PAIRS: u64 = 4_000_000;

/// Outcome of a Mann–Whitney test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the first sample's value is larger, ties as one half.
    pub u: f64,
    /// `u` over the number of pairs: the chance that a value of the first
    /// sample exceeds one of the second (common-language effect size).
    pub superiority: f64,
    /// Two-sided p-value.
    pub p_two_sided: f64,
    /// p-value for "first sample larger".
    pub p_greater: f64,
    /// p-value for "first sample smaller".
    pub p_less: f64,
    /// Hodges–Lehmann shift: the median of all differences first - second.
    pub shift: Estimate,
    /// Whether the exact distribution was used.
    pub exact: bool,
}

impl MannWhitney {
    /// One-sided or two-sided p-value.
    #[must_use]
    pub fn p(&self, alternative: Alternative) -> f64 {
        match alternative {
            Alternative::TwoSided => self.p_two_sided,
            Alternative::Greater => self.p_greater,
            Alternative::Less => self.p_less,
        }
    }
}

/// Compares two samples.
///
/// ```
/// use countersign_stats::{Confidence, mann_whitney};
/// let canary = [10.0, 20.0, 30.0, 40.0];
/// let baseline = [1.0, 2.0, 3.0, 4.0];
/// let found = mann_whitney::compare(&canary, &baseline, Confidence::P95)?;
/// assert_eq!(found.shift.value, 22.5);
/// assert_eq!((found.shift.interval.low, found.shift.interval.high), (6.0, 39.0));
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] for an empty sample, [`Error::BadElement`] for a value that
/// is not finite, [`Error::TooLarge`] above four million pairs,
/// [`Error::Undetermined`] when all values are equal.
pub fn compare(first: &[f64], second: &[f64], confidence: Confidence) -> Result<MannWhitney> {
    let pairs = (first.len() as u64).saturating_mul(second.len() as u64);
    at_least("first sample", first, 1)?;
    at_least("second sample", second, 1)?;
    all_finite("first sample", first)?;
    all_finite("second sample", second)?;
    at_most("number of pairs", pairs, MAX_PAIRS)?;
    let pooled = [first, second].concat();
    let rank_sum: f64 = ranks(&pooled).iter().take(first.len()).sum();
    let m = first.len() as f64;
    let u = rank_sum - m * (m + 1.0) / 2.0;
    let ties = tie_groups(&pooled);
    let mut differences: Vec<f64> = first
        .iter()
        .flat_map(|x| second.iter().map(move |y| x - y))
        .collect();
    let value = median(&mut differences);
    let exact = ties.is_empty() && first.len() < EXACT_BELOW && second.len() < EXACT_BELOW;
    let (p, interval) = if exact {
        let chances = distribution(first.len(), second.len());
        (
            tails(&chances, u),
            exact_interval(&chances, &differences, confidence),
        )
    } else {
        let interval = normal_interval(first, second, &differences, confidence);
        (normal_tails(first, second, &ties, u)?, interval)
    };
    Ok(MannWhitney {
        u,
        superiority: u / pairs as f64,
        p_two_sided: (2.0 * p.0.min(p.1)).min(1.0),
        p_less: p.0,
        p_greater: p.1,
        shift: Estimate { value, interval },
        exact,
    })
}

/// P(U <= u) and P(U >= u) by the normal approximation with tie and continuity
/// corrections.
fn normal_tails(first: &[f64], second: &[f64], ties: &[f64], u: f64) -> Result<(f64, f64)> {
    let (m, n) = (first.len() as f64, second.len() as f64);
    let spread = spread(m, n, ties);
    if spread == 0.0 {
        return Err(Error::Undetermined {
            what: "the mann-whitney test",
            why: "all values are equal",
        });
    }
    let gap = u - m * n / 2.0;
    Ok((
        normal_cdf((gap + 0.5) / spread),
        normal_cdf(-(gap - 0.5) / spread),
    ))
}

/// Standard deviation of U with tie correction.
fn spread(m: f64, n: f64, ties: &[f64]) -> f64 {
    let total = m + n;
    let tied: f64 = ties.iter().map(|t| t * t * t - t).sum();
    (m * n / 12.0 * (total + 1.0 - tied / (total * (total - 1.0))))
        .max(0.0)
        .sqrt()
}

/// Probabilities of U = 0, 1, …, mn without ties: the largest of all values
/// belongs to either sample in proportion to its size (Mann & Whitney 1947).
fn distribution(m: usize, n: usize) -> Vec<f64> {
    // rows[j]: distribution for i values in the first sample, j in the second
    let mut rows: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for i in 1..=m {
        let mut next: Vec<Vec<f64>> = Vec::with_capacity(n + 1);
        next.push(vec![1.0]);
        for (j, above) in rows.iter().enumerate().skip(1) {
            let (a, b) = (i as f64, j as f64);
            let mut chances = vec![0.0; i * j + 1];
            for (cell, chance) in chances.iter_mut().skip(j).zip(above) {
                *cell += a / (a + b) * chance;
            }
            if let Some(left) = next.last() {
                for (cell, chance) in chances.iter_mut().zip(left) {
                    *cell += b / (a + b) * chance;
                }
            }
            next.push(chances);
        }
        rows = next;
    }
    rows.pop().unwrap_or_default()
}

/// P(U <= u) and P(U >= u).
fn tails(chances: &[f64], u: f64) -> (f64, f64) {
    let below: f64 = chances.iter().take(u as usize + 1).sum();
    let above: f64 = chances.iter().skip(u as usize).sum();
    (below.min(1.0), above.min(1.0))
}

/// Ends at the differences whose rank is the exact lower quantile of U.
fn exact_interval(chances: &[f64], differences: &[f64], confidence: Confidence) -> Interval {
    let mut sum = 0.0;
    let quantile = chances.iter().position(|chance| {
        sum += chance;
        // the slack of R's qwilcox: equality must survive rounding
        sum >= confidence.alpha() / 2.0 * (1.0 - 64.0 * f64::EPSILON)
    });
    symmetric(differences, quantile.unwrap_or(0).max(1))
}

/// Ends at the shifts where the corrected z crosses the critical value. Between
/// two neighbouring differences only ties inside a sample remain, so the spread
/// is the same at all of them.
fn normal_interval(
    first: &[f64],
    second: &[f64],
    differences: &[f64],
    confidence: Confidence,
) -> Interval {
    let (m, n) = (first.len() as f64, second.len() as f64);
    let within = [tie_groups(first), tie_groups(second)].concat();
    let reach = 0.5 + confidence.z() * spread(m, n, &within);
    let rank = (m * n / 2.0 - reach).floor() + 1.0;
    symmetric(differences, rank.max(1.0) as usize)
}

/// The `rank`-th smallest and largest difference.
fn symmetric(differences: &[f64], rank: usize) -> Interval {
    let at = |i: usize| differences.get(i).copied().unwrap_or(f64::NAN);
    Interval::new(at(rank - 1), at(differences.len().saturating_sub(rank)))
}
