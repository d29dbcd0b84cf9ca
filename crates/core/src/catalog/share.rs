//! A share of all customers, in whole parts per million.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A share between nothing and everyone, in parts per million, so that sums
/// and products are the same on every machine.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(into = "u32", try_from = "u32")]
pub struct Share(u32);

impl From<Share> for u32 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl TryFrom<u32> for Share {
    type Error = String;

    fn try_from(ppm: u32) -> Result<Self, String> {
        if ppm > Self::ALL.0 {
            return Err(format!("{ppm} parts per million is more than everyone"));
        }
        Ok(Self(ppm))
    }
}

impl Share {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Everyone.
    pub const ALL: Self = Self(1_000_000);

    /// Parts per million; more than everyone is everyone.
    #[must_use]
    pub const fn from_ppm(ppm: u64) -> Self {
        if ppm >= 1_000_000 {
            Self::ALL
        } else {
            // Below a million, so it fits.
            Self(ppm as u32)
        }
    }

    /// Reads percent, 0 to 100.
    ///
    /// # Errors
    /// One line when the number is outside that range or not a number.
    pub fn from_percent(percent: f64) -> Result<Self, String> {
        if (0.0..=100.0).contains(&percent) {
            // In range, so the cast is exact after rounding.
            Ok(Self((percent * 10_000.0).round() as u32))
        } else {
            Err(format!("`{percent}` is not a share in percent"))
        }
    }

    /// Parts per million, 0 to 1,000,000.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// Percent, 0 to 100, rounded up: a share is never made to look smaller.
    #[must_use]
    pub const fn percent_up(self) -> u64 {
        (self.0 as u64).div_ceil(10_000)
    }

    /// This share of that share, rounded up.
    #[must_use]
    pub const fn of(self, other: Self) -> Self {
        Self::from_ppm((self.0 as u64 * other.0 as u64).div_ceil(1_000_000))
    }

    /// Both together, at most everyone.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::from_ppm(self.0 as u64 + other.0 as u64)
    }
}

impl fmt::Display for Share {
    /// Percent with as many decimals as there are, at most four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{whole} %");
        }
        let decimals = format!("{rest:04}");
        write!(f, "{whole}.{} %", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn percent_reads_and_prints() {
        for (percent, text) in [
            (0.0, "0 %"),
            (0.5, "0.5 %"),
            (12.25, "12.25 %"),
            (100.0, "100 %"),
        ] {
            assert_eq!(Share::from_percent(percent).unwrap().to_string(), text);
        }
        for bad in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            assert!(Share::from_percent(bad).is_err());
        }
    }

    #[test]
    fn products_round_up_and_sums_stop_at_everyone() {
        let half = Share::from_percent(50.0).unwrap();
        assert_eq!(half.of(half), Share::from_ppm(250_000));
        assert_eq!(Share::from_ppm(1).of(half), Share::from_ppm(1));
        assert_eq!(half.plus(half).plus(half), Share::ALL);
        assert_eq!(Share::from_ppm(1).percent_up(), 1);
    }
}
