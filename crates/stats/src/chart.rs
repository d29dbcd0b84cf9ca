//! Control charts for rare events, on the gaps between them instead of on
//! counts per week that are mostly zero.

use crate::error::{Error, Result, at_least, every, open_unit};

/// How far a gap may go before it counts as a signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limits {
    /// Three standard deviations around the centre, the convention; the lower
    /// limit is then 0 and events in quick succession never signal.
    ThreeSigma,
    /// Limits that a stable process passes with this probability on each side,
    /// 0.00135 for the usual "three sigma" rate.
    Probability(f64),
}

/// A chart with its signals.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Centre line, in the units of the gaps.
    pub centre: f64,
    /// Lower limit: shorter gaps mean that events come too close.
    pub lower: f64,
    /// Upper limit: longer gaps mean that events have become rarer.
    pub upper: f64,
    /// Zero-based positions of gaps below the lower limit.
    pub too_close: Vec<usize>,
    /// Zero-based positions of gaps above the upper limit.
    pub rarer: Vec<usize>,
}

impl Chart {
    fn judge(gaps: &[f64], centre: f64, lower: f64, upper: f64) -> Self {
        let positions = |test: &dyn Fn(f64) -> bool| {
            gaps.iter()
                .enumerate()
                .filter(|(_, g)| test(**g))
                .map(|(i, _)| i)
                .collect()
        };
        Self {
            centre,
            lower,
            upper,
            too_close: positions(&|g| g < lower),
            rarer: positions(&|g| g > upper),
        }
    }
}

/// The g chart: numbers of safe changes between incidents, geometric while the
/// process is stable (Benneyan 2001, *Number-between g-type statistical quality
/// control charts*). The first `baseline` gaps set the limits.
///
/// ```
/// use countersign_stats::chart::{Limits, g_chart};
/// let safe_changes_between = [120, 80, 150, 95, 110, 130, 1, 0, 2];
/// let chart = g_chart(&safe_changes_between, 6, Limits::Probability(0.02))?;
/// assert_eq!(chart.too_close, [6, 7]);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooFew`] below two baseline gaps; [`Error::OutOfRange`] for a limit
/// probability outside (0, 1); [`Error::Undetermined`] when all baseline gaps
/// are 0.
pub fn g_chart(gaps: &[u64], baseline: usize, limits: Limits) -> Result<Chart> {
    let gaps: Vec<f64> = gaps.iter().map(|&g| g as f64).collect();
    let mean = baseline_mean(&gaps, baseline)?;
    let (lower, upper) = match limits {
        Limits::ThreeSigma => {
            let spread = 3.0 * (mean * (mean + 1.0)).sqrt();
            ((mean - spread).max(0.0), mean + spread)
        }
        Limits::Probability(tail) => {
            open_unit("limit probability", tail)?;
            // P(gap >= g) = q^g with q the chance that a change is safe
            let log_safe = -libm::log1p(1.0 / mean);
            let lower = (libm::log1p(-tail) / log_safe).floor();
            (lower, (tail.ln() / log_safe).ceil() - 1.0)
        }
    };
    Ok(Chart::judge(&gaps, mean, lower, upper))
}

/// The t chart: times between incidents, exponential while the process is
/// stable. With [`Limits::ThreeSigma`] the gaps are made nearly normal by the
/// power 1/3.6 and judged by their moving range (Nelson 1994, *A control chart
/// for parts-per-million nonconforming items*); otherwise the limits are
/// quantiles of the exponential distribution. The first `baseline` gaps set the
/// limits.
///
/// # Errors
/// As [`g_chart`]; [`Error::BadElement`] for a time below 0.
pub fn t_chart(gaps: &[f64], baseline: usize, limits: Limits) -> Result<Chart> {
    every(
        "times between events",
        gaps,
        "a finite number of at least 0",
        |g| g.is_finite() && g >= 0.0,
    )?;
    let mean = baseline_mean(gaps, baseline)?;
    match limits {
        Limits::Probability(tail) => {
            open_unit("limit probability", tail)?;
            let lower = -mean * libm::log1p(-tail);
            Ok(Chart::judge(
                gaps,
                mean * std::f64::consts::LN_2,
                lower,
                -mean * tail.ln(),
            ))
        }
        Limits::ThreeSigma => {
            let scores: Vec<f64> = gaps
                .iter()
                .take(baseline)
                .map(|g| g.powf(1.0 / 3.6))
                .collect();
            let centre = scores.iter().sum::<f64>() / scores.len() as f64;
            let ranges = scores
                .iter()
                .zip(scores.iter().skip(1))
                .map(|(a, b)| (a - b).abs());
            // three sigma from the mean moving range: 3 / 1.128
            let half = 3.0 / 1.128 * ranges.sum::<f64>() / (scores.len() as f64 - 1.0);
            let back = |score: f64| score.max(0.0).powf(3.6);
            Ok(Chart::judge(
                gaps,
                back(centre),
                back(centre - half),
                back(centre + half),
            ))
        }
    }
}

fn baseline_mean(gaps: &[f64], baseline: usize) -> Result<f64> {
    if baseline < 2 {
        return Err(Error::TooFew {
            what: "baseline gaps",
            found: baseline,
            needed: 2,
        });
    }
    at_least("gaps", gaps, baseline)?;
    let mean = gaps.iter().take(baseline).sum::<f64>() / baseline as f64;
    if mean > 0.0 {
        Ok(mean)
    } else {
        Err(Error::Undetermined {
            what: "the chart",
            why: "all baseline gaps are zero",
        })
    }
}
