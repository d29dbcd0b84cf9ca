//! What an answer looks like: a word, numbers, and how far they carry.

use std::fmt;

use countersign_stats::{Estimate, Interval};
use serde::Serialize;

/// The four words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "word")]
pub enum Verdict {
    /// The rate is higher: in the later part, or in the first arm.
    #[serde(rename = "higher")]
    Higher,
    /// The rate is lower.
    #[serde(rename = "lower")]
    Lower,
    /// Nothing was found although a difference worth acting on would have shown.
    #[serde(rename = "no evidence of a difference")]
    NoEvidence {
        /// Smallest ratio that would have shown in four of five such histories.
        would_have_seen: f64,
    },
    /// The data cannot say.
    #[serde(rename = "cannot tell")]
    CannotTell {
        /// Why not.
        reason: Reason,
    },
}

/// Why the data cannot say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// A word for programs: `no-exposure`, `no-ai-flag`, `too-little-data`,
    /// `rests-on-one`, `undeclared`, `unlinked`, `coincide`, `not-computable`.
    pub code: &'static str,
    /// A phrase for people.
    pub text: String,
}

impl Verdict {
    /// The word alone.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::NoEvidence { .. } => "no evidence of a difference",
            Self::CannotTell { .. } => "cannot tell",
        }
    }

    /// The reason of a [`Verdict::CannotTell`].
    #[must_use]
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::CannotTell { reason } => Some(reason),
            _ => None,
        }
    }

    pub(super) fn cannot(code: &'static str, text: impl Into<String>) -> Self {
        Self::CannotTell {
            reason: Reason {
                code,
                text: text.into(),
            },
        }
    }

    /// Too little to see an increase worth acting on.
    pub(super) fn too_little(would_have_seen: Option<f64>) -> Self {
        Self::cannot(
            "too-little-data",
            would_have_seen.map_or_else(
                || "too little data to see any difference".to_owned(),
                |ratio| {
                    format!(
                        "too little data: only a ratio of {} or more would have shown",
                        decimal(ratio)
                    )
                },
            ),
        )
    }

    /// What may be said where nothing was found.
    pub(super) fn nothing_found(would_have_seen: Option<f64>, relevant_ratio: f64) -> Self {
        match would_have_seen {
            Some(would_have_seen) if would_have_seen <= relevant_ratio => {
                Self::NoEvidence { would_have_seen }
            }
            _ => Self::too_little(would_have_seen),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Higher | Self::Lower => Ok(()),
            Self::NoEvidence { would_have_seen } => {
                write!(f, " (would have seen ≥ {})", decimal(*would_have_seen))
            }
            Self::CannotTell { reason } => write!(f, ": {}", reason.text),
        }
    }
}

/// A rate ratio with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// Best single value; `null` in JSON where it is infinite.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end; `null` in JSON where the data set none.
    pub high: f64,
}

impl Ratio {
    /// The same with the logarithm's standard error multiplied by `factor`:
    /// what overdispersion does to an interval.
    pub(crate) fn widened(self, factor: f64) -> Self {
        let stretch = |end: f64| {
            let stretched = self.value * (end / self.value).powf(factor);
            if stretched.is_nan() { end } else { stretched }
        };
        Self {
            value: self.value,
            low: stretch(self.low),
            high: stretch(self.high),
        }
    }

    pub(super) fn interval(self) -> Interval {
        Interval::new(self.low, self.high)
    }

    /// -1, 0 or 1: the interval lies below, around or above 1.
    pub(super) fn side(self) -> i8 {
        i8::from(self.low > 1.0) - i8::from(self.high < 1.0)
    }
}

impl From<Estimate> for Ratio {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.value,
            low: estimate.interval.low,
            high: estimate.interval.high,
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = Range {
            low: self.low,
            high: self.high,
        };
        write!(f, "{} ({range})", decimal(self.value))
    }
}

/// A range of values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// Lower end.
    pub low: f64,
    /// Upper end; `null` in JSON where there is none.
    pub high: f64,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.high.is_finite() {
            write!(f, "{} to {}", decimal(self.low), decimal(self.high))
        } else {
            write!(f, "{} or more", decimal(self.low))
        }
    }
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// What was asked.
    pub question: String,
    /// What may be said.
    pub verdict: Verdict,
    /// The verdict with its most important numbers, as one sentence.
    pub sentence: String,
    /// How it was found, with the source of the method.
    pub method: String,
    /// What must hold for it to be true.
    pub assumptions: Vec<String>,
    /// What it does not say.
    pub limits: Vec<String>,
}

/// Three significant digits, no exponent, thousands separated: for people.
#[must_use]
pub(crate) fn decimal(value: f64) -> String {
    if !value.is_finite() {
        return "∞".to_owned();
    }
    let size = value.abs();
    if size >= 1000.0 {
        return thousands(value.round() as i64);
    }
    let digits = match size {
        s if s >= 100.0 => 0,
        s if s >= 10.0 => 1,
        s if s >= 0.1 || s == 0.0 => 2,
        s if s >= 0.01 => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// A probability, of which none is 0.
#[must_use]
pub(super) fn probability(value: f64) -> String {
    if value < 0.0001 {
        "< 0.0001".to_owned()
    } else {
        decimal(value)
    }
}

/// A whole number with its thousands separated.
#[must_use]
pub(crate) fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 incident`, `2 incidents`.
#[must_use]
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!(
        "{} {noun}{plural}",
        thousands(i64::try_from(number).unwrap_or(i64::MAX))
    )
}

/// A share as a percentage.
#[must_use]
pub(super) fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value > 0.0 && value < 1.0 {
        "under 1 %".to_owned()
    } else {
        format!("{value:.0} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (value, text) in [
            (0.0, "0.00"),
            (0.0031, "0.0031"),
            (0.052, "0.052"),
            (1.684, "1.68"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234_567.8, "1,234,568"),
            (f64::INFINITY, "∞"),
        ] {
            assert_eq!(decimal(value), text);
        }
        assert_eq!(probability(0.000_04), "< 0.0001");
        assert_eq!(probability(0.0002), "0.0002");
        assert_eq!(thousands(-1_000), "-1,000");
        assert_eq!(count(1, "incident"), "1 incident");
    }

    #[test]
    fn the_words_are_exact() {
        let seen = Verdict::nothing_found(Some(1.42), 1.5);
        assert_eq!(
            seen.to_string(),
            "no evidence of a difference (would have seen ≥ 1.42)"
        );
        assert_eq!(
            Verdict::cannot("no-exposure", "no exposure").to_string(),
            "cannot tell: no exposure"
        );
        assert!(matches!(
            Verdict::nothing_found(Some(1.6), 1.5),
            Verdict::CannotTell { .. }
        ));
        assert!(matches!(
            Verdict::nothing_found(None, 1.5),
            Verdict::CannotTell { .. }
        ));
        assert_eq!(
            serde_json::to_string(&seen).unwrap(),
            r#"{"word":"no evidence of a difference","would_have_seen":1.42}"#
        );
    }

    #[test]
    fn widening_keeps_the_value_and_open_ends() {
        let wide = Ratio {
            value: 2.0,
            low: 1.0,
            high: 4.0,
        }
        .widened(2.0);
        assert_eq!((wide.value, wide.low, wide.high), (2.0, 0.5, 8.0));
        let open = Ratio {
            value: 2.0,
            low: 0.0,
            high: f64::INFINITY,
        }
        .widened(1.5);
        assert_eq!((open.low, open.high), (0.0, f64::INFINITY));
    }
}
