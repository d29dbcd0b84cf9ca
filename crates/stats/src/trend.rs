//! Is the rate of events rising or falling? Tests on the event times.
//!
//! The NIST/SEMATECH e-Handbook of Statistical Methods, section 8.2.3.4, for
//! all three; MIL-HDBK-189 (1981) for the power law. "Rising" means that events
//! come faster as time goes on.

use crate::error::{Error, Result, at_least, at_most, every, positive};
use crate::order::tie_groups;
use crate::special::{
    Tail, chi_square_lower, chi_square_upper, gamma_quantile, normal_cdf, normal_two_sided,
};
use crate::types::{Confidence, Estimate, Interval};

/// How the observation ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Window {
    /// At a time fixed beforehand, measured from the start.
    Until(f64),
    /// With the last event itself.
    LastEvent,
}

/// Outcome of a trend test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendTest {
    /// z (Laplace), chi-square (MIL-HDBK-189) or the count of reversals.
    pub statistic: f64,
    /// p-value against a rising rate.
    pub p_rising: f64,
    /// p-value against a falling rate.
    pub p_falling: f64,
    /// p-value against either.
    pub p_two_sided: f64,
}

/// Laplace's test (Cox & Lewis 1966): best against a log-linear trend.
///
/// ```
/// use countersign_stats::trend::{Window, laplace};
/// let repairs = [5.0, 40.0, 43.0, 175.0, 389.0, 712.0, 747.0, 795.0, 1299.0, 1478.0];
/// let found = laplace(&repairs, Window::Until(1500.0))?;
/// assert!((found.statistic + 1.326949).abs() < 1e-6); // negative: falling
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] below two usable events; [`Error::BadElement`] for times
/// that are not above 0, not in order or past the end.
pub fn laplace(times: &[f64], window: Window) -> Result<TrendTest> {
    let (inside, end) = usable(times, window)?;
    let n = inside.len() as f64;
    let total: f64 = inside.iter().sum();
    let z = (total - n * end / 2.0) / (end * (n / 12.0).sqrt());
    Ok(TrendTest {
        statistic: z,
        p_rising: normal_cdf(-z),
        p_falling: normal_cdf(z),
        p_two_sided: normal_two_sided(z),
    })
}

/// Events up to which [`laplace_exact`] sums the distribution itself; beyond them
/// it is the normal one to three digits, and the sum would lose digits.
const EXACT_UP_TO: usize = 20;

/// [`laplace`] with exact p-values: given their number, events at a steady rate
/// lie anywhere in the window alike, and the sum of their places has the
/// distribution of Irwin (1927) and Hall (1927). Above 20 events the p-values are
/// those of the normal distribution.
///
/// ```
/// use countersign_stats::trend::{Window, laplace_exact};
/// let found = laplace_exact(&[7.0, 8.5, 9.7], Window::Until(10.0))?;
/// // all but 0.48 of the three places: 0.48³ / 3!
/// assert!((found.p_rising - 0.018432).abs() < 1e-12);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// As [`laplace`].
pub fn laplace_exact(times: &[f64], window: Window) -> Result<TrendTest> {
    let (inside, end) = usable(times, window)?;
    let approximate = laplace(times, window)?;
    if inside.len() > EXACT_UP_TO {
        return Ok(approximate);
    }
    let places: f64 = inside.iter().map(|t| t / end).sum();
    let p_falling = sum_of_uniforms_below(places, inside.len());
    let p_rising = sum_of_uniforms_below(inside.len() as f64 - places, inside.len());
    Ok(TrendTest {
        statistic: approximate.statistic,
        p_rising,
        p_falling,
        p_two_sided: (2.0 * p_rising.min(p_falling)).min(1.0),
    })
}

