//! Mantel–Haenszel estimates over strata: the adjusted answer beside the crude
//! one. Where the two lie on different sides of 1 the crude comparison misleads
//! (Simpson's paradox), and [`Adjusted::sign_flips`] says so.

mod odds;
mod rates;

pub use odds::{OddsAnalysis, OddsTest, TwoByTwo, odds_ratio};
pub use rates::{RateStratum, rate_ratio};

use crate::types::Estimate;

/// A crude ratio beside the one adjusted for the strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// Ratio of the pooled table, strata ignored.
    pub crude: f64,
    /// Mantel–Haenszel ratio with its interval.
    pub adjusted: Estimate,
    /// Strata that carry information; the rest have an empty arm or outcome.
    pub informative_strata: usize,
}

impl Adjusted {
    /// Whether crude and adjusted ratio lie on opposite sides of 1.
    #[must_use]
    pub fn sign_flips(&self) -> bool {
        self.crude.ln() * self.adjusted.value.ln() < 0.0
    }
}
