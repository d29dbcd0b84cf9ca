//! What went wrong: when, where, for how many, and how AI took part.

mod amend;
mod check;
mod duplicates;
mod outage;
mod part;
mod severity;

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::catalog::Share;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::amend::{Amended, Kept, PERSON};
pub use self::duplicates::{Doubt, Register, doubts};
pub use self::outage::Outage;
pub use self::part::AiPart;
pub use self::severity::Severity;
use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

words! {
    /// How far an incident is.
    pub enum Status {
        /// Customers may still be affected.
        Open = "open",
        /// Customers are served again; the cause may still be there.
        Mitigated = "mitigated",
        /// Over.
        Resolved = "resolved",
        /// Over, and learned from: the analysis is written.
        Closed = "closed",
        /// Not an incident: a false alarm, a drill, planned maintenance.
        Dismissed = "dismissed",
    }
}

/// An incident as another system knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRef {
    /// The system, such as `pagerduty`.
    pub system: String,
    /// The id there.
    pub id: String,
    /// The latest time that what was read from it speaks of, so that older
    /// news, arriving late, does not overwrite newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

impl SourceRef {
    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.id("sources.system", &self.system);
        faults.line("sources.id", &self.id);
    }
}

/// The share of customers affected from one moment on, until the next step or
/// the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImpactStep {
    /// From when on.
    pub from: Timestamp,
    /// Share of all customers.
    pub customers: Share,
}

/// Requests measured in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// When the interval begins.
    pub from: Timestamp,
    /// Its length in seconds, at least 1.
    pub seconds: u32,
    /// Requests received.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Requests expected, as in the same interval of earlier weeks: customers
    /// who cannot get through stop asking, so `requests` sinks when it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// Something that happened in the course of an incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What, in the words of whoever noted it.
    pub text: String,
}

/// One version of what is known about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Who recorded this version, when and why.
    pub noted: Noted,
    /// Unique.
    pub id: String,
    /// What it is, in one line.
    pub title: String,
    /// How bad; `None`: not graded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// How far it is.
    pub status: Status,
    /// When customers, or whoever depends on it, were first affected.
    pub started: Timestamp,
    /// When someone or something noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<Timestamp>,
    /// When customers were served again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigated: Option<Timestamp>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Timestamp>,
    /// Ids of services that failed or worked worse.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// Ids of customer functions that failed or worked worse.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub functions: BTreeSet<String>,
    /// Regions and cells in which it was felt; empty: not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<String>,
    /// Objects destroyed or altered, as plans and commands name them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub objects: BTreeSet<String>,
    /// How many customers, over time, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impact: Vec<ImpactStep>,
    /// Measured requests, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traffic: Vec<Traffic>,
    /// What happened when, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<TimelineEntry>,
    /// How AI took part in causing it.
    pub ai: AiPart,
    /// What is known, in a few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Where people look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The same incident in other systems.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<SourceRef>,
    /// Free words to find it by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// It is the same as this one, which counts in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
    /// Who set each field last: a source by name, or `person`. An importer
    /// overwrites only what nobody or itself has set, so that a correction by
    /// a person outlives the next import.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_by: BTreeMap<String, String>,
}

impl Incident {
    /// An incident of which nothing else is known.
    #[must_use]
    pub fn new(id: String, title: String, started: Timestamp, noted: Noted) -> Self {
        Self {
            noted,
            id,
            title,
            severity: None,
            status: Status::Open,
            started,
            detected: None,
            mitigated: None,
            resolved: None,
            services: BTreeSet::new(),
            functions: BTreeSet::new(),
            regions: BTreeSet::new(),
            objects: BTreeSet::new(),
            impact: Vec::new(),
            traffic: Vec::new(),
            timeline: Vec::new(),
            ai: AiPart::Unknown,
            summary: None,
            url: None,
            sources: BTreeSet::new(),
            tags: BTreeSet::new(),
            duplicate_of: None,
            set_by: BTreeMap::new(),
        }
    }

    /// When customers stopped being affected, as far as known: mitigated, else
    /// resolved.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.mitigated.or(self.resolved)
    }

    /// Whether it counts in statistics: neither dismissed nor the same as
    /// another.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.status != Status::Dismissed && self.duplicate_of.is_none()
    }
}
