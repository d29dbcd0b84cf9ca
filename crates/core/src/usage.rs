//! Usage: a pattern of AI use and how established its safeguards are.
//!
//! `usage.toml` registers patterns (tool × mode × activity × environment). A
//! use that no entry covers is `novel`: nobody has yet said which safeguards
//! it needs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::effect::Environment;
use crate::moment;
use crate::problem::{Problem, Source};

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
    /// Changing infrastructure through a plan.
    Infrastructure,
    /// Running commands against a live system.
    Operations,
    /// Bringing a version into an environment.
    Deployment,
}

/// One registered pattern. A field left out covers everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Short name.
    pub id: String,
    /// The tool's identifier in the marker catalogue.
    pub tool: Option<String>,
    /// What it is used for.
    pub activity: Option<Activity>,
    /// Where.
    pub environment: Option<Environment>,
    /// How established.
    pub maturity: Maturity,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The safeguards it requires, in words.
    pub safeguards: Vec<String>,
    /// From this moment on the entry no longer counts.
    pub expires: Option<Timestamp>,
}

/// All registered patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Usages(Vec<Usage>);

/// A commented `usage.toml`, as `countersign init` writes it.
pub const TEMPLATE: &str = include_str!("usage_template.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: Spanned<u32>,
    #[serde(default)]
    usage: Vec<Spanned<RawUsage>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUsage {
    id: String,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    activity: Option<Activity>,
    #[serde(default)]
    environment: Option<Environment>,
    maturity: Maturity,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    safeguards: Vec<String>,
    #[serde(default)]
    expires: Option<Spanned<String>>,
}

impl Usages {
    /// Reads `usage.toml`.
    ///
    /// # Errors
    /// Every problem found, placed in the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        let source = Source { file, text };
        let raw: RawFile = source.toml().map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        if *raw.version.get_ref() != 1 {
            let message = format!("version {} is not known", raw.version.get_ref());
            problems.push(
                source
                    .at(raw.version.span(), message)
                    .hint("this program reads version 1"),
            );
        }
        let mut usages: Vec<Usage> = Vec::new();
        for spanned in raw.usage {
            let span = spanned.span();
            let raw = spanned.into_inner();
            if usages.iter().any(|usage| usage.id == raw.id) {
                let message = format!("two entries have the id `{}`", raw.id);
                problems.push(source.at(span, message));
            }
            let expires = raw.expires.and_then(|at| {
                moment::parse_utc(at.get_ref())
                    .map_err(|message| {
                        problems.push(source.at(at.span(), message).hint(moment::HINT));
                    })
                    .ok()
            });
            usages.push(Usage {
                id: raw.id,
                tool: raw.tool,
                activity: raw.activity,
                environment: raw.environment,
                maturity: raw.maturity,
                owner: raw.owner,
                safeguards: raw.safeguards,
                expires,
            });
        }
        if problems.is_empty() {
            Ok(Self(usages))
        } else {
            Err(problems)
        }
    }

    /// The registered patterns, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Usage] {
        &self.0
    }

    /// How established the use of one tool is. The entry that names the most
    /// fields wins; between equals the more cautious. Expired or absent: novel.
    #[must_use]
    pub fn maturity(
        &self,
        tool: &str,
        activity: Activity,
        environment: Environment,
        now: Timestamp,
    ) -> Maturity {
        self.0
            .iter()
            .filter(|usage| usage.tool.as_deref().is_none_or(|t| t == tool))
            .filter(|usage| usage.activity.is_none_or(|a| a == activity))
            .filter(|usage| usage.environment.is_none_or(|e| e == environment))
            .max_by_key(|usage| (usage.specificity(), usage.maturity))
            .filter(|usage| usage.expires.is_none_or(|at| now < at))
            .map_or(Maturity::Novel, |usage| usage.maturity)
    }
}

impl Usage {
    fn specificity(&self) -> usize {
        usize::from(self.tool.is_some())
            + usize::from(self.activity.is_some())
            + usize::from(self.environment.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
