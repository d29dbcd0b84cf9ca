//! Claimed causes: who says so, on what evidence, and what became of it.

mod standing;
mod taxonomy;

use serde::{Deserialize, Serialize};

pub use self::standing::{Claim, Refused, Standing, claims, may_state, standings};
pub use self::taxonomy::{Factor, Group, Taxonomy};
use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

words! {
    /// What is said about a claim.
    pub enum ClaimState {
        /// Somebody says it contributed.
        Claimed = "claimed",
        /// Somebody else looked, and agrees.
        Confirmed = "confirmed",
        /// Somebody looked, and does not agree.
        Disputed = "disputed",
        /// Taken back. It stays visible.
        Withdrawn = "withdrawn",
    }
}

/// One statement about one claim: that a factor contributed to an incident.
///
/// A claim belongs to whoever made it; several people may claim the same
/// factor. Its statements are never altered; today's state is a fold over them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorClaim {
    /// Who makes this statement, when and why.
    pub noted: Noted,
    /// The incident.
    pub incident: String,
    /// The factor: an id of the taxonomy, or a free tag.
    pub factor: String,
    /// Roster id of who made the claim, or the source it was read from.
    pub claimant: String,
    /// What is stated.
    pub state: ClaimState,
    /// Where the evidence is, or what it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

impl FactorClaim {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("incident", &self.incident);
        faults.id("factor", &self.factor);
        faults.id("claimant", &self.claimant);
        faults.count("evidence", self.evidence.len());
        for evidence in &self.evidence {
            faults.text("evidence", evidence);
        }
        if self.state == ClaimState::Claimed && self.noted.by != self.claimant {
            faults.add("claimant", "a claim belongs to whoever makes it");
        }
        if matches!(self.state, ClaimState::Disputed | ClaimState::Withdrawn)
            && self.noted.why.is_none()
        {
            faults.add("noted.why", "a claim is disputed or withdrawn for a reason");
        }
    }
}
