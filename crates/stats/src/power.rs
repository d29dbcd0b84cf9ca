//! What could have been seen: sample sizes, power and the smallest ratio that a
//! comparison would have found.

use crate::error::{Error, Result, open_unit, positive};
use crate::roots::{brent, solve_increasing};
use crate::special::{binomial_tails, normal_cdf, normal_quantile, poisson_pmf, poisson_tails};
use crate::types::Confidence;

/// Expected total above which the square-root approximation replaces the sum
/// over all outcomes.
const EXACT_UP_TO: f64 = 300.0;
/// Largest ratio looked for.
const LARGEST_RATIO: f64 = 1e4;

/// Changes needed in each arm to find `ratio` between two failure shares with
/// the given power, two-sided (Cohen 1988, arcsine effect size).
///
/// ```
/// use countersign_stats::{Confidence, power};
/// // 2 % of changes fail; to see half as many again:
/// let needed = power::changes_per_arm(0.02, 1.5, 0.8, Confidence::P95)?;
/// assert_eq!(needed.round(), 3788.0);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::OutOfRange`] for shares outside (0, 1), a ratio of 1 or a power that
/// does not exceed the error probability.
pub fn changes_per_arm(
    base_share: f64,
    ratio: f64,
    power: f64,
    confidence: Confidence,
) -> Result<f64> {
    let p0 = open_unit("base share", base_share)?;
    let p1 = open_unit(
        "base share times ratio",
        base_share * positive("ratio", ratio)?,
    )?;
    if ratio == 1.0 {
        return Err(Error::OutOfRange {
            what: "ratio",
            value: ratio,
            expected: "a ratio other than 1",
        });
    }
    check_power(power, confidence)?;
    let effect = 2.0 * (p1.sqrt().asin() - p0.sqrt().asin()).abs();
    // the far tail matters only for absurdly small samples, but it is cheap
    let reached = |n: f64| {
        let shift = effect * (n / 2.0).sqrt();
        normal_cdf(shift - confidence.z()) + normal_cdf(-shift - confidence.z()) - power
    };
    let start = 2.0 * ((confidence.z() + normal_quantile(power)) / effect).powi(2);
    Ok(solve_increasing(|u| reached(u.exp()), start.ln(), 100.0).exp())
}

/// Two arms before the fact: how much exposure each has (or will have) and the
/// rate expected in the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arms {
    /// Exposure of the first arm.
    pub first_exposure: f64,
    /// Exposure of the second arm.
    pub second_exposure: f64,
    /// Rate in the second arm, events per unit of exposure.
    pub base_rate: f64,
}

impl Arms {
    fn check(&self) -> Result<()> {
        positive("exposure of the first arm", self.first_exposure)?;
        positive("exposure of the second arm", self.second_exposure)?;
        positive("base rate", self.base_rate)?;
        Ok(())
    }
}

/// Probability that the exact two-sided comparison of two rates (the one behind
/// [`rate_ratio::exact_interval`](crate::rate_ratio::exact_interval)) finds a
/// difference when the true ratio is `ratio`.
///
/// Summed over all outcomes while fewer than 300 events are expected, by the
/// square-root approximation above.
///
/// # Errors
/// [`Error::OutOfRange`] for arms or a ratio that are not finite and above 0.
pub fn rate_ratio_power(arms: Arms, ratio: f64, confidence: Confidence) -> Result<f64> {
    arms.check()?;
    positive("ratio", ratio)?;
    let [up, down] = Rejection::new(arms, confidence).at(ratio);
    Ok((up + down).min(1.0))
}

/// The smallest change in each direction that a comparison finds with a given
/// power; `None` where no such change exists within a factor of 10,000.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detectable {
    /// Smallest ratio above 1.
    pub increase: Option<f64>,
    /// Largest ratio below 1.
    pub decrease: Option<f64>,
}

