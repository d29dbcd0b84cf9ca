//! Odds ratios over 2×2 tables.

use super::Adjusted;
use crate::error::{Error, Result, at_least, at_most};
use crate::special::chi_square_upper;
use crate::types::{Confidence, Estimate, Interval, MAX_COUNT};

/// One stratum: an exposed and an unexposed arm, each split by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoByTwo {
    /// First arm, outcome happened.
    pub first_yes: u64,
    /// First arm, outcome did not happen.
    pub first_no: u64,
    /// Second arm, outcome happened.
    pub second_yes: u64,
    /// Second arm, outcome did not happen.
    pub second_no: u64,
}

impl TwoByTwo {
    fn cells(self) -> [f64; 4] {
        [
            self.first_yes,
            self.first_no,
            self.second_yes,
            self.second_no,
        ]
        .map(|n| n as f64)
    }

    fn total(self) -> f64 {
        self.cells().iter().sum()
    }
}

/// A chi-square test with its degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OddsTest {
    /// Chi-square statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// p-value.
    pub p_value: f64,
}

impl OddsTest {
    fn new(statistic: f64, df: f64) -> Self {
        Self {
            statistic,
            df,
            p_value: chi_square_upper(statistic, df),
        }
    }
}

/// Everything about a stratified odds ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OddsAnalysis {
    /// Crude and Mantel–Haenszel odds ratio; the interval is that of Robins,
    /// Breslow & Greenland 1986.
    pub ratio: Adjusted,
    /// Cochran–Mantel–Haenszel test with continuity correction.
    pub cmh_corrected: OddsTest,
    /// The same without correction.
    pub cmh: OddsTest,
    /// Breslow–Day test that all strata share one odds ratio.
    pub breslow_day: OddsTest,
    /// Breslow–Day with Tarone's (1985) correction.
    pub tarone: OddsTest,
}

/// Mantel–Haenszel analysis of 2×2 tables (Mantel & Haenszel 1959; the same
/// numbers as R `mantelhaen.test` and statsmodels `StratifiedTable`).
///
/// ```
/// use countersign_stats::Confidence;
/// use countersign_stats::stratified::{TwoByTwo, odds_ratio};
/// let table = |first_yes, first_no, second_yes, second_no| {
///     TwoByTwo { first_yes, first_no, second_yes, second_no }
/// };
/// // risky repairs go to the first arm; within each kind it does better
/// let strata = [table(10, 990, 3, 97), table(30, 70, 400, 600)];
/// let found = odds_ratio(&strata, Confidence::P95)?;
/// assert!(found.ratio.adjusted.value < 1.0);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] without strata; [`Error::TooLarge`] for cells above
/// [`MAX_COUNT`]; [`Error::Undetermined`] when no stratum has both outcomes in
/// a way that fixes a finite ratio.
pub fn odds_ratio(strata: &[TwoByTwo], confidence: Confidence) -> Result<OddsAnalysis> {
    at_least("strata", strata, 1)?;
    for cell in strata
        .iter()
        .flat_map(|s| [s.first_yes, s.first_no, s.second_yes, s.second_no])
    {
        at_most("cell count", cell, MAX_COUNT)?;
    }
    let used: Vec<TwoByTwo> = strata.iter().copied().filter(informative).collect();
    let (r, s) = used.iter().fold((0.0, 0.0), |(r, s), table| {
        let [a, b, c, d] = table.cells();
        (r + a * d / table.total(), s + b * c / table.total())
    });
    if r == 0.0 || s == 0.0 {
        return Err(Error::Undetermined {
            what: "the stratified odds ratio",
            why: "no stratum, or only one side, has discordant cells",
        });
    }
    let value = r / s;
    let sd = robins_breslow_greenland(&used, r, s).sqrt();
    let interval = Interval::new(-1.0, 1.0).map(|sign| value * (sign * confidence.z() * sd).exp());
    let (breslow_day, tarone) = homogeneity(&used, value);
    Ok(OddsAnalysis {
        ratio: Adjusted {
            crude: crude(strata),
            adjusted: Estimate { value, interval },
            informative_strata: used.len(),
        },
        cmh_corrected: cochran(&used, 0.5),
        cmh: cochran(&used, 0.0),
        breslow_day,
        tarone,
    })
}

/// A stratum with an empty row or column says nothing about the ratio.
fn informative(table: &TwoByTwo) -> bool {
    let [a, b, c, d] = table.cells();
    a + b > 0.0 && c + d > 0.0 && a + c > 0.0 && b + d > 0.0
}

fn crude(strata: &[TwoByTwo]) -> f64 {
    let [a, b, c, d] = strata.iter().fold([0.0; 4], |sum, table| {
        let mut cells = table.cells();
        cells.iter_mut().zip(sum).for_each(|(cell, s)| *cell += s);
        cells
    });
    a * d / (b * c)
}

/// Variance of the log odds ratio.
fn robins_breslow_greenland(strata: &[TwoByTwo], r: f64, s: f64) -> f64 {
    let (mut pr, mut mixed, mut qs) = (0.0, 0.0, 0.0);
    for table in strata {
        let [a, b, c, d] = table.cells();
        let n = table.total();
        let (p, q) = ((a + d) / n, (b + c) / n);
        let (ri, si) = (a * d / n, b * c / n);
        pr += p * ri;
        mixed += p * si + q * ri;
        qs += q * si;
    }
    pr / (2.0 * r * r) + mixed / (2.0 * r * s) + qs / (2.0 * s * s)
}

fn cochran(strata: &[TwoByTwo], correction: f64) -> OddsTest {
    let (mut gap, mut variance) = (0.0, 0.0);
    for table in strata {
        let [a, b, c, d] = table.cells();
        let n = table.total();
        gap += a - (a + b) * (a + c) / n;
        variance += (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1.0).max(1.0));
    }
    // the correction may close the gap but never push it past zero
    let gap = (gap.abs() - correction.min(gap.abs())).max(0.0);
    OddsTest::new(gap * gap / variance, 1.0)
}

/// Breslow–Day and Tarone statistics around the common ratio.
fn homogeneity(strata: &[TwoByTwo], ratio: f64) -> (OddsTest, OddsTest) {
    let (mut chi, mut gap, mut total_variance) = (0.0, 0.0, 0.0);
    for table in strata {
        let [a, b, c, d] = table.cells();
        let expected = expected_cell(a + b, c + d, a + c, ratio);
        let variance = 1.0
            / (1.0 / expected
                + 1.0 / (a + b - expected)
                + 1.0 / (a + c - expected)
                + 1.0 / (c + d - (a + c) + expected));
        chi += (a - expected).powi(2) / variance;
        gap += a - expected;
        total_variance += variance;
    }
    let df = strata.len() as f64 - 1.0;
    (
        OddsTest::new(chi, df),
        OddsTest::new(chi - gap * gap / total_variance, df),
    )
}

/// First cell of a table with the given margins and odds ratio: the root of a
/// quadratic inside the margins, in the form that stays stable near ratio 1.
fn expected_cell(row1: f64, row2: f64, column1: f64, ratio: f64) -> f64 {
    let qa = 1.0 - ratio;
    let qb = row2 - column1 + ratio * (row1 + column1);
    let qc = -ratio * row1 * column1;
    let root = (qb * qb - 4.0 * qa * qc).max(0.0).sqrt();
    -2.0 * qc / (qb + root)
}
