//! Changes of any kind (level, spread, shape): E-divisive (Matteson & James
//! 2014, *A Nonparametric Approach for Multiple Change Point Analysis of
//! Multivariate Data*) with a seeded permutation test.

use crate::error::{Error, Result, all_finite, at_least, at_most, open_unit};
use crate::rng::Random;

/// Longest series: distances take memory and time quadratic in it.
const MAX_LENGTH: u64 = 1_500;
/// Bound on rounds times squared length.
const MAX_WORK: u64 = 4_000_000_000;

/// Options of [`e_divisive`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DivisiveOptions {
    /// Shortest segment, at least 2.
    pub shortest: usize,
    /// Permutations per test, 199 for instance.
    pub rounds: u32,
    /// Level at which a further change is accepted, such as 0.05.
    pub significance: f64,
    /// Seed of the permutations.
    pub seed: u64,
}

/// Zero-based starts of all segments but the first, in order.
///
/// Segments are split one by one where the energy distance between the two
/// sides is largest, for as long as a permutation test rejects "no further
/// change".
///
/// ```
/// use countersign_stats::change_point::{DivisiveOptions, e_divisive};
/// let minutes: Vec<f64> =
///     (0..40).map(|i| f64::from(i % 5) + if i < 20 { 10.0 } else { 17.0 }).collect();
/// let options = DivisiveOptions { shortest: 5, rounds: 199, significance: 0.05, seed: 1 };
/// assert_eq!(e_divisive(&minutes, options)?, [20]);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] below two shortest segments, [`Error::TooLarge`] above 1,500
/// values or four billion rounds times squared values, [`Error::BadElement`] for a value that is not
/// finite, [`Error::OutOfRange`] for other options.
pub fn e_divisive(values: &[f64], options: DivisiveOptions) -> Result<Vec<usize>> {
    if options.shortest < 2 {
        return Err(Error::OutOfRange {
            what: "shortest segment",
            value: options.shortest as f64,
            expected: "at least 2 values",
        });
    }
    open_unit("significance", options.significance)?;
    at_most("number of values", values.len() as u64, MAX_LENGTH)?;
    let work = u64::from(options.rounds).saturating_mul((values.len() * values.len()) as u64);
    at_most("rounds times squared number of values", work, MAX_WORK)?;
    at_least("values", values, 2 * options.shortest)?;
    all_finite("values", values)?;
    let mut random = Random::seeded(options.seed);
    let mut edges = vec![0, values.len()];
    loop {
        let segments: Vec<&[f64]> = edges
            .iter()
            .zip(edges.iter().skip(1))
            .filter_map(|(&start, &end)| values.get(start..end))
            .collect();
        let found = best_of(&segments, options.shortest);
        let Some((segment, at, statistic)) = found.filter(|f| f.2 > 0.0) else {
            break;
        };
        if p_value(&segments, options, statistic, &mut random) > options.significance {
            break;
        }
        let start = edges.get(segment).copied().unwrap_or(0);
        edges.insert(segment + 1, start + at);
    }
    edges.pop();
    edges.remove(0);
    Ok(edges)
}

/// Segment, place inside it and statistic of the best split.
fn best_of(segments: &[&[f64]], shortest: usize) -> Option<(usize, usize, f64)> {
    segments
        .iter()
        .enumerate()
        .filter_map(|(i, s)| best_split(s, shortest).map(|(at, q)| (i, at, q)))
        .max_by(|a, b| a.2.total_cmp(&b.2).then(b.0.cmp(&a.0)))
}

/// Share of permutations (within segments) whose best statistic reaches the
/// observed one.
fn p_value(
    segments: &[&[f64]],
    options: DivisiveOptions,
    statistic: f64,
    random: &mut Random,
) -> f64 {
    let mut reached = 0u32;
    for _ in 0..options.rounds {
        let shuffled: Vec<Vec<f64>> = segments
            .iter()
            .map(|s| {
                let mut copy = s.to_vec();
                random.shuffle(&mut copy);
                copy
            })
            .collect();
        let views: Vec<&[f64]> = shuffled.iter().map(Vec::as_slice).collect();
        let drawn = best_of(&views, options.shortest).map_or(0.0, |f| f.2);
        reached += u32::from(drawn >= statistic * (1.0 - 1e-12));
    }
    f64::from(reached + 1) / f64::from(options.rounds + 1)
}

/// Largest scaled energy distance between `values[..at]` and
/// `values[at..end]` over all `at` and `end`: letting the right side stop early
/// finds changes that are undone later.
fn best_split(values: &[f64], shortest: usize) -> Option<(usize, f64)> {
    let n = values.len();
    if n < 2 * shortest {
        return None;
    }
    // among[k]: sum of distances among the first k values
    let mut among = vec![0.0];
    let mut total = 0.0;
    for (k, v) in values.iter().enumerate() {
        total += values.iter().take(k).map(|w| (v - w).abs()).sum::<f64>();
        among.push(total);
    }
    let mut best: Option<(usize, f64)> = None;
    // to_left[j]: sum of distances from value j to the values left of `at`
    let mut to_left = vec![0.0; n];
    for (index, moved) in values.iter().enumerate().take(n - shortest) {
        let at = index + 1;
        let mut across = 0.0;
        let left = among.get(at).copied().unwrap_or(f64::NAN);
        let right = values
            .iter()
            .zip(&mut to_left)
            .zip(among.iter().skip(1))
            .enumerate()
            .skip(at);
        for (end, ((v, sum), until)) in right {
            *sum += (v - moved).abs();
            across += *sum;
            let taken = end + 1 - at;
            if at >= shortest && taken >= shortest {
                let q = energy(at as f64, taken as f64, across, left, until - left - across);
                if best.is_none_or(|(_, found)| q > found) {
                    best = Some((at, q));
                }
            }
        }
    }
    best
}

/// The statistic `mn/(m+n) E` from sums of distances across and within.
fn energy(m: f64, n: f64, across: f64, left: f64, right: f64) -> f64 {
    let pairs = |k: f64| k * (k - 1.0) / 2.0;
    m * n / (m + n) * (2.0 * across / (m * n) - left / pairs(m) - right / pairs(n))
}
