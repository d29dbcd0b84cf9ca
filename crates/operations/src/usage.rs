//! Patterns of AI use as they are seen, and what was decided about them.
//!
//! `usage.toml` ([`countersign_core::usage`]) holds what policies read; this is
//! the record behind it: when a pattern first appeared, and on what evidence it
//! became established.

use countersign_core::effect::Environment;
use countersign_core::usage::{Activity, Maturity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::ChangeRef;
use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

words! {
    /// How much a person stands between the AI and the effect.
    pub enum Mode {
        /// It advises; a person does everything.
        Advice = "advice",
        /// It writes or acts; a person accepts each step.
        Interactive = "interactive",
        /// It works through a task alone; a person looks at the end.
        Autonomous = "autonomous",
        /// Nobody looks unless something asks for it.
        Unattended = "unattended",
        /// Not known.
        Unknown = "unknown",
    }
}

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
        let family = self.model_family.as_deref().unwrap_or("any");
        let activity = match self.activity {
            Activity::Code => "code",
            Activity::Infrastructure => "infrastructure",
            Activity::Operations => "operations",
            Activity::Deployment => "deployment",
        };
        format!(
            "{}/{family}/{}/{activity}/{}",
            self.tool,
            self.mode,
            self.environment.as_str()
        )
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
    /// From this moment on it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// On what evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<UsageEvidence>,
}

impl UsageEntry {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        self.pattern.check(faults);
        faults.optional_id("owner", self.owner.as_deref());
        faults.count("safeguards", self.safeguards.len());
        for safeguard in &self.safeguards {
            faults.line("safeguards", safeguard);
        }
        if self.expires.is_some_and(|expires| expires <= self.from) {
            faults.add("expires", "it is not after `from`");
        }
    }
}
