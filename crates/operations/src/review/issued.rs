//! A weekly review as it was circulated.

use std::collections::BTreeMap;

use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;
use crate::noted::Noted;
use crate::week::Week;

/// One line of a circulated document, so that what a later version leaves out
/// can be named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is about, the same in every version: `incident:INC-7`.
    pub about: String,
    /// The words.
    pub text: String,
}

/// A version of a weekly review that people were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewIssued {
    /// Who issued it and when.
    pub noted: Noted,
    /// The week.
    pub week: Week,
    /// From 1.
    pub version: u32,
    /// When it was circulated.
    pub issued_at: Timestamp,
    /// Nothing recorded after this was looked at.
    pub cut_off: Timestamp,
    /// SHA-256 of the document.
    pub content: Digest,
    /// SHA-256 of everything it was made from, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Digest>,
    /// What it said, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// What its random picks were drawn with, so that they can be drawn again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Roster ids of those it went to; required attendance marked `true`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub to: BTreeMap<String, bool>,
}

impl ReviewIssued {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        if self.version == 0 {
            faults.add("version", "versions are numbered from 1");
        }
        faults.count("lines", self.lines.len());
        for line in &self.lines {
            faults.line("lines.about", &line.about);
            faults.text("lines.text", &line.text);
        }
        faults.ids("to", self.to.keys());
        for name in self.inputs.keys() {
            faults.line("inputs", name);
        }
    }
}
