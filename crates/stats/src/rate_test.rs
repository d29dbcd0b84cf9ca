//! Tests of the ratio of two Poisson rates (Gu, Ng, Tang & Schucany 2008,
//! *Testing the Ratio of Two Poisson Rates*, Biometrical Journal 50).

use crate::error::{Error, Result, positive};
use crate::rate_ratio::{exact_test, first_where};
use crate::special::{normal_cdf, normal_two_sided, poisson_pmf, poisson_tails};
use crate::types::{Alternative, Counted};

/// Which test to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// z with variances from the two arms.
    Wald,
    /// z with variances under the null hypothesis.
    Score,
    /// z of variance-stabilised square roots (Huffman 1984).
    SquareRoot,
    /// Binomial test given the total; never exceeds its level.
    ExactConditional,
    /// The conditional test with half of the observed outcome.
    MidP,
    /// Exact distribution of the score statistic with the nuisance rate put at
    /// its estimate (Krishnamoorthy & Thomson 2004, as modified by Gu et al.).
    ETest,
}

/// Outcome of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestResult {
    /// The z statistic; absent for the conditional tests.
    pub statistic: Option<f64>,
    /// p-value for the alternative asked for.
    pub p_value: f64,
}

/// Largest expected count for which the E-test enumerates outcomes.
const ETEST_LIMIT: f64 = 1e5;

/// Tests `rate1 / rate2 = null_ratio`.
///
/// Two-sided conditional p-values sum the outcomes no more likely than the
/// observed one (less half of its probability for [`Method::MidP`]); the
/// doubled mid-p is in [`exact_test`].
///
/// ```
/// use countersign_stats::{Alternative, Counted, rate_test};
/// let found = rate_test::test(
///     rate_test::Method::ETest,
///     Counted::new(60, 51477.5)?,
///     Counted::new(30, 54308.7)?,
///     1.0,
///     Alternative::TwoSided,
/// )?;
/// assert!((found.p_value - 0.000567262).abs() < 1e-9);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::OutOfRange`] for a null ratio that is not finite and above 0;
/// [`Error::Undetermined`] when a z statistic does not exist because there are
/// no events; [`Error::TooLarge`] for an E-test with an expected count above
/// 100,000.
pub fn test(
    method: Method,
    first: Counted,
    second: Counted,
    null_ratio: f64,
    alternative: Alternative,
) -> Result<TestResult> {
    let null_ratio = positive("null ratio", null_ratio)?;
    // expected ratio of the two counts under the null hypothesis
    let odds = null_ratio * first.exposure() / second.exposure();
    let (x, y) = (first.count(), second.count());
    match method {
        Method::ExactConditional | Method::MidP => {
            let exact = exact_test(first, second, null_ratio)?;
            let halved = if method == Method::MidP {
                0.5 * exact.point
            } else {
                0.0
            };
            Ok(TestResult {
                statistic: None,
                p_value: exact.p(alternative) - halved,
            })
        }
        Method::SquareRoot => {
            let z = 2.0 * ((x + 0.375).sqrt() - ((y + 0.375) * odds).sqrt()) / (1.0 + odds).sqrt();
            Ok(normal_result(z, alternative))
        }
        Method::Wald | Method::Score | Method::ETest if x + y == 0.0 => Err(Error::Undetermined {
            what: "the test statistic",
            why: "neither arm has an event",
        }),
        Method::Wald => Ok(normal_result(
            (x - y * odds) / (x + y * odds * odds).sqrt(),
            alternative,
        )),
        Method::Score => Ok(normal_result(score(x, y, odds), alternative)),
        Method::ETest => e_test(x, y, odds, alternative),
    }
}

fn score(x: f64, y: f64, odds: f64) -> f64 {
    if x + y == 0.0 {
        0.0
    } else {
        (x - y * odds) / ((x + y) * odds).sqrt()
    }
}

fn normal_result(z: f64, alternative: Alternative) -> TestResult {
    let p_value = match alternative {
        Alternative::TwoSided => normal_two_sided(z),
        Alternative::Greater => normal_cdf(-z),
        Alternative::Less => normal_cdf(z),
    };
    TestResult {
        statistic: Some(z),
        p_value,
    }
}

/// Sums the probability of all pairs of counts at least as extreme; for each
/// first count the extreme second counts form tails, found by bisection because
/// the score falls as the second count grows.
fn e_test(x: f64, y: f64, odds: f64, alternative: Alternative) -> Result<TestResult> {
    let mean_second = (x + y) / (1.0 + odds);
    let mean_first = mean_second * odds;
    if mean_first.max(mean_second) > ETEST_LIMIT {
        return Err(Error::TooLarge {
            what: "expected count of the e-test",
            found: mean_first.max(mean_second) as u64,
            limit: ETEST_LIMIT as u64,
        });
    }
    let z = score(x, y, odds);
    let edge = match alternative {
        Alternative::TwoSided => z.abs(),
        Alternative::Greater | Alternative::Less => z,
    } - 1e-12 * (1.0 + z.abs());
    let lower_edge = match alternative {
        Alternative::Less => z + 1e-12 * (1.0 + z.abs()),
        Alternative::TwoSided | Alternative::Greater => -edge,
    };
    let spread = 12.0 * mean_first.sqrt() + 30.0;
    let from = (mean_first - spread).max(0.0).floor();
    let far = (mean_second + 12.0 * mean_second.sqrt() + 30.0).ceil();
    let mut total = 0.0;
    let mut first = from;
    while first <= mean_first + spread {
        let mut tail = 0.0;
        if alternative != Alternative::Less {
            let stop = first_where(0.0, far, |y| score(first, y, odds) < edge);
            tail += if stop > 0.0 {
                poisson_tails(stop - 1.0, mean_second).lower
            } else {
                0.0
            };
        }
        if alternative != Alternative::Greater {
            let start = first_where(0.0, far, |y| score(first, y, odds) <= lower_edge);
            tail += if start < far {
                poisson_tails(start, mean_second).upper
            } else {
                0.0
            };
        }
        total += poisson_pmf(first, mean_first) * tail.min(1.0);
        first += 1.0;
    }
    Ok(TestResult {
        statistic: Some(z),
        p_value: total.min(1.0),
    })
}
