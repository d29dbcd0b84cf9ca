//! The few types that every method shares.

use crate::error::{Error, Result, at_most, every};
use crate::special::normal_quantile;

/// The largest event count accepted anywhere; keeps the incomplete gamma and
/// beta functions within bounded work.
pub const MAX_COUNT: u64 = 1_000_000_000;

/// Exposures accepted: wide enough for any unit, narrow enough that no product
/// or sum of them overflows.
const EXPOSURES: std::ops::RangeInclusive<f64> = 1e-12..=1e18;
const EXPOSURE_RANGE: &str = "a number from 1e-12 to 1e18";

/// Checks one exposure.
pub(crate) fn check_exposure(value: f64) -> Result<f64> {
    if EXPOSURES.contains(&value) {
        Ok(value)
    } else {
        Err(Error::OutOfRange {
            what: "exposure",
            value,
            expected: EXPOSURE_RANGE,
        })
    }
}

/// Checks the exposures of a series.
pub(crate) fn check_exposures(list: &[f64]) -> Result<()> {
    every("exposures", list, EXPOSURE_RANGE, |t| {
        EXPOSURES.contains(&t)
    })
}

/// A confidence level, strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Confidence(f64);

impl Confidence {
    /// 90 %.
    pub const P90: Self = Self(0.90);
    /// 95 %.
    pub const P95: Self = Self(0.95);
    /// 99 %.
    pub const P99: Self = Self(0.99);

    /// A level such as `0.95`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless `0 < level < 1`.
    pub fn new(level: f64) -> Result<Self> {
        if level > 0.0 && level < 1.0 {
            Ok(Self(level))
        } else {
            Err(Error::OutOfRange {
                what: "confidence level",
                value: level,
                expected: "a number strictly between 0 and 1, such as 0.95",
            })
        }
    }

    /// The level itself, such as `0.95`.
    #[must_use]
    pub fn level(self) -> f64 {
        self.0
    }

    /// The error probability `1 - level`.
    #[must_use]
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }

    /// The two-sided normal quantile, 1.959964 for 95 %.
    #[must_use]
    pub fn z(self) -> f64 {
        -normal_quantile(self.alpha() / 2.0)
    }
}

/// A closed interval; `high` may be infinite where the data set no upper limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// An interval from its two ends.
    #[must_use]
    pub fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Whether `value` lies inside, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The interval with an increasing function applied to both ends.
    #[must_use]
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            low: f(self.low),
            high: f(self.high),
        }
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub(crate) fn hull(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}

/// A best estimate with the interval around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Best single value.
    pub value: f64,
    /// Interval at the level asked for.
    pub interval: Interval,
}

/// Which direction a one-sided test looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alternative {
    /// Different in either direction.
    TwoSided,
    /// The first arm (or the later part) is greater.
    Greater,
    /// The first arm (or the later part) is less.
    Less,
}

/// Events counted over an amount of exposure (changes shipped, service-hours …).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    events: u64,
    exposure: f64,
}

impl Counted {
    /// `events` seen over `exposure` units.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless the exposure lies from 1e-12 to 1e18;
    /// [`Error::TooLarge`] above [`MAX_COUNT`] events.
    pub fn new(events: u64, exposure: f64) -> Result<Self> {
        at_most("event count", events, MAX_COUNT)?;
        Ok(Self {
            events,
            exposure: check_exposure(exposure)?,
        })
    }

    /// Number of events.
    #[must_use]
    pub fn events(self) -> u64 {
        self.events
    }

    /// Amount of exposure.
    #[must_use]
    pub fn exposure(self) -> f64 {
        self.exposure
    }

    /// Events per unit of exposure.
    #[must_use]
    pub fn rate(self) -> f64 {
        self.count() / self.exposure
    }

    pub(crate) fn count(self) -> f64 {
        self.events as f64
    }
}
