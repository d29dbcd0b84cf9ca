//! The closed set of facts that a policy can ask about.
//!
//! Every fact is finite or ordered. Collecting them is the readers' work;
//! judging them is [`crate::decide`]'s. A fact that could not be established is
//! `None` and counts against the change, never for it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::effect::{Environment, Verb};
use crate::involvement::{Role, Verdict};
use crate::roster::{Level, PersonSet};
use crate::usage::Maturity;

/// The four kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Commits into a protected branch.
    Merge,
    /// Terraform, CloudFormation, Kubernetes and the like.
    Plan,
    /// One command or tool call of an agent.
    Action,
    /// A version into an environment.
    Deployment,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 4] = [Self::Merge, Self::Plan, Self::Action, Self::Deployment];

    /// The word used in policies and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Plan => "plan",
            Self::Action => "action",
            Self::Deployment => "deployment",
        }
    }
}

/// Upper bounds of the blast radius; `None` where nobody can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// Services reached.
    pub services: Option<u64>,
    /// Customer functions down or degraded.
    pub functions: Option<u64>,
    /// Share of customers exposed, in percent, 0 to 100.
    pub customers: Option<u64>,
}

/// What is known about a change, independent of any policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Which of the four kinds.
    pub kind: Kind,
    /// Did AI take part?
    pub involvement: Verdict,
    /// What AI did.
    pub roles: BTreeSet<Role>,
    /// Whether markers of AI use are suppressed here.
    pub suppressed: bool,
    /// Everyone on the roster who made it: authors, committers, co-authors,
    /// operators of agents. None of them can sign it off.
    #[serde(skip)]
    pub authors: PersonSet,
    /// The lowest level among the people who made it; the lowest of all when
    /// one of them is not on the roster.
    pub author_level: Level,
    /// Paths touched, old and new names alike.
    pub paths: Vec<String>,
    /// Owners of those paths, as CODEOWNERS or the catalogue name them.
    pub owners: BTreeSet<String>,
    /// The most important tier touched (0 is highest); `None` when nothing
    /// touched is in the catalogue.
    pub tier: Option<u64>,
    /// Where it lands.
    pub environment: Environment,
    /// What it does, verb by verb. [`Verb::Unknown`] stands for effects that
    /// nobody could read; an empty set is a change that is known to do nothing
    /// until it is applied by another.
    pub effects: BTreeSet<Verb>,
    /// How far it reaches.
    pub reach: Reach,
    /// Whether it destroys state without a surviving backup; `None`: unknown.
    pub irreversible: Option<bool>,
    /// The most cautious maturity among the AI uses seen; `None` without AI.
    pub usage: Option<Maturity>,
    /// Lines added and deleted.
    pub lines: u64,
    /// Files touched.
    pub files: u64,
    /// When the content was last changed, as far as known.
    pub changed_at: Option<Timestamp>,
}

impl Facts {
    /// A change of which nothing is known but its kind, for building up.
    #[must_use]
    pub fn unknown(kind: Kind) -> Self {
        Self {
            kind,
            involvement: Verdict::Unknown,
            roles: BTreeSet::new(),
            suppressed: false,
            authors: PersonSet::default(),
            author_level: Level(0),
            paths: Vec::new(),
            owners: BTreeSet::new(),
            tier: None,
            environment: Environment::Unknown,
            effects: BTreeSet::from([Verb::Unknown]),
            reach: Reach::default(),
            irreversible: None,
            usage: None,
            lines: 0,
            files: 0,
            changed_at: None,
        }
    }
}
