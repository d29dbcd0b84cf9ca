//! A temporary policy pack in force, such as a "90-day reset".

mod draft;

use std::collections::BTreeMap;

use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::draft::{Candidate, Draft};
use crate::faults::Faults;
use crate::noted::Noted;

/// A pack switched on for a list of services, until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackActivation {
    /// Who recorded this version and when.
    pub noted: Noted,
    /// Unique for each time a pack is switched on.
    pub id: String,
    /// The pack, as the policy names it.
    pub pack: String,
    /// SHA-256 of the policy file that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// Each service it applies to, with the reason for it; empty: all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, String>,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive.
    pub until: Timestamp,
    /// When it was ended before `until`, for the reason in `noted.why`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The initiative that it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiative: Option<String>,
}

impl PackActivation {
    /// Whether it is in force.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.ended.map_or(self.until, |ended| ended.min(self.until))
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("id", &self.id);
        faults.id("pack", &self.pack);
        faults.ids("services", self.services.keys());
        for reason in self.services.values() {
            faults.line("services", reason);
        }
        faults.optional_id("initiative", self.initiative.as_deref());
        if self.until <= self.from {
            faults.add("until", "it is not after `from`");
        }
        if self.ended.is_some() && self.noted.why.is_none() {
            faults.add("noted.why", "a pack is ended early for a reason");
        }
    }
}
