//! Usage: a pattern of AI use and how established its safeguards are.
//!
//! `usage.toml` registers patterns (tool × model family × mode × activity ×
//! environment). A use that no entry covers is `novel`: nobody has yet said
//! which safeguards it needs. So is one whose entry has expired, lacks a
//! safeguard that it requires, or is used more than its cap allows.

mod file;
mod standing;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::effect::Environment;

pub use self::standing::{Recent, Standing, Use, Why};

/// How far the safeguards for a usage are established. Ordered by caution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maturity {
    /// Known, measured, with safeguards in place.
    Established,
    /// Allowed within limits, to learn.
    Trial,
    /// Nobody has decided.
    Novel,
    /// Decided against.
    Forbidden,
}

impl Maturity {
    /// Every maturity, least cautious first.
    pub const ALL: [Self; 4] = [Self::Established, Self::Trial, Self::Novel, Self::Forbidden];

    /// The word used in policies and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Trial => "trial",
            Self::Novel => "novel",
            Self::Forbidden => "forbidden",
        }
    }
}

/// What the AI is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// Changing code or configuration in a repository.
    Code,
    /// Changing infrastructure through a plan or its source.
    Infrastructure,
    /// Changing data, or how it is laid out: migrations and SQL.
    Data,
    /// Running commands against a live system.
    Operations,
    /// Bringing a version into an environment.
    Deployment,
}

impl Activity {
    /// Every activity.
    pub const ALL: [Self; 5] = [
        Self::Code,
        Self::Infrastructure,
        Self::Data,
        Self::Operations,
        Self::Deployment,
    ];

    /// The word used in files and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Infrastructure => "infrastructure",
            Self::Data => "data",
            Self::Operations => "operations",
            Self::Deployment => "deployment",
        }
    }
}

/// How much a person stands between the AI and the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It completes what a person types, who accepts each piece.
    Autocomplete,
    /// It answers; a person writes or pastes.
    Chat,
    /// It writes or acts in a session that a person watches.
    AgentInteractive,
    /// It works through a task alone and leaves the result under its own name.
    AgentAutonomous,
    /// It only comments on what others wrote.
    Review,
    /// Not known.
    Unknown,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 6] = [
        Self::Autocomplete,
        Self::Chat,
        Self::AgentInteractive,
        Self::AgentAutonomous,
        Self::Review,
        Self::Unknown,
    ];

    /// The word used in files and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Autocomplete => "autocomplete",
            Self::Chat => "chat",
            Self::AgentInteractive => "agent-interactive",
            Self::AgentAutonomous => "agent-autonomous",
            Self::Review => "review",
            Self::Unknown => "unknown",
        }
    }
}

/// The most of a usage in any seven days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cap {
    /// Changes with it.
    pub changes: Option<u64>,
    /// Percent of all changes; the first change is always within it.
    pub percent: Option<u8>,
}

/// One registered pattern. A field left out covers everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Short name.
    pub id: String,
    /// The tool's identifier in the marker catalogue.
    pub tool: Option<String>,
    /// The family of the model, without its version.
    pub model_family: Option<String>,
    /// How much a person stands between.
    pub mode: Option<Mode>,
    /// What it is used for.
    pub activity: Option<Activity>,
    /// Where.
    pub environment: Option<Environment>,
    /// How established.
    pub maturity: Maturity,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The safeguards it requires beside those of its maturity, in words.
    pub safeguards: Vec<String>,
    /// The safeguards that are in place.
    pub in_place: Vec<String>,
    /// How much of it there may be.
    pub cap: Cap,
    /// When people last looked at it as a whole.
    pub reviewed: Option<Timestamp>,
    /// From this moment on the entry no longer counts.
    pub expires: Option<Timestamp>,
    /// The most incidents per million changes with which it may become
    /// established; else that of [`Graduation`].
    pub incidents_per_million: Option<u64>,
}

