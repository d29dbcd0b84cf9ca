//! A single change of a Poisson rate.

use crate::error::{Error, Result, at_least, at_most, open_unit, positive, same_length};
use crate::rng::Random;
use crate::special::{ln_gamma, ln_sum_exp};
use crate::types::{Counted, MAX_COUNT, check_exposures};

const MAX_PERIODS: u64 = 100_000;
const MAX_ROUNDS: u64 = 100_000;
/// Bound on rounds times work per round.
const MAX_WORK: u64 = 2_000_000_000;

/// How the null distribution of the statistic is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resampling {
    /// Events fall on periods in proportion to exposure. Given the total this
    /// is the exact null distribution of Poisson counts; overdispersed counts
    /// would be called changes too often.
    Poisson,
    /// Whole periods (count with exposure) change places. Valid for
    /// overdispersed counts as long as periods are exchangeable.
    Permutation,
}

/// Seeded Monte-Carlo calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Calibration {
    /// Null distribution.
    pub resampling: Resampling,
    /// Number of draws, 999 for instance; the smallest p-value is
    /// `1 / (rounds + 1)`.
    pub rounds: u32,
    /// Seed; the same seed gives the same p-value.
    pub seed: u64,
}

/// The most likely single change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Zero-based first period of the second regime.
    pub at: usize,
    /// Events and exposure before the change.
    pub before: Counted,
    /// Events and exposure from the change on.
    pub after: Counted,
    /// Twice the log-likelihood ratio against no change.
    pub statistic: f64,
    /// Monte-Carlo p-value, allowing for the search over all splits.
    pub p_value: f64,
}

/// Finds the most likely change of a Poisson rate, each regime at least
/// `shortest` periods long.
///
/// ```
/// use countersign_stats::change_point::{Calibration, Resampling, poisson_split};
/// let incidents = [2, 1, 3, 2, 2, 1, 6, 7, 5, 8, 6];
/// let changes = [100.0; 11];
/// let calibration = Calibration { resampling: Resampling::Poisson, rounds: 999, seed: 1 };
/// let found = poisson_split(&incidents, &changes, 2, calibration)?;
/// assert_eq!(found.at, 6);
/// assert!(found.p_value < 0.01);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// Lengths that differ; exposures not above 0; fewer than two regimes' worth of
/// periods; no events at all; more work than the bounds allow.
pub fn poisson_split(
    counts: &[u64],
    exposure: &[f64],
    shortest: usize,
    calibration: Calibration,
) -> Result<Split> {
    let shortest = shortest.max(1);
    check(counts, exposure)?;
    at_least("periods", counts, 2 * shortest)?;
    let rounds = u64::from(calibration.rounds);
    at_least("periods", counts, 2)?;
    at_most("number of rounds", rounds, MAX_ROUNDS)?;
    let events: u64 = counts.iter().sum();
    let periods = counts.len() as u64;
    let per_round = match calibration.resampling {
        Resampling::Poisson => periods + 16 * events,
        Resampling::Permutation => 2 * periods,
    };
    at_most(
        "rounds times work per round",
        rounds.saturating_mul(per_round),
        MAX_WORK,
    )?;
    let (statistic, at) = best_split(counts, exposure, shortest);
    let mut random = Random::seeded(calibration.seed);
    let mut as_extreme = 0u64;
    let mut null = Null::new(counts, exposure, calibration.resampling);
    for _ in 0..rounds {
        let (drawn, times) = null.draw(&mut random);
        // a drawn statistic equal to the observed one must count despite rounding
        if best_split(drawn, times, shortest).0 >= statistic * (1.0 - 1e-12) {
            as_extreme += 1;
        }
    }
    let regime = |from: usize, length: usize| {
        Counted::new(
            counts.iter().skip(from).take(length).sum(),
            exposure.iter().skip(from).take(length).sum(),
        )
    };
    Ok(Split {
        at,
        before: regime(0, at)?,
        after: regime(at, counts.len() - at)?,
        statistic,
        p_value: (as_extreme + 1) as f64 / (rounds + 1) as f64,
    })
}

fn check(counts: &[u64], exposure: &[f64]) -> Result<()> {
    same_length("counts", counts, "exposures", exposure)?;
    check_exposures(exposure)?;
    at_most("number of periods", counts.len() as u64, MAX_PERIODS)?;
    let total = counts.iter().fold(0u64, |sum, &c| sum.saturating_add(c));
    at_most("total count", total, MAX_COUNT)?;
    if total == 0 {
        return Err(Error::Undetermined {
            what: "the change point",
            why: "there are no events",
        });
    }
    Ok(())
}

