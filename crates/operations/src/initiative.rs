//! Something the organisation tries for a while, to be tested for its effect.

mod effect;

use std::collections::BTreeSet;

use countersign_core::effect::Environment;
use countersign_core::facts::Kind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::effect::{Metric, Tested, Weekly, test};
use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

/// Which changes and incidents something is about. Every field that is not
/// empty must match; all empty: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Ids of services; one of them is enough.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// Teams.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<String>,
    /// Tiers, 0 highest.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tiers: BTreeSet<u8>,
    /// Kinds of change.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<Kind>,
    /// Environments.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<Environment>,
}

words! {
    /// What the test of an initiative said.
    pub enum Effectiveness {
        /// Better than the comparison, beyond chance.
        Better = "better",
        /// Worse than the comparison, beyond chance.
        Worse = "worse",
        /// A difference of the size hoped for would have been seen.
        NoDifference = "no-evidence-of-a-difference",
        /// The data cannot say.
        CannotTell = "cannot-tell",
    }
}

/// How an initiative turned out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitiativeResult {
    /// What the test said.
    pub effectiveness: Effectiveness,
    /// The figures, in one paragraph: estimate, interval, comparison.
    pub summary: String,
    /// When it was judged.
    pub judged_at: Timestamp,
}

/// An initiative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Initiative {
    /// Who recorded this version and when.
    pub noted: Noted,
    /// Unique.
    pub id: String,
    /// What it is, in one line.
    pub title: String,
    /// Roster id of who answers for it.
    pub owner: String,
    /// What should become better, and why that is to be expected.
    pub hypothesis: String,
    /// What is measured, such as `sev2-incidents-per-change`.
    pub metric: String,
    /// What is treated.
    pub scope: Scope,
    /// What it is compared with; without one only before and after remain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Scope>,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends unless prolonged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// What ends it early, or lets it stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_criteria: Vec<String>,
    /// Ids of policy packs that it switches on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub packs: BTreeSet<String>,
    /// How it turned out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<InitiativeResult>,
}

impl Initiative {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("id", &self.id);
        faults.line("title", &self.title);
        faults.id("owner", &self.owner);
        faults.text("hypothesis", &self.hypothesis);
        faults.line("metric", &self.metric);
        if self.end.is_some_and(|end| end <= self.start) {
            faults.add("end", "it is not after `start`");
        }
        faults.count("exit_criteria", self.exit_criteria.len());
        for criterion in &self.exit_criteria {
            faults.line("exit_criteria", criterion);
        }
        faults.ids("packs", &self.packs);
        if let Some(result) = &self.result {
            faults.text("result.summary", &result.summary);
        }
    }
}
