//! Patterns of AI use as they are seen, and what was decided about them.
//!
//! `usage.toml` ([`countersign_core::usage`]) holds what policies read; this is
//! the record behind it: when a pattern first appeared, and on what evidence it
//! became established. Where patterns are found: [`of_change`]; how much of each
//! there was, and what went wrong: [`Uses`], side by side in an [`Overview`];
//! what they have to show: [`Proof`]; what people should look at again: [`Due`].

mod due;
mod find;
mod graduate;
mod overview;
mod tally;

use countersign_core::effect::Environment;
pub use countersign_core::usage::Mode;
use countersign_core::usage::{Activity, Maturity, Usages, Use};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::due::{Due, DueKind, due};
pub use self::find::{model_family, of_action, of_change, of_deployment, of_guard};
pub use self::graduate::{Proof, graduate};
pub use self::overview::{Adoption, Overview, PatternRow, Rate, overview};
pub use self::tally::{Tally, Uses};
use crate::change::ChangeRef;
use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

/// Tool × model family × mode × activity × environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The tool's identifier in the marker catalogue.
    pub tool: String,
    /// The family of the model, without its version; `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_family: Option<String>,
    /// How much a person stands between.
    pub mode: Mode,
    /// What it is used for.
    pub activity: Activity,
    /// Where.
    pub environment: Environment,
}

impl Pattern {
    /// One word for the pattern: `tool/family/mode/activity/environment`.
    #[must_use]
    pub fn key(&self) -> String {
        format!(
            "{}/{}/{}/{}/{}",
            self.tool,
            self.model_family.as_deref().unwrap_or(UNKNOWN),
            self.mode.as_str(),
            self.activity.as_str(),
            self.environment.as_str()
        )
    }

    /// As the registry asks about it.
    #[must_use]
    pub fn as_use(&self) -> Use<'_> {
        Use {
            tool: &self.tool,
            model_family: self.model_family.as_deref(),
            mode: self.mode,
            activity: self.activity,
            environment: self.environment,
        }
    }

    fn check(&self, faults: &mut Faults) {
        for (field, part) in [
            ("pattern.tool", Some(&self.tool)),
            ("pattern.model_family", self.model_family.as_ref()),
        ] {
            faults.optional_id(field, part.map(String::as_str));
            if part.is_some_and(|part| part.contains('/')) {
                faults.add(field, "it contains `/`");
            }
        }
    }
}

/// What stands for a part that nobody knows.
const UNKNOWN: &str = "unknown";

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.key())
    }
}

impl std::str::FromStr for Pattern {
    type Err = String;

    /// Reads a [`Pattern::key`].
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let [tool, family, mode, activity, environment] = parts.as_slice() else {
            return Err(format!(
                "`{text}` is not a pattern (write TOOL/MODEL-FAMILY/MODE/ACTIVITY/ENVIRONMENT)"
            ));
        };
        if tool.is_empty() || family.is_empty() {
            return Err(format!("`{text}` has an empty part (write `{UNKNOWN}`)"));
        }
        Ok(Self {
            tool: (*tool).to_owned(),
            model_family: Some((*family).to_owned()).filter(|family| family != UNKNOWN),
            mode: of(mode, &Mode::ALL, Mode::as_str)?,
            activity: of(activity, &Activity::ALL, Activity::as_str)?,
            environment: of(environment, &Environment::ALL, Environment::as_str)?,
        })
    }
}

fn of<T: Copy>(text: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T, String> {
    crate::words::find(text, all, word).map_err(|error| error.to_string())
}

words! {
    /// Where a use was seen.
    pub enum SeenIn {
        /// In the provenance of a change.
        Change = "change",
        /// In the guard's log.
        Guard = "guard",
        /// In a recorded deployment.
        Deployment = "deployment",
    }
}

/// One use of AI, seen once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageSeen {
    /// Who recorded it and when.
    pub noted: Noted,
    /// The pattern.
    pub pattern: Pattern,
    /// Where it was seen.
    pub seen_in: SeenIn,
    /// Which change, guard decision or deployment, by its key.
    pub in_key: String,
    /// When.
    pub seen_at: Timestamp,
    /// The change, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
    /// Roster id of who used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Their team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

impl UsageSeen {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        self.pattern.check(faults);
        faults.line("in_key", &self.in_key);
        faults.optional_id("person", self.person.as_deref());
        faults.optional_line("team", self.team.as_deref());
    }
}

/// The evidence on which a maturity was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageEvidence {
    /// Changes shipped with it.
    pub changes: u64,
    /// Incidents linked to them.
    pub incidents: u64,
    /// Upper bound of incidents per million changes, as computed then.
    pub at_most_per_million: u64,
}

/// What was decided about a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageEntry {
    /// Who decided this version and when.
    pub noted: Noted,
    /// The pattern.
    pub pattern: Pattern,
    /// From when on it holds.
    pub from: Timestamp,
    /// How established.
    pub maturity: Maturity,
    /// Roster id of who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The safeguards it requires, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub safeguards: Vec<String>,
    /// The most changes with it in one week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly_cap: Option<u64>,
    /// The same in percent of all changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly_percent: Option<u8>,
    /// From this moment on it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// On what evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<UsageEvidence>,
}

impl UsageEntry {
    /// What the registry says of a pattern now.
    #[must_use]
    pub fn of(pattern: &Pattern, usages: &Usages, noted: Noted, now: Timestamp) -> Self {
        let standing = usages.standing(&pattern.as_use(), now, |_| None);
        let entry = standing.entry;
        let safeguards = entry.map(|it| usages.required(it, standing.maturity));
        let expires = entry.and_then(|it| it.expires);
        Self {
            noted,
            pattern: pattern.clone(),
            from: now,
            maturity: standing.maturity,
            owner: entry.and_then(|it| it.owner.clone()),
            safeguards: safeguards
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            weekly_cap: entry.and_then(|it| it.cap.changes),
            weekly_percent: entry.and_then(|it| it.cap.percent),
            expires: expires.filter(|expires| *expires > now),
            evidence: None,
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        self.pattern.check(faults);
        faults.optional_id("owner", self.owner.as_deref());
        faults.count("safeguards", self.safeguards.len());
        for safeguard in &self.safeguards {
            faults.line("safeguards", safeguard);
        }
        if self.weekly_percent.is_some_and(|percent| percent > 100) {
            faults.add("weekly_percent", "it is over 100");
        }
        if self.expires.is_some_and(|expires| expires <= self.from) {
            faults.add("expires", "it is not after `from`");
        }
    }
}