/// Largest 2LLR and the first period of the second regime.
fn best_split(counts: &[u64], exposure: &[f64], shortest: usize) -> (f64, usize) {
    let events: f64 = counts.iter().map(|&c| c as f64).sum();
    let time: f64 = exposure.iter().sum();
    let whole = fitted(events, time);
    let (mut x, mut t, mut best) = (0.0, 0.0, (f64::NEG_INFINITY, shortest));
    let last = counts.len() - shortest;
    for (index, (&count, &period)) in counts.iter().zip(exposure).enumerate().take(last) {
        x += count as f64;
        t += period;
        let at = index + 1;
        if at >= shortest {
            let statistic = 2.0 * (fitted(x, t) + fitted(events - x, time - t) - whole);
            if statistic > best.0 {
                best = (statistic, at);
            }
        }
    }
    (best.0.max(0.0), best.1)
}

/// Log-likelihood of a regime at its own rate, up to a constant.
fn fitted(events: f64, time: f64) -> f64 {
    if events > 0.0 {
        events * (events / time).ln()
    } else {
        0.0
    }
}

/// Draws from the null distribution without allocating anew.
struct Null {
    resampling: Resampling,
    events: u64,
    cumulative: Vec<f64>,
    pairs: Vec<(u64, f64)>,
    counts: Vec<u64>,
    exposure: Vec<f64>,
}

impl Null {
    fn new(counts: &[u64], exposure: &[f64], resampling: Resampling) -> Self {
        let mut sum = 0.0;
        let running = |t: &f64| {
            sum += t;
            sum
        };
        Self {
            resampling,
            events: counts.iter().sum(),
            cumulative: exposure.iter().map(running).collect(),
            pairs: counts
                .iter()
                .copied()
                .zip(exposure.iter().copied())
                .collect(),
            counts: counts.to_vec(),
            exposure: exposure.to_vec(),
        }
    }

    fn draw(&mut self, random: &mut Random) -> (&[u64], &[f64]) {
        match self.resampling {
            Resampling::Poisson => {
                self.counts.fill(0);
                let total = self.cumulative.last().copied().unwrap_or(0.0);
                for _ in 0..self.events {
                    let point = random.uniform() * total;
                    let period = self.cumulative.partition_point(|&edge| edge <= point);
                    if let Some(count) = self.counts.get_mut(period) {
                        *count += 1;
                    }
                }
            }
            Resampling::Permutation => {
                random.shuffle(&mut self.pairs);
                for ((count, time), pair) in self
                    .counts
                    .iter_mut()
                    .zip(&mut self.exposure)
                    .zip(&self.pairs)
                {
                    (*count, *time) = *pair;
                }
            }
        }
        (&self.counts, &self.exposure)
    }
}

/// Posterior probability of each split under a uniform prior on its place and
/// independent `Gamma(shape, rate)` priors on the two rates (Carlin, Gelfand &
/// Smith 1992). Entry `i` is "the second regime starts with period `i + 1`".
///
/// A `rate` of total exposure over total events and a `shape` of 1 make a weak
/// prior in the units of the data.
///
/// # Errors
/// As [`poisson_split`], and [`Error::OutOfRange`] for prior parameters that are
/// not above 0.
pub fn split_posterior(
    counts: &[u64],
    exposure: &[f64],
    shape: f64,
    rate: f64,
) -> Result<Vec<f64>> {
    check(counts, exposure)?;
    at_least("periods", counts, 2)?;
    positive("prior shape", shape)?;
    positive("prior rate", rate)?;
    let events: f64 = counts.iter().map(|&c| c as f64).sum();
    let time: f64 = exposure.iter().sum();
    let marginal = |x: f64, t: f64| ln_gamma(shape + x) - (shape + x) * (rate + t).ln();
    let (mut x, mut t) = (0.0, 0.0);
    let logs: Vec<f64> = counts
        .iter()
        .zip(exposure)
        .take(counts.len() - 1)
        .map(|(&count, &period)| {
            x += count as f64;
            t += period;
            marginal(x, t) + marginal(events - x, (time - t).max(0.0))
        })
        .collect();
    let total = ln_sum_exp(logs.iter().copied());
    Ok(logs.into_iter().map(|log| (log - total).exp()).collect())
}

/// Shortest run of splits that holds at least `probability` of a
/// [`split_posterior`], as the first and last start of the second regime.
///
/// # Errors
/// [`Error::TooFew`] for an empty posterior, [`Error::OutOfRange`] unless
/// `0 < probability < 1`.
pub fn credible_range(posterior: &[f64], probability: f64) -> Result<(usize, usize)> {
    at_least("posterior", posterior, 1)?;
    open_unit("probability", probability)?;
    let wanted = probability * posterior.iter().sum::<f64>();
    let (mut from, mut inside) = (0, 0.0);
    let mut best = (0, posterior.len() - 1);
    let mut leaving = posterior.iter();
    for (to, mass) in posterior.iter().enumerate() {
        inside += mass;
        while inside >= wanted {
            if to - from < best.1 - best.0 {
                best = (from, to);
            }
            inside -= leaving.next().copied().unwrap_or(0.0);
            from += 1;
        }
    }
    Ok((best.0 + 1, best.1 + 1))
}
