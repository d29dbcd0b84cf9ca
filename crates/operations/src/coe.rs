//! Correction of errors (COE): what an incident taught, in writing.
//!
//! The parts are those of Amazon's COE as AWS publishes it
//! (<https://aws.amazon.com/blogs/mt/why-you-should-develop-a-correction-of-error-coe/>):
//! what happened, impact, five whys, evidence, lessons, actions. It starts once
//! the incident is mitigated, and blames nobody.

pub mod markdown;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;
use crate::noted::Noted;

/// One step of the five whys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
}

/// Something that supports what is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exhibit {
    /// What it is, in one line: a graph, a log, a query.
    pub title: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The written analysis of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coe {
    /// Who wrote this version and when.
    pub noted: Noted,
    /// The incident.
    pub incident: String,
    /// When this version was written.
    pub written_at: Timestamp,
    /// What happened.
    pub summary: String,
    /// What it meant for customers and the business.
    pub impact: String,
    /// From the failure down to what the organisation can change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub whys: Vec<Why>,
    /// What supports it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Exhibit>,
    /// What was learned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lessons: Vec<String>,
    /// Ids of the corrective actions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// Ids of related incidents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
}

impl Coe {
    /// An analysis that says nothing yet.
    #[must_use]
    pub fn new(incident: String, noted: Noted) -> Self {
        Self {
            written_at: noted.at,
            noted,
            incident,
            summary: String::new(),
            impact: String::new(),
            whys: Vec::new(),
            evidence: Vec::new(),
            lessons: Vec::new(),
            actions: Vec::new(),
            related: Vec::new(),
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("incident", &self.incident);
        faults.text("summary", &self.summary);
        faults.text("impact", &self.impact);
        faults.count("whys", self.whys.len());
        for why in &self.whys {
            faults.line("whys.question", &why.question);
            faults.text("whys.answer", &why.answer);
        }
        faults.count("evidence", self.evidence.len());
        for exhibit in &self.evidence {
            faults.line("evidence.title", &exhibit.title);
            faults.optional_url("evidence.url", exhibit.url.as_deref());
        }
        faults.count("lessons", self.lessons.len());
        for lesson in &self.lessons {
            faults.text("lessons", lesson);
        }
        faults.ids("actions", &self.actions);
        faults.ids("related", &self.related);
    }
}
