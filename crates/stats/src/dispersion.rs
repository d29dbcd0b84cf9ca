//! Do counts vary more than a Poisson process with one rate would?

use crate::error::{Error, Result, at_least, at_most, same_length};
use crate::special::{chi_square_lower, chi_square_upper};
use crate::types::{MAX_COUNT, check_exposures};

/// Outcome of the dispersion test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dispersion {
    /// Pearson chi-square around the common rate over its degrees of freedom: 1
    /// for Poisson counts. Poisson intervals are too narrow by its square root.
    pub index: f64,
    /// p-value against more variation than Poisson.
    pub p_over: f64,
    /// p-value against less variation than Poisson.
    pub p_under: f64,
}

/// Fisher's index of dispersion for counts over exposures.
///
/// ```
/// use countersign_stats::dispersion::dispersion;
/// let found = dispersion(&[2, 14, 3, 11, 1, 17], &[100.0; 6])?;
/// assert!(found.index > 5.0 && found.p_over < 0.001);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// Lengths that differ, fewer than two periods, an exposure not above 0, a
/// count above [`MAX_COUNT`]; [`Error::Undetermined`] without events.
pub fn dispersion(counts: &[u64], exposure: &[f64]) -> Result<Dispersion> {
    same_length("counts", counts, "exposures", exposure)?;
    at_least("periods", counts, 2)?;
    check_exposures(exposure)?;
    for &count in counts {
        at_most("count", count, MAX_COUNT)?;
    }
    let total: f64 = counts.iter().map(|&c| c as f64).sum();
    if total == 0.0 {
        return Err(Error::Undetermined {
            what: "the dispersion",
            why: "there are no events",
        });
    }
    let rate = total / exposure.iter().sum::<f64>();
    let statistic: f64 = counts
        .iter()
        .zip(exposure)
        .map(|(&c, t)| (c as f64 - rate * t).powi(2) / (rate * t))
        .sum();
    let df = counts.len() as f64 - 1.0;
    Ok(Dispersion {
        index: statistic / df,
        p_over: chi_square_upper(statistic, df),
        p_under: chi_square_lower(statistic, df),
    })
}
