//! How bad an incident is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad. `Sev1` is worst, and comes first in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A customer function is down for many.
    Sev1,
    /// A customer function is down for some, or badly degraded for many.
    Sev2,
    /// Degraded, with a way round.
    Sev3,
    /// Hardly noticed.
    Sev4,
    /// Noticed by nobody outside.
    Sev5,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 5] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4, Self::Sev5];

    /// The word used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sev1 => "Sev1",
            Self::Sev2 => "Sev2",
            Self::Sev3 => "Sev3",
            Self::Sev4 => "Sev4",
            Self::Sev5 => "Sev5",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    /// Reads what tools and people write: `Sev2`, `SEV-2`, `S2`, `P2`, `2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let number = ["severity", "sev", "s", "p", ""]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix))
            .unwrap_or_default()
            .trim_start_matches(['-', ' ', '_']);
        match number {
            "1" => Ok(Self::Sev1),
            "2" => Ok(Self::Sev2),
            "3" => Ok(Self::Sev3),
            "4" => Ok(Self::Sev4),
            "5" => Ok(Self::Sev5),
            _ => {
                let typed: String = text.chars().take(40).collect();
                Err(format!("`{typed}` is not a severity (write Sev1 to Sev5)"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_tools_are_read() {
        for text in ["Sev2", "SEV-2", "sev 2", "severity2", "S2", "P2", " 2 "] {
            assert_eq!(text.parse(), Ok(Severity::Sev2), "{text}");
        }
        for text in ["", "0", "6", "critical", "Sev", "Sev22", "-"] {
            assert!(text.parse::<Severity>().is_err(), "{text}");
        }
        assert!(Severity::Sev1 < Severity::Sev2, "worst first");
    }
}
