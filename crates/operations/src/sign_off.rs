//! A statement from the sign-off chain, for counting and for the review. The
//! signed bytes stay in the chain; this names them by their digest.

use std::collections::BTreeSet;

use countersign_core::facts::Kind;
use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::ChangeRef;
use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

words! {
    /// What was stated.
    pub enum Stated {
        /// Go ahead.
        Approved = "approved",
        /// Do not.
        Vetoed = "vetoed",
        /// An earlier statement of the same person taken back.
        Revoked = "revoked",
        /// Went ahead although rules were not met.
        BrokeGlass = "broke-glass",
        /// After a break-glass: it was right to go ahead.
        Ratified = "ratified",
        /// After a break-glass: it was not.
        Rejected = "rejected",
        /// AI took part.
        DeclaredAi = "declared-ai",
        /// People alone made it.
        DeclaredHuman = "declared-human",
        /// Its author has read it again.
        SelfReviewed = "self-reviewed",
    }
}

/// One verified statement of a person about a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOffGiven {
    /// Who recorded it and when.
    pub noted: Noted,
    /// SHA-256 of the signed payload.
    pub statement: Digest,
    /// About which change.
    pub change: ChangeRef,
    /// Of which kind.
    pub kind: Kind,
    /// The protected branch or environment it goes into.
    pub target: String,
    /// Roster id of the signer.
    pub person: String,
    /// What was stated.
    pub stated: Stated,
    /// When, by the signer's clock.
    pub issued_at: Timestamp,
    /// Ids of the rules it serves or, for a break-glass, covers.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rules: BTreeSet<String>,
    /// The signer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The statement that it revokes, ratifies or rejects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Digest>,
    /// For a break-glass: when the after-review is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_due: Option<Timestamp>,
}

impl SignOffGiven {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        self.change.check("change", faults);
        faults.line("target", &self.target);
        faults.id("person", &self.person);
        faults.ids("rules", &self.rules);
        faults.optional_text("message", self.message.as_deref());
    }
}
