//! Which change, if any, an incident came from, and how sure that is.

mod compare;
mod distance;
mod sensitivity;
mod suggest;
mod weigh;

use countersign_core::catalog::Share;
use serde::{Deserialize, Serialize};

pub use self::compare::{Compared, compare};
pub use self::sensitivity::{FailedChanges, Sensitivity, failed_changes, sensitivity};
pub use self::suggest::{Evidence, Found, Settings, Suggested, suggest};
use crate::change::ChangeRef;
use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

words! {
    /// What is said about a link.
    pub enum LinkState {
        /// Computed, with a confidence.
        Suggested = "suggested",
        /// Another system says so.
        Reported = "reported",
        /// A person says so.
        Confirmed = "confirmed",
        /// A person says not.
        Rejected = "rejected",
    }
}

/// What an incident is linked to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkTo {
    /// A shipped change.
    Change(ChangeRef),
    /// A deployment, by id, when it is not known what it shipped.
    Deployment(String),
    /// No change: load, hardware, somebody else's outage.
    NoChange,
}

impl std::fmt::Display for LinkTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Change(change) => change.fmt(f),
            Self::Deployment(id) => write!(f, "deployment:{id}"),
            Self::NoChange => f.write_str("no-change"),
        }
    }
}

/// One reason for or against a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Which kind, such as `same-service`.
    pub kind: String,
    /// In words, with the figures.
    pub text: String,
}

/// One statement about a link between an incident and a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Who says so, when and why; the program itself for what is computed.
    pub noted: Noted,
    /// The incident.
    pub incident: String,
    /// What it is linked to.
    pub to: LinkTo,
    /// What is said.
    pub state: LinkState,
    /// How probable, for what is computed. All suggestions for an incident
    /// and "none of these" add up to everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

impl Link {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("incident", &self.incident);
        match &self.to {
            LinkTo::Change(change) => change.check("to", faults),
            LinkTo::Deployment(id) => faults.id("to", id),
            LinkTo::NoChange => {}
        }
        if (self.state == LinkState::Suggested) != self.confidence.is_some() {
            faults.add(
                "confidence",
                "computed links have one, and statements have none",
            );
        }
        if self.state == LinkState::Rejected && self.noted.why.is_none() {
            faults.add("noted.why", "a link is rejected for a reason");
        }
        faults.count("reasons", self.reasons.len());
        for reason in &self.reasons {
            faults.id("reasons.kind", &reason.kind);
            faults.line("reasons.text", &reason.text);
        }
    }
}
