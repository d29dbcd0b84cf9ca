//! Is the share of incidents that involve something larger than the share of
//! exposure that does? Beta-binomial mixtures (Robbins 1970; Lindon & Malek
//! 2022 for counts).

use crate::error::{Error, Result, at_most, open_unit, positive};
use crate::proportion::check;
use crate::roots::brent;
use crate::special::ln_beta;
use crate::types::{Confidence, Interval, MAX_COUNT};

/// E-value of `successes` in `trials` against a fixed share, with a
/// `Beta(a, b)` mixture as the alternative:
/// `B(a+x, b+n-x) / (B(a,b) p0^x (1-p0)^(n-x))`.
///
/// `a = b = 0.5` is a good default.
///
/// ```
/// use countersign_stats::sequential::e_value;
/// assert!((e_value(8, 10, 0.3, 0.5, 0.5)? - 50.90392).abs() < 1e-5);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::OutOfRange`] for more successes than trials, a null share outside
/// (0, 1) or mixture parameters that are not above 0; [`Error::TooLarge`] above
/// [`MAX_COUNT`] trials.
pub fn e_value(successes: u64, trials: u64, null_share: f64, a: f64, b: f64) -> Result<f64> {
    let mut process = ShareProcess::new(a, b)?;
    process.observe(successes, trials, null_share)?;
    Ok(process.e_value())
}

/// An e-process for "the next incident involves it with probability equal to
/// this week's share of exposure".
///
/// The null share may differ from week to week: every look multiplies in its
/// own predictive factor, and the share must be fixed by exposure, not by the
/// incidents of the same week.
///
/// ```
/// use countersign_stats::sequential::ShareProcess;
/// let mut process = ShareProcess::new(0.5, 0.5)?;
/// for (involved, incidents, share_of_changes) in [(2, 3, 0.30), (2, 4, 0.35), (3, 4, 0.40)] {
///     process.observe(involved, incidents, share_of_changes)?;
/// }
/// assert!(process.e_value() > 1.0 && process.e_value() < 20.0); // not yet
/// # Ok::<(), countersign_stats::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareProcess {
    a: f64,
    b: f64,
    log_e: f64,
    log_peak: f64,
    trials: u64,
}

impl ShareProcess {
    /// A fresh process with a `Beta(a, b)` mixture.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless both are finite and above 0.
    pub fn new(a: f64, b: f64) -> Result<Self> {
        Ok(Self {
            a: positive("mixture parameter a", a)?,
            b: positive("mixture parameter b", b)?,
            log_e: 0.0,
            log_peak: 0.0,
            trials: 0,
        })
    }

    /// Takes in one look: `involved` of `total` incidents while the share of
    /// exposure was `null_share`. A look without incidents changes nothing.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for more involved than total or a share outside
    /// (0, 1); [`Error::TooLarge`] above [`MAX_COUNT`] incidents in all. The
    /// process is unchanged after an error.
    pub fn observe(&mut self, involved: u64, total: u64, null_share: f64) -> Result<()> {
        open_unit("null share", null_share)?;
        if involved > total {
            return Err(Error::OutOfRange {
                what: "number of involved incidents",
                value: involved as f64,
                expected: "at most the number of incidents",
            });
        }
        at_most(
            "number of incidents",
            self.trials.saturating_add(total),
            MAX_COUNT,
        )?;
        let (x, misses) = (involved as f64, (total - involved) as f64);
        self.log_e += ln_beta(self.a + x, self.b + misses)
            - ln_beta(self.a, self.b)
            - x * null_share.ln()
            - misses * libm::log1p(-null_share);
        self.a += x;
        self.b += misses;
        self.trials += total;
        self.log_peak = self.log_peak.max(self.log_e);
        Ok(())
    }

    /// Evidence now; 20 or more is an alarm at 5 %.
    #[must_use]
    pub fn e_value(&self) -> f64 {
        self.log_e.exp()
    }

    /// Natural logarithm of the evidence; does not overflow.
    #[must_use]
    pub fn log_e_value(&self) -> f64 {
        self.log_e
    }

    /// p-value that stays valid at any time: one over the highest evidence so
    /// far.
    #[must_use]
    pub fn anytime_p_value(&self) -> f64 {
        (-self.log_peak).exp().min(1.0)
    }
}

/// Confidence sequence for a constant share: the shares that the beta-binomial
/// e-value does not reject. Covers the true share at all looks at once with the
/// stated confidence.
///
/// # Errors
/// As [`e_value`]; zero trials give the whole of [0, 1].
pub fn share_interval(
    successes: u64,
    trials: u64,
    confidence: Confidence,
    a: f64,
    b: f64,
) -> Result<Interval> {
    positive("mixture parameter a", a)?;
    positive("mixture parameter b", b)?;
    if trials == 0 && successes == 0 {
        return Ok(Interval::new(0.0, 1.0));
    }
    check(successes, trials)?;
    let (x, misses) = (successes as f64, (trials - successes) as f64);
    let mixture = ln_beta(a + x, b + misses) - ln_beta(a, b);
    let limit = -confidence.alpha().ln();
    // on the logit scale neither end loses digits
    let gap = |u: f64| {
        let (ln_p, ln_q) = (-libm::log1p((-u).exp()), -libm::log1p(u.exp()));
        mixture - x * ln_p - misses * ln_q - limit
    };
    let centre = ((x + 0.5) / (misses + 0.5)).ln();
    let share = |u: f64| 1.0 / (1.0 + (-u).exp());
    let low = if successes == 0 {
        0.0
    } else {
        share(brent(gap, -500.0, centre))
    };
    let high = if successes == trials {
        1.0
    } else {
        share(brent(gap, centre, 500.0))
    };
    Ok(Interval::new(low, high))
}
