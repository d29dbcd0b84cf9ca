//! A change that was shipped: the exposure that incidents are counted against.

use std::collections::BTreeSet;
use std::fmt;

use countersign_core::decide;
use countersign_core::effect::{Effect, Environment};
use countersign_core::facts::Kind;
use countersign_core::involvement::{Role, Verdict};
use countersign_core::radius::Prediction;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;
use crate::noted::Noted;

/// Which change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRef {
    /// The repository as the organisation names it; for a deployment that no
    /// repository is known of, its service.
    pub repository: String,
    /// The commit that landed, the digest of a plan or action, or the id of a
    /// deployment.
    pub id: String,
}

impl ChangeRef {
    /// A change of a repository.
    #[must_use]
    pub fn new(repository: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            repository: repository.into(),
            id: id.into(),
        }
    }

    pub(crate) fn check(&self, field: &str, faults: &mut Faults) {
        faults.id(&format!("{field}.repository"), &self.repository);
        faults.id(&format!("{field}.id"), &self.id);
        if self.id.contains('@') {
            faults.add(&format!("{field}.id"), "it contains `@`");
        }
    }
}

impl fmt::Display for ChangeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.id)
    }
}

impl std::str::FromStr for ChangeRef {
    type Err = String;

    /// Reads `REPOSITORY@ID`. A repository may contain `@`, an id may not.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once('@') {
            Some((repository, id)) if !repository.is_empty() && !id.is_empty() => {
                Ok(Self::new(repository, id))
            }
            _ => Err(format!("`{text}` is not a change (write REPOSITORY@ID)")),
        }
    }
}

/// What was decided about a change before it shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The last answer.
    pub verdict: decide::Verdict,
    /// Ids of the rules that asked for something or refused, met or not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rules: BTreeSet<String>,
    /// Ids of the people whose sign-offs counted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub signers: BTreeSet<String>,
}

/// A shipped change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Who recorded it and when.
    pub noted: Noted,
    /// Which.
    pub change: ChangeRef,
    /// Which of the four kinds.
    pub kind: Kind,
    /// When it took effect: landed, applied, run or deployed.
    pub shipped_at: Timestamp,
    /// Its subject line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where people look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Roster ids of everyone who made it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub people: BTreeSet<String>,
    /// The team that it counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The name of the lowest level among those who made it, then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_level: Option<String>,
    /// Ids of the services it alters.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// The most important tier among them, 0 highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    /// Where it landed.
    pub environment: Environment,
    /// Lines added and deleted.
    pub lines: u64,
    /// Files touched.
    pub files: u64,
    /// Did AI take part?
    pub involvement: Verdict,
    /// What AI did.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
    /// With which tools.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tools: BTreeSet<String>,
    /// Keys of the usage patterns seen ([`crate::usage::Pattern::key`]).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub usages: BTreeSet<String>,
    /// What was decided; absent when it shipped without any decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// It went ahead by break-glass.
    #[serde(default, skip_serializing_if = "is_false")]
    pub break_glass: bool,
    /// It took effect although nothing had allowed it, whoever or whatever did
    /// it: no decision, or one that held or refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bypassed: bool,
    /// How far it could reach, as said before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Prediction>,
    /// What a plan or action did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// Changes that it takes back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reverts: BTreeSet<ChangeRef>,
    /// Ids of incidents that its message or ticket names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub mentions: BTreeSet<String>,
}

pub(crate) const fn is_false(value: &bool) -> bool {
    !*value
}

impl Change {
    /// A shipped change of which nothing else is known.
    #[must_use]
    pub fn new(change: ChangeRef, kind: Kind, shipped_at: Timestamp, noted: Noted) -> Self {
        Self {
            noted,
            change,
            kind,
            shipped_at,
            title: None,
            url: None,
            people: BTreeSet::new(),
            team: None,
            author_level: None,
            services: BTreeSet::new(),
            tier: None,
            environment: Environment::Unknown,
            lines: 0,
            files: 0,
            involvement: Verdict::Unknown,
            roles: BTreeSet::new(),
            tools: BTreeSet::new(),
            usages: BTreeSet::new(),
            decided: None,
            break_glass: false,
            bypassed: false,
            predicted: None,
            effects: Vec::new(),
            reverts: BTreeSet::new(),
            mentions: BTreeSet::new(),
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        self.change.check("change", faults);
        faults.optional_line("title", self.title.as_deref());
        faults.optional_url("url", self.url.as_deref());
        faults.ids("people", &self.people);
        faults.optional_line("team", self.team.as_deref());
        faults.optional_line("author_level", self.author_level.as_deref());
        faults.ids("services", &self.services);
        faults.ids("tools", &self.tools);
        faults.ids("mentions", &self.mentions);
        faults.count("effects", self.effects.len());
        faults.count("reverts", self.reverts.len());
        for reverted in &self.reverts {
            reverted.check("reverts", faults);
        }
    }
}