/// Minimum detectable ratio: what "no difference found" would have seen.
///
/// ```
/// use countersign_stats::{Confidence, power};
/// let arms = power::Arms { first_exposure: 500.0, second_exposure: 1500.0, base_rate: 0.01 };
/// let found = power::minimum_detectable_ratio(arms, 0.8, Confidence::P95)?;
/// // five incidents expected: only a tripling would have shown, a fall never
/// assert!(found.increase > Some(3.0) && found.decrease.is_none());
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::OutOfRange`] for arms that are not finite and above 0 or a power that
/// does not exceed the error probability.
pub fn minimum_detectable_ratio(
    arms: Arms,
    power: f64,
    confidence: Confidence,
) -> Result<Detectable> {
    arms.check()?;
    check_power(power, confidence)?;
    let limit = LARGEST_RATIO.ln();
    let rejection = Rejection::new(arms, confidence);
    let search = |sign: f64, side: fn([f64; 2]) -> f64| {
        let gap = |u: f64| side(rejection.at((sign * u).exp())) - power;
        (gap(limit) >= 0.0).then(|| {
            // climb in small steps to stay on the rising part
            let mut high = 0.05;
            while high < limit && gap(high) < 0.0 {
                high = (high * 1.5_f64).min(limit);
            }
            (sign * brent(gap, 0.0, high)).exp()
        })
    };
    Ok(Detectable {
        increase: search(1.0, |[up, _]| up),
        decrease: search(-1.0, |[_, down]| down),
    })
}

fn check_power(power: f64, confidence: Confidence) -> Result<()> {
    open_unit("power", power)?;
    if power <= confidence.alpha() {
        return Err(Error::OutOfRange {
            what: "power",
            value: power,
            expected: "a power above the error probability of the test",
        });
    }
    Ok(())
}

/// Chances to call the first arm higher, and lower, as a function of the ratio.
///
/// The first count calls "higher" while the second is at most some edge, and
/// "lower" from another edge on. The chances of the second count passing these
/// edges do not depend on the ratio, so they are tabled once.
struct Rejection {
    arms: Arms,
    z: f64,
    /// By first count: chance that the second count makes it "higher", "lower".
    table: Vec<[f64; 2]>,
}

impl Rejection {
    fn new(arms: Arms, confidence: Confidence) -> Self {
        let mean = arms.base_rate * arms.second_exposure;
        let z = confidence.z();
        if mean > EXACT_UP_TO {
            return Self {
                arms,
                z,
                table: Vec::new(),
            };
        }
        let time = arms.first_exposure + arms.second_exposure;
        let (p, q) = (arms.first_exposure / time, arms.second_exposure / time);
        let tail = confidence.alpha() / 2.0;
        let is_higher = |x: f64, y: f64| binomial_tails(x, x + y, p, q).upper <= tail;
        let is_lower = |x: f64, y: f64| binomial_tails(x, x + y, p, q).lower <= tail;
        let last = reach(EXACT_UP_TO);
        // one past the largest second count called "higher"; smallest "lower"
        let (mut higher, mut lower) = (0.0, 0.0);
        let mut table = Vec::with_capacity(last as usize + 1);
        let mut x = 0.0;
        while x <= last {
            while higher <= last && is_higher(x, higher) {
                higher += 1.0;
            }
            while lower <= last && !is_lower(x, lower) {
                lower += 1.0;
            }
            let up = if higher > 0.0 {
                poisson_tails(higher - 1.0, mean).lower
            } else {
                0.0
            };
            let down = if lower <= last {
                poisson_tails(lower, mean).upper
            } else {
                0.0
            };
            table.push([up, down]);
            x += 1.0;
        }
        Self { arms, z, table }
    }

    fn at(&self, ratio: f64) -> [f64; 2] {
        let first = self.arms.base_rate * ratio * self.arms.first_exposure;
        let second = self.arms.base_rate * self.arms.second_exposure;
        if first + second > EXACT_UP_TO {
            let spread = (1.0 / self.arms.first_exposure + 1.0 / self.arms.second_exposure).sqrt();
            let shift = 2.0 * self.arms.base_rate.sqrt() * (ratio.sqrt() - 1.0) / spread;
            return [normal_cdf(shift - self.z), normal_cdf(-shift - self.z)];
        }
        let from = (2.0 * first - reach(first)).max(0.0).floor();
        let mut x = from;
        let mut chances = [0.0, 0.0];
        for [up, down] in self.table.iter().skip(from as usize) {
            if x > reach(first) {
                break;
            }
            let weight = poisson_pmf(x, first);
            let [higher, lower] = &mut chances;
            *higher += weight * up;
            *lower += weight * down;
            x += 1.0;
        }
        chances
    }
}

/// A count that a Poisson variable practically never exceeds.
fn reach(mean: f64) -> f64 {
    (mean + 9.0 * mean.sqrt() + 12.0).ceil()
}
