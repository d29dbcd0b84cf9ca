//! A corrective action: who does what by when, and whether it helped.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;
use crate::noted::Noted;
use crate::words::words;

words! {
    /// How far an action is.
    pub enum ActionState {
        /// To be done.
        Open = "open",
        /// Done.
        Done = "done",
        /// Given up, for the reason recorded.
        Dropped = "dropped",
    }
}

/// A corrective action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Who recorded this version and when.
    pub noted: Noted,
    /// Unique.
    pub id: String,
    /// What is to be done, in one line.
    pub title: String,
    /// The incident it follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The initiative it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiative: Option<String>,
    /// The factor it works against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<String>,
    /// Roster id of who does it; without one it is nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day it is not overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// When it was first recorded.
    pub opened_at: Timestamp,
    /// How far it is.
    pub state: ActionState,
    /// When it was done or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What shows that it had the effect hoped for: a test, a drill, a figure.
    /// Done without it is done, not shown to help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Where people look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Action {
    /// Whether it is still open after its last day, where `today` is.
    #[must_use]
    pub fn is_overdue(&self, today: Date) -> bool {
        self.state == ActionState::Open && self.due.is_some_and(|due| due < today)
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("id", &self.id);
        faults.line("title", &self.title);
        faults.optional_id("incident", self.incident.as_deref());
        faults.optional_id("initiative", self.initiative.as_deref());
        faults.optional_id("factor", self.factor.as_deref());
        faults.optional_id("owner", self.owner.as_deref());
        faults.optional_text("evidence", self.evidence.as_deref());
        faults.optional_url("url", self.url.as_deref());
        match (self.state, self.ended_at) {
            (ActionState::Open, Some(_)) => faults.add("ended_at", "an open action has not ended"),
            (ActionState::Done | ActionState::Dropped, None) => {
                faults.add("ended_at", "when it ended is missing");
            }
            (_, Some(ended)) if ended < self.opened_at => {
                faults.add("ended_at", "it is before `opened_at`");
            }
            _ => {}
        }
        if self.state == ActionState::Dropped && self.noted.why.is_none() {
            faults.add("noted.why", "an action is given up for a reason");
        }
    }
}