/// What a usage has to show before it is established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Graduation {
    /// Changes with it, at least.
    pub changes: u64,
    /// Incidents per million changes, at most: by the upper end of an exact 95 %
    /// bound, not by what was counted.
    pub incidents_per_million: u64,
    /// Time since it was first seen, at least.
    pub age: SignedDuration,
}

impl Default for Graduation {
    /// 300 changes of which none failed are 95 % sure that at most one in a
    /// hundred does (the rule of three).
    fn default() -> Self {
        Self {
            changes: 300,
            incidents_per_million: 10_000,
            age: SignedDuration::from_hours(28 * 24),
        }
    }
}

/// All registered patterns, and what is asked of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Usages {
    entries: Vec<Usage>,
    /// Safeguards that every usage of a maturity requires.
    required: Vec<(Maturity, Vec<String>)>,
    graduation: Graduation,
}

/// A commented `usage.toml`, as `countersign init` writes it.
pub const TEMPLATE: &str = include_str!("template.toml");

impl Usages {
    /// The registered patterns, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Usage] {
        &self.entries
    }

    /// What a usage has to show before it is established.
    #[must_use]
    pub const fn graduation(&self) -> &Graduation {
        &self.graduation
    }

    /// The safeguards that an entry would require at a maturity: those of the
    /// maturity, then its own.
    #[must_use]
    pub fn required<'a>(&'a self, usage: &'a Usage, maturity: Maturity) -> Vec<&'a str> {
        let of_maturity = self
            .required
            .iter()
            .filter(|(of, _)| *of == maturity)
            .flat_map(|(_, safeguards)| safeguards);
        let mut all: Vec<&str> = Vec::new();
        for safeguard in of_maturity.chain(&usage.safeguards) {
            if !all.contains(&safeguard.as_str()) {
                all.push(safeguard);
            }
        }
        all
    }

    /// Those of [`Self::required`] that are not in place.
    #[must_use]
    pub fn missing<'a>(&'a self, usage: &'a Usage, maturity: Maturity) -> Vec<&'a str> {
        let mut all = self.required(usage, maturity);
        all.retain(|safeguard| !usage.in_place.iter().any(|there| there == safeguard));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment;

    #[test]
    fn the_template_is_valid() {
        let usages = Usages::parse(TEMPLATE, "usage.toml").unwrap();
        assert!(!usages.entries().is_empty());
    }

    #[test]
    fn the_most_specific_entry_that_has_not_expired_decides() {
        let usages = Usages::parse(
            r#"version = 1
[[usage]]
id = "any-code"
activity = "code"
maturity = "trial"
[[usage]]
id = "claude-code"
tool = "claude-code"
activity = "code"
maturity = "established"
expires = "2026-06-01"
[[usage]]
id = "no-agents-in-production"
environment = "production"
activity = "operations"
maturity = "forbidden"
"#,
            "usage.toml",
        )
        .unwrap();
        let maturity = |tool, activity, environment, now| {
            usages.maturity(tool, activity, environment, moment::parse_utc(now).unwrap())
        };
        use Activity::{Code, Operations};
        use Environment::{Production, Staging, Unknown};
        for (tool, activity, environment, now, wanted) in [
            (
                "claude-code",
                Code,
                Unknown,
                "2026-05-31",
                Maturity::Established,
            ),
            ("claude-code", Code, Unknown, "2026-06-01", Maturity::Novel),
            ("cursor", Code, Unknown, "2026-06-01", Maturity::Trial),
            (
                "cursor",
                Operations,
                Production,
                "2026-06-01",
                Maturity::Forbidden,
            ),
            ("cursor", Operations, Staging, "2026-06-01", Maturity::Novel),
        ] {
            assert_eq!(
                maturity(tool, activity, environment, now),
                wanted,
                "{tool} {now}"
            );
        }
    }

    #[test]
    fn wrong_entries_are_placed() {
        let problems = Usages::parse(
            "version = 1\n[[usage]]\nid = \"a\"\nmaturity = \"new\"\n",
            "usage.toml",
        )
        .unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "usage.toml:4:12: unknown variant `new`, expected one of `established`, `trial`, `novel`, `forbidden`"
        );
    }
}
