//! Is the rate in one arm higher than in the other? Mixture e-processes and
//! confidence sequences for a Poisson rate ratio.
//!
//! Given a week's total number of incidents, the number in the first arm is
//! binomial with odds `ratio * t1 / t0` for that week's exposures, whatever the
//! common level of risk that week: a bad week for everybody is no evidence.

use crate::error::{Error, Result, at_most, positive};
use crate::roots::{brent, solve_increasing};
use crate::special::ln_sum_exp;
use crate::types::{Alternative, Confidence, Counted, Interval};

/// Nodes of the mixture on each side of "no difference".
const NODES_PER_SIDE: i32 = 80;
/// How many standard deviations of the mixture the nodes reach.
const REACH: f64 = 4.0;
/// Longest history of looks.
const MAX_LOOKS: u64 = 100_000;
/// Bound on the log ratio in searches.
const FAR: f64 = 300.0;

/// Events and exposure of both arms in one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// The arm whose rate is the numerator.
    pub first: Counted,
    /// The arm whose rate is the denominator.
    pub second: Counted,
}

impl Look {
    /// Log-likelihood of a log ratio, given the period's total.
    fn log_likelihood(&self, log_ratio: f64) -> f64 {
        let log_odds = log_ratio + (self.first.exposure() / self.second.exposure()).ln();
        -self.first.count() * softplus(-log_odds) - self.second.count() * softplus(log_odds)
    }

    /// Events in the first arm less their expectation.
    fn surplus(&self, log_ratio: f64) -> f64 {
        let log_odds = log_ratio + (self.first.exposure() / self.second.exposure()).ln();
        let total = self.first.count() + self.second.count();
        self.first.count() - total / (1.0 + (-log_odds).exp())
    }
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p((-x.abs()).exp())
}

/// E-value of one look for a fixed alternative against a fixed null ratio: the
/// likelihood ratio. Products over looks are an e-process.
///
/// # Errors
/// [`Error::OutOfRange`] for ratios that are not finite and above 0.
pub fn fixed_ratio_e_value(look: &Look, null_ratio: f64, alternative_ratio: f64) -> Result<f64> {
    let null = positive("null ratio", null_ratio)?.ln();
    let alternative = positive("alternative ratio", alternative_ratio)?.ln();
    Ok((look.log_likelihood(alternative) - look.log_likelihood(null)).exp())
}

/// An e-process for "both arms have the same rate" with a normal mixture over
/// the log ratio, and the confidence sequence that belongs to it.
///
/// ```
/// use countersign_stats::sequential::{Look, RatioProcess};
/// use countersign_stats::{Alternative, Confidence, Counted};
/// let mut process = RatioProcess::new(0.7)?;
/// for week in 0..26 {
///     let first = Counted::new(3 + week % 2, 100.0)?;
///     let second = Counted::new(2, 150.0)?;
///     process.observe(Look { first, second })?;
/// }
/// assert!(process.e_value(Alternative::Greater) > 20.0);
/// let ratio = process.interval(Confidence::P95);
/// assert!(ratio.low > 1.0 && ratio.contains(3.5 / 100.0 / (2.0 / 150.0)));
/// # Ok::<(), countersign_stats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RatioProcess {
    nodes: Vec<Node>,
    looks: Vec<Look>,
    null: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    log_ratio: f64,
    log_weight: f64,
    log_likelihood: f64,
}

impl RatioProcess {
    /// A fresh process; `spread` is the standard deviation of the log ratio in
    /// the mixture. 0.7 expects ratios up to about 4 and still finds larger ones.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless `0.01 <= spread <= 10`.
    pub fn new(spread: f64) -> Result<Self> {
        if !(0.01..=10.0).contains(&spread) {
            return Err(Error::OutOfRange {
                what: "spread of the mixture",
                value: spread,
                expected: "a number from 0.01 to 10, such as 0.7",
            });
        }
        let log_weight = |z: f64| -0.5 * z * z;
        // midpoints: none lies on "no difference", so each belongs to one side
        let steps: Vec<f64> = (-NODES_PER_SIDE..NODES_PER_SIDE)
            .map(|k| (f64::from(k) + 0.5) * REACH / f64::from(NODES_PER_SIDE))
            .collect();
        let total = ln_sum_exp(steps.iter().map(|&z| log_weight(z)));
        let node = |&z: &f64| Node {
            log_ratio: z * spread,
            log_weight: log_weight(z) - total,
            log_likelihood: 0.0,
        };
        Ok(Self {
            nodes: steps.iter().map(node).collect(),
            looks: Vec::new(),
            null: 0.0,
        })
    }

    /// Takes in one look. A look without events changes nothing.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above 100,000 looks.
    pub fn observe(&mut self, look: Look) -> Result<()> {
        at_most("number of looks", self.looks.len() as u64 + 1, MAX_LOOKS)?;
        for node in &mut self.nodes {
            node.log_likelihood += look.log_likelihood(node.log_ratio);
        }
        self.null += look.log_likelihood(0.0);
        self.looks.push(look);
        Ok(())
    }

    /// Natural logarithm of the evidence against equal rates (or, one-sided,
    /// against a ratio at or on the other side of 1).
    #[must_use]
    pub fn log_e_value(&self, alternative: Alternative) -> f64 {
        // the weights are symmetric, so one side holds half of them
        let (side, share) = match alternative {
            Alternative::TwoSided => (0.0, 1.0f64),
            Alternative::Greater => (1.0, 0.5),
            Alternative::Less => (-1.0, 0.5),
        };
        let wanted = self.nodes.iter().filter(move |n| side * n.log_ratio >= 0.0);
        ln_sum_exp(wanted.map(|n| n.log_weight + n.log_likelihood)) - share.ln() - self.null
    }

    /// Evidence now; 20 or more is an alarm at 5 %.
    #[must_use]
    pub fn e_value(&self, alternative: Alternative) -> f64 {
        self.log_e_value(alternative).exp()
    }

    /// The ratios not rejected so far: covers the true ratio at all looks at
    /// once with the stated confidence. So does the intersection of the
    /// intervals of several looks.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let sum = |pick: fn(Counted, Counted) -> f64| -> f64 {
            self.looks.iter().map(|l| pick(l.first, l.second)).sum()
        };
        let (first, second) = (sum(|a, _| a.count()), sum(|_, b| b.count()));
        let mixture = ln_sum_exp(self.nodes.iter().map(|n| n.log_weight + n.log_likelihood));
        let limit = mixture + confidence.alpha().ln();
        let gap = |u: f64| limit - self.looks.iter().map(|l| l.log_likelihood(u)).sum::<f64>();
        let surplus = |u: f64| -self.looks.iter().map(|l| l.surplus(u)).sum::<f64>();
        let centre = solve_increasing(surplus, 0.0, FAR);
        let low = if first == 0.0 {
            0.0
        } else {
            brent(gap, -FAR, centre).exp()
        };
        let high = if second == 0.0 {
            f64::INFINITY
        } else {
            brent(gap, centre, FAR).exp()
        };
        Interval::new(low, high)
    }
}