/// Probability that `n` uniform numbers between 0 and 1 add up to `x` or less.
fn sum_of_uniforms_below(x: f64, n: usize) -> f64 {
    let count = n as f64;
    if x > count / 2.0 {
        // the short tail: fewer terms of alternating sign
        return 1.0 - sum_of_uniforms_below(count - x, n);
    }
    let (mut sum, mut choose, mut k) = (0.0, 1.0, 0.0);
    while k <= x {
        // (x - k)^n / n! factor by factor, lest either overflow what the other divides
        let mut term = choose;
        for i in 1..=n {
            term *= (x - k) / i as f64;
        }
        sum += term;
        choose *= -(count - k) / (k + 1.0);
        k += 1.0;
    }
    sum.clamp(0.0, 1.0)
}

/// The MIL-HDBK-189 test: best against a power-law trend. The statistic
/// `2 Σ ln(T/t)` is chi-square with two degrees of freedom per event; large
/// values mean a falling rate.
///
/// # Errors
/// As [`laplace`].
pub fn mil_hdbk_189(times: &[f64], window: Window) -> Result<TrendTest> {
    let (inside, end) = usable(times, window)?;
    let statistic = 2.0 * log_sum(inside, end);
    let df = 2.0 * inside.len() as f64;
    let (p_rising, p_falling) = (
        chi_square_lower(statistic, df),
        chi_square_upper(statistic, df),
    );
    let p_two_sided = (2.0 * p_rising.min(p_falling)).min(1.0);
    Ok(TrendTest {
        statistic,
        p_rising,
        p_falling,
        p_two_sided,
    })
}

/// Power-law (Duane, Crow-AMSAA) growth of the expected number of events,
/// proportional to `time^shape`: above 1 events come faster and faster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    /// Maximum-likelihood shape with its exact interval.
    pub shape: Estimate,
    /// Shape corrected for bias.
    pub unbiased_shape: f64,
}

/// Fits the power law to event times.
///
/// # Errors
/// As [`laplace`]; [`Error::TooFew`] below three events observed up to the last.
pub fn power_law(times: &[f64], window: Window, confidence: Confidence) -> Result<PowerLaw> {
    let (inside, end) = usable(times, window)?;
    let needed = if window == Window::LastEvent { 3 } else { 2 };
    at_least("event times", times, needed)?;
    let (all, used) = (times.len() as f64, inside.len() as f64);
    let sum = log_sum(inside, end);
    let tail = confidence.alpha() / 2.0;
    // 2 shape Σ ln(T/t) is chi-square with two degrees of freedom per used event
    let interval = Interval::new(
        gamma_quantile(used, Tail::Lower(tail)) / sum,
        gamma_quantile(used, Tail::Upper(tail)) / sum,
    );
    let unbiased = if window == Window::LastEvent {
        all - 2.0
    } else {
        all - 1.0
    };
    Ok(PowerLaw {
        shape: Estimate {
            value: all / sum,
            interval,
        },
        unbiased_shape: unbiased / sum,
    })
}

fn log_sum(inside: &[f64], end: f64) -> f64 {
    inside.iter().map(|t| (end / t).ln()).sum()
}

/// The events strictly inside the window, and the end of the window.
fn usable(times: &[f64], window: Window) -> Result<(&[f64], f64)> {
    at_least("event times", times, 2)?;
    every("event times", times, "a finite number above 0", |t| {
        t.is_finite() && t > 0.0
    })?;
    if let Some(position) = times
        .iter()
        .zip(times.iter().skip(1))
        .position(|(a, b)| a > b)
    {
        return Err(Error::BadElement {
            what: "event times",
            position: position + 1,
            value: times.get(position + 1).copied().unwrap_or(f64::NAN),
            expected: "times in ascending order",
        });
    }
    match (window, times.split_last()) {
        (Window::Until(end), _) => {
            positive("end of observation", end)?;
            every(
                "event times",
                times,
                "times up to the end of observation",
                |t| t <= end,
            )?;
            if times.iter().all(|&t| t == end) {
                return Err(same_time());
            }
            Ok((times, end))
        }
        (Window::LastEvent, Some((&last, inside))) => {
            at_least("event times", times, 3)?;
            if inside.iter().all(|&t| t == last) {
                return Err(same_time());
            }
            Ok((inside, last))
        }
        (Window::LastEvent, None) => Err(Error::TooFew {
            what: "event times",
            found: 0,
            needed: 3,
        }),
    }
}

