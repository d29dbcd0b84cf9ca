//! What the guard answered an agent.

use std::collections::BTreeSet;

use countersign_core::decide::Verdict;
use countersign_core::effect::{Effect, Environment};
use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::is_false;
use crate::faults::Faults;
use crate::noted::Noted;

/// One answer of the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardDecision {
    /// Who recorded it and when.
    pub noted: Noted,
    /// Unique, such as the digest of the log entry.
    pub id: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// The agent's tool identifier, such as `claude-code`.
    pub tool: String,
    /// The model, where the agent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Roster id of the person it acts on behalf of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// SHA-256 of the exact command or tool call; its text may hold secrets.
    pub action: Digest,
    /// What to show of it, without secrets.
    pub summary: String,
    /// The answer.
    pub verdict: Verdict,
    /// Ids of the rules that held or refused.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rules: BTreeSet<String>,
    /// Where it would land.
    pub environment: Environment,
    /// What it would do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// Key of the usage pattern ([`crate::usage::Pattern::key`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// The policy was in shadow mode, so the answer stopped nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shadow: bool,
    /// Whether it was seen to run; `None`: nobody reported back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<bool>,
}

impl GuardDecision {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("id", &self.id);
        faults.id("tool", &self.tool);
        faults.optional_line("model", self.model.as_deref());
        faults.optional_line("session", self.session.as_deref());
        faults.optional_id("person", self.person.as_deref());
        faults.text("summary", &self.summary);
        faults.ids("rules", &self.rules);
        faults.count("effects", self.effects.len());
    }
}
