//! A version on its way into an environment, and how that went.

use std::collections::BTreeSet;

use countersign_core::catalog::Share;
use countersign_core::effect::Environment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::ChangeRef;
use crate::faults::Faults;
use crate::incident::SourceRef;
use crate::noted::Noted;
use crate::words::words;

words! {
    /// What was done to the service.
    pub enum Move {
        /// A version was brought in.
        Deploy = "deploy",
        /// An earlier version was brought back.
        RollBack = "roll-back",
        /// The service was taken away.
        Remove = "remove",
    }
}

words! {
    /// How a deployment, or one of its stages, ended.
    pub enum Outcome {
        /// Still going on, as far as known.
        Running = "running",
        /// Completed.
        Succeeded = "succeeded",
        /// Ended with an error before it completed.
        Failed = "failed",
        /// Stopped part of the way by a safeguard or a person.
        Halted = "halted",
        /// Taken back afterwards.
        RolledBack = "rolled-back",
        /// Nobody has said.
        Unknown = "unknown",
    }
}

/// One stage of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// Share of customers reached with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customers: Option<Share>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was halted, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Who recorded it and when.
    pub noted: Noted,
    /// Unique.
    pub id: String,
    /// The service.
    pub service: String,
    /// What was deployed, as people name it: a tag, a digest, a build number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where, as the guard and the policy call it.
    pub environment: Environment,
    /// Where, as the organisation calls it, such as `prod-eu-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What was done.
    #[serde(rename = "move")]
    pub moved: Move,
    /// When it began.
    pub started: Timestamp,
    /// When it ended, however it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// Its stages, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// The changes that it shipped.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub changes: BTreeSet<ChangeRef>,
    /// Roster id of the person who, or on whose behalf a tool, deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Identifier of the AI tool that ran it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Where people look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it was read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<SourceRef>,
}

impl Deployment {
    /// A deployment of which nothing else is known.
    #[must_use]
    pub fn new(id: String, service: String, started: Timestamp, noted: Noted) -> Self {
        Self {
            noted,
            id,
            service,
            version: None,
            environment: Environment::Unknown,
            target: None,
            moved: Move::Deploy,
            started,
            finished: None,
            outcome: Outcome::Unknown,
            stages: Vec::new(),
            changes: BTreeSet::new(),
            person: None,
            tool: None,
            url: None,
            sources: BTreeSet::new(),
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("id", &self.id);
        faults.id("service", &self.service);
        faults.optional_line("version", self.version.as_deref());
        faults.optional_line("target", self.target.as_deref());
        faults.optional_id("person", self.person.as_deref());
        faults.optional_id("tool", self.tool.as_deref());
        faults.optional_url("url", self.url.as_deref());
        if self
            .finished
            .is_some_and(|finished| finished < self.started)
        {
            faults.add("finished", "it is before `started`");
        }
        faults.count("stages", self.stages.len());
        for stage in &self.stages {
            faults.line("stages.name", &stage.name);
            faults.optional_line("stages.reason", stage.reason.as_deref());
            if stage.started < self.started {
                faults.add("stages.started", "a stage begins before the deployment");
            }
        }
        faults.count("changes", self.changes.len());
        for change in &self.changes {
            change.check("changes", faults);
        }
        for source in &self.sources {
            source.check(faults);
        }
    }
}
