//! Permutation tests: what the difference would be if the labels meant nothing.

use crate::error::{Error, Result, all_finite, at_least, at_most};
use crate::rng::Random;
use crate::special::ln_choose;

/// Up to this many arrangements are all tried.
const EXACT_UP_TO: f64 = 200_000.0;
/// Bound on rounds times number of values.
const MAX_WORK: u64 = 5_000_000_000;

/// Outcome of a permutation test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PermutationTest {
    /// The statistic of the samples as they are.
    pub statistic: f64,
    /// p-value for "at least as large".
    pub p_greater: f64,
    /// p-value for "at most as large".
    pub p_less: f64,
    /// Twice the smaller of the two, at most 1.
    pub p_two_sided: f64,
    /// Whether all arrangements were tried; otherwise they were drawn.
    pub exact: bool,
}

/// Difference of the two means, the usual statistic.
#[must_use]
pub fn mean_difference(first: &[f64], second: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    mean(first) - mean(second)
}

/// Compares two samples by any statistic of them.
///
/// All arrangements are tried where there are at most 200,000; otherwise
/// `rounds` are drawn with the given seed and the observed one counted among
/// them (Phipson & Smyth 2010), so that the p-value is never 0.
///
/// ```
/// use countersign_stats::permutation::{mean_difference, permutation_test};
/// let canary = [1.0, 4.0, 2.0, 3.0, 1.0];
/// let found = permutation_test(&canary, &[0.0; 5], mean_difference, 999, 1)?;
/// assert!(found.exact);
/// assert!((found.p_two_sided - 2.0 / 252.0).abs() < 1e-12);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] for an empty sample, [`Error::BadElement`] for a value that
/// is not finite, [`Error::TooLarge`] above five billion rounds times values,
/// [`Error::OutOfRange`] for a statistic that is not finite somewhere.
pub fn permutation_test(
    first: &[f64],
    second: &[f64],
    statistic: impl Fn(&[f64], &[f64]) -> f64,
    rounds: u32,
    seed: u64,
) -> Result<PermutationTest> {
    check(first, second, rounds)?;
    let mut tally = Tally {
        observed: statistic(first, second),
        above: 0,
        below: 0,
        total: 0,
        bad: None,
    };
    let pooled = [first, second].concat();
    let arrangements = ln_choose(pooled.len() as f64, first.len() as f64).exp();
    let exact = arrangements <= EXACT_UP_TO * (1.0 + 1e-6);
    if exact {
        every_arrangement(&pooled, first.len(), |a, b| tally.add(statistic(a, b)));
    } else {
        let mut mixed = pooled;
        let mut random = Random::seeded(seed);
        tally.add(tally.observed);
        for _ in 0..rounds {
            random.shuffle(&mut mixed);
            let (a, b) = mixed.split_at_checked(first.len()).unwrap_or_default();
            tally.add(statistic(a, b));
        }
    }
    tally.finish(exact)
}

fn check(first: &[f64], second: &[f64], rounds: u32) -> Result<()> {
    at_least("first sample", first, 1)?;
    at_least("second sample", second, 1)?;
    all_finite("first sample", first)?;
    all_finite("second sample", second)?;
    let values = (first.len() + second.len()) as u64;
    at_most(
        "rounds times number of values",
        values.saturating_mul(u64::from(rounds)),
        MAX_WORK,
    )
}

struct Tally {
    observed: f64,
    above: u64,
    below: u64,
    total: u64,
    bad: Option<f64>,
}

impl Tally {
    fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.bad = Some(value);
        }
        // sums of the same numbers in another order differ in the last digits
        let slack = 1e-10 * self.observed.abs().max(value.abs());
        self.above += u64::from(value >= self.observed - slack);
        self.below += u64::from(value <= self.observed + slack);
        self.total += 1;
    }

    fn finish(&self, exact: bool) -> Result<PermutationTest> {
        if let Some(value) = self.bad {
            return Err(Error::OutOfRange {
                what: "test statistic",
                value,
                expected: "a finite number for every arrangement of the values",
            });
        }
        let share = |count: u64| count as f64 / self.total as f64;
        let (p_greater, p_less) = (share(self.above), share(self.below));
        Ok(PermutationTest {
            statistic: self.observed,
            p_greater,
            p_less,
            p_two_sided: (2.0 * p_greater.min(p_less)).min(1.0),
            exact,
        })
    }
}

/// Calls `visit` with every choice of `size` values and the rest.
fn every_arrangement(pooled: &[f64], size: usize, mut visit: impl FnMut(&[f64], &[f64])) {
    let mut chosen: Vec<usize> = (0..size).collect();
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    loop {
        inside.clear();
        outside.clear();
        let mut next = chosen.iter().peekable();
        for (position, value) in pooled.iter().enumerate() {
            if next.next_if(|&&c| c == position).is_some() {
                inside.push(*value);
            } else {
                outside.push(*value);
            }
        }
        visit(&inside, &outside);
        if !advance(&mut chosen, pooled.len()) {
            return;
        }
    }
}

/// Moves to the next combination in lexicographic order.
fn advance(chosen: &mut [usize], total: usize) -> bool {
    let size = chosen.len();
    let movable = chosen
        .iter()
        .enumerate()
        .rposition(|(i, &c)| c < total - size + i);
    let Some(from) = movable else { return false };
    let start = chosen.get(from).map_or(0, |c| c + 1);
    chosen
        .iter_mut()
        .skip(from)
        .zip(start..)
        .for_each(|(cell, value)| *cell = value);
    true
}
