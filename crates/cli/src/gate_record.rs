//! What is written down when a plan is let through.

use countersign_core::effect::Environment;
use countersign_core::involvement::witness;
use countersign_effects::reading::StateIdentity;
use countersign_git::spent::Occasion;
use serde::{Deserialize, Serialize};

/// The version of the record. Fields are only ever added to it.
pub(crate) const SCHEMA: &str = "countersign.spent/1";

/// One plan that was let through, as it stands in `spent.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SpentRecord {
    pub(crate) schema: String,
    /// Of the bytes that were let through.
    pub(crate) sha256: String,
    /// What people called it.
    pub(crate) plan: String,
    pub(crate) environment: Environment,
    /// Who was named as its maker.
    pub(crate) by: Option<String>,
    pub(crate) agent: Option<String>,
    /// RFC 3339.
    pub(crate) at: String,
    /// SHA-256 of the policy it was judged by.
    pub(crate) policy: String,
    /// SHA-256 of the statements that counted.
    pub(crate) statements: Vec<String>,
    /// Ids of the rules that a break-glass lifted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) broken: Vec<String>,
    /// What it was made from.
    pub(crate) state: StateIdentity,
}

/// An earlier occasion, for people and programs. Whoever may write refs may
/// have written it, so beyond that there was one, it is only shown.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReportSpent {
    /// The remote that knows of it; absent when it is known here.
    pub(crate) remote: Option<String>,
    pub(crate) at: Option<String>,
    pub(crate) by: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) environment: Option<Environment>,
}

impl ReportSpent {
    pub(crate) fn of(occasion: &Occasion) -> Self {
        let record: Option<SpentRecord> = serde_json::from_slice(&occasion.record).ok();
        let safe = |text: &String| witness(text);
        Self {
            remote: occasion.remote.clone(),
            at: record.as_ref().map(|it| safe(&it.at)),
            by: record.as_ref().and_then(|it| it.by.as_ref()).map(safe),
            agent: record.as_ref().and_then(|it| it.agent.as_ref()).map(safe),
            environment: record.map(|it| it.environment),
        }
    }

    /// `at 2026-03-10T12:00:00Z by jun with claude-code in staging according to origin`.
    pub(crate) fn text(&self) -> String {
        let mut words = Vec::new();
        let mut add = |word: &str, value: Option<&str>| {
            words.extend(value.map(|value| format!("{word} {value}")));
        };
        add("at", self.at.as_deref());
        add("by", self.by.as_deref());
        add("with", self.agent.as_deref());
        add("in", self.environment.map(Environment::as_str));
        add("according to", self.remote.as_deref());
        if words.is_empty() {
            return "nobody wrote down when".to_owned();
        }
        words.join(" ")
    }
}
