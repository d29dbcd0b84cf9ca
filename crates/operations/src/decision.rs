//! What was decided about a change, once.

use std::collections::BTreeSet;

use countersign_core::decide::Verdict;
use countersign_core::facts::Kind;
use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::ChangeRef;
use crate::faults::Faults;
use crate::noted::Noted;

/// What one rule said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSaid {
    /// Id of the rule.
    pub rule: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// One line: what it asks for, or why it refuses.
    pub reason: String,
}

/// A decision as it was made. The same change is decided on again whenever its
/// content, its sign-offs or the policy change; each is a record of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Who recorded it and when.
    pub noted: Noted,
    /// Which change.
    pub change: ChangeRef,
    /// Which of the four kinds.
    pub kind: Kind,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The answer.
    pub verdict: Verdict,
    /// Rules that applied, in the order of the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSaid>,
    /// Roster ids of those whose sign-offs counted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub signers: BTreeSet<String>,
    /// SHA-256 of the policy in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// Which entry point asked: `check`, `plan`, `guard`, a server's route.
    pub asked_by: String,
}

impl Decision {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        self.change.check("change", faults);
        faults.id("asked_by", &self.asked_by);
        faults.ids("signers", &self.signers);
        faults.count("rules", self.rules.len());
        for rule in &self.rules {
            faults.id("rules.rule", &rule.rule);
            faults.text("rules.reason", &rule.reason);
        }
    }
}