fn same_time() -> Error {
    Error::Undetermined {
        what: "the trend",
        why: "all events fall on the end of observation",
    }
}

/// Longest list of gaps for which the exact distribution is computed.
const EXACT_GAPS: usize = 80;
/// Longest list of gaps accepted.
const MAX_GAPS: usize = 20_000;

/// The reverse arrangements test on the gaps between events: it counts the
/// pairs in which the later gap is longer. Many such pairs mean a falling rate. Free of any assumption about the shape of the trend.
///
/// Exact for up to 80 gaps without ties, otherwise normal with tie and
/// continuity corrections (a pair of equal gaps then counts one half).
///
/// # Errors
/// [`Error::TooFew`] below four gaps, [`Error::TooLarge`] above 20,000,
/// [`Error::BadElement`] for a gap below 0; [`Error::Undetermined`] when all
/// gaps are equal.
pub fn reverse_arrangements(gaps: &[f64]) -> Result<TrendTest> {
    at_least("gaps", gaps, 4)?;
    at_most("number of gaps", gaps.len() as u64, MAX_GAPS as u64)?;
    every("gaps", gaps, "a finite number of at least 0", |g| {
        g.is_finite() && g >= 0.0
    })?;
    let (mut reversals, mut equal) = (0.0, 0.0);
    for (i, earlier) in gaps.iter().enumerate() {
        for later in gaps.iter().skip(i + 1) {
            if later > earlier {
                reversals += 1.0;
            } else if later == earlier {
                equal += 1.0;
            }
        }
    }
    let ties = tie_groups(gaps);
    let (p_rising, p_falling) = if ties.is_empty() && gaps.len() <= EXACT_GAPS {
        exact_reversals(gaps.len(), reversals)
    } else {
        normal_reversals(gaps.len(), &ties, reversals + 0.5 * equal)?
    };
    Ok(TrendTest {
        statistic: reversals,
        p_rising,
        p_falling,
        p_two_sided: (2.0 * p_rising.min(p_falling)).min(1.0),
    })
}

/// P(R <= r) and P(R >= r) for a random order: the k-th element adds a uniform
/// number of reversals between 0 and k-1.
fn exact_reversals(n: usize, reversals: f64) -> (f64, f64) {
    let mut chances = vec![1.0];
    for k in 2..=n {
        let mut next = vec![0.0; chances.len() + k - 1];
        for (i, chance) in chances.iter().enumerate() {
            for cell in next.iter_mut().skip(i).take(k) {
                *cell += chance / k as f64;
            }
        }
        chances = next;
    }
    let tail = |keep: &dyn Fn(f64) -> bool| -> f64 {
        let inside = chances.iter().enumerate().filter(|(r, _)| keep(*r as f64));
        inside.map(|(_, chance)| chance).sum::<f64>().min(1.0)
    };
    (tail(&|r| r <= reversals), tail(&|r| r >= reversals))
}

fn normal_reversals(n: usize, ties: &[f64], reversals: f64) -> Result<(f64, f64)> {
    let n = n as f64;
    let spread = |m: f64| m * (m - 1.0) * (2.0 * m + 5.0);
    let variance = (spread(n) - ties.iter().map(|&t| spread(t)).sum::<f64>()) / 72.0;
    if variance <= 0.0 {
        return Err(Error::Undetermined {
            what: "the trend",
            why: "all gaps are equal",
        });
    }
    let gap = reversals - n * (n - 1.0) / 4.0;
    let z = |shifted: f64| shifted / variance.sqrt();
    Ok((normal_cdf(z(gap + 0.5)), normal_cdf(-z(gap - 0.5))))
}
