//! Who recorded something, when and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;

/// Who recorded a version of something, when and why.
///
/// This is a different time from when the thing happened: an incident of March
/// that is corrected in May happened in March, and was known otherwise in April.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// When.
    pub at: Timestamp,
    /// Id of the person on the roster, or of the source that was read.
    pub by: String,
    /// What it came through, when a person did not type it: an importer such as
    /// `github-status`, or an agent that wrote on the person's behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// Why, in their words. Corrections and withdrawals need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Noted {
    /// Recorded by a person.
    #[must_use]
    pub fn by(person: impl Into<String>, at: Timestamp) -> Self {
        Self {
            at,
            by: person.into(),
            through: None,
            why: None,
        }
    }

    /// Read from a source by an importer.
    #[must_use]
    pub fn imported(source: impl Into<String>, at: Timestamp) -> Self {
        let source = source.into();
        Self {
            at,
            by: source.clone(),
            through: Some(source),
            why: None,
        }
    }

    /// With the reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Whether an importer read it from a source, so that no person said it.
    #[must_use]
    pub fn is_import(&self) -> bool {
        self.through.as_ref() == Some(&self.by)
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.id("noted.by", &self.by);
        faults.optional_id("noted.through", self.through.as_deref());
        faults.optional_text("noted.why", self.why.as_deref());
    }
}
