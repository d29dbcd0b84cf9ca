//! Rules that turn facts into requirements.
//!
//! A policy is a list of rules over a closed set of finite or ordered facts,
//! so that evaluation always ends and its meaning can be enumerated
//! ([`diff`], [`check`]). Rules only ever add requirements: no rule can take
//! away what another asks for.

pub mod check;
pub mod diff;

mod cells;
mod condition;
mod file;
mod observe;
mod raw;
mod requirement;
mod window;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use condition::{Bound, Condition, LevelBound, Truth};
pub use file::{DEFAULT, parse};
pub use observe::Observed;
pub use requirement::{MinLevel, Requirement, Team};
pub use window::Window;

use crate::effect::Environment;
use crate::roster::{Level, Levels};

/// Whether a decision stops a change or is only shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Same verdicts, but nothing is stopped: for adopting.
    Shadow,
    /// Verdicts stop changes.
    #[default]
    Enforce,
}

/// What holds for the policy as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether decisions stop changes.
    pub mode: Mode,
    /// How an environment that nobody knows is treated.
    pub unknown_environment: Environment,
    /// The tier of paths that no catalogue entry covers (0 is highest).
    pub unmapped_tier: u64,
    /// How long a sign-off counts.
    pub signoff_expires: Option<SignedDuration>,
    /// The lowest level whose veto counts.
    pub veto_level: Level,
    /// Whether authorship that an editor observed line by line (git-ai notes)
    /// can say that people alone made a commit. Notes are unsigned, so whoever
    /// can push can claim it; off unless the organisation guards the ref.
    pub trust_authorship_notes: bool,
    /// The most guarded environment in which the operator of an agent may pass
    /// what that agent wants to do. Beyond it another person has to.
    pub operator_may_pass: Environment,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            unknown_environment: Environment::Production,
            unmapped_tier: 3,
            signoff_expires: None,
            veto_level: Level(0),
            trust_authorship_notes: false,
            operator_may_pass: Environment::Staging,
        }
    }
}

/// What a rule asks for when it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of these.
    Require(Vec<Requirement>),
    /// The change cannot go ahead, whoever signs.
    Refuse,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Short name, unique in the policy.
    pub id: String,
    /// Why the rule exists, for people it stops.
    pub why: String,
    /// All must hold for the rule to apply. A fact that is unknown holds.
    pub when: Vec<Condition>,
    /// When all of these hold, the rule does not apply. Unknown does not hold.
    pub unless: Vec<Condition>,
    /// What it asks for.
    pub outcome: Outcome,
    /// The window of the temporary pack it belongs to.
    pub pack: Option<usize>,
}

/// Rules that hold for a time, with the reason to end them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Short name.
    pub id: String,
    /// Who answers for it.
    pub owner: String,
    /// First moment in force.
    pub from: Timestamp,
    /// First moment no longer in force.
    pub until: Timestamp,
    /// What has to be true for it to end, in words.
    pub exit: String,
}

/// A named set of paths, matched as a whole.
#[derive(Debug, Clone)]
pub struct PathSet {
    /// The globs as written.
    pub globs: Vec<String>,
    pub(crate) parsed: Vec<globset::Glob>,
    /// Made when a path is matched first: building it costs more than a guard
    /// that judges a command without paths has.
    pub(crate) set: std::sync::OnceLock<Option<globset::GlobSet>>,
}

impl PathSet {
    /// The matcher; `None` when the globs together are too large for one.
    pub(crate) fn set(&self) -> Option<&globset::GlobSet> {
        self.set
            .get_or_init(|| {
                let mut builder = globset::GlobSetBuilder::new();
                for glob in &self.parsed {
                    builder.add(glob.clone());
                }
                builder.build().ok()
            })
            .as_ref()
    }
}

impl PartialEq for PathSet {
    fn eq(&self, other: &Self) -> bool {
        self.globs == other.globs
    }
}

/// A policy, ready to judge.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Where it was read from, for people.
    pub file: String,
    /// SHA-256 of its text, lower-case hexadecimal.
    pub digest: String,
    /// What holds for the policy as a whole.
    pub settings: Settings,
    /// The rules, in the order of the file; rules of packs last.
    pub rules: Vec<Rule>,
    /// Temporary packs.
    pub packs: Vec<Pack>,
    /// Path sets that conditions refer to.
    pub paths: Vec<PathSet>,
    /// Owners that conditions refer to.
    pub owners: Vec<String>,
    /// Windows that conditions and packs refer to.
    pub windows: Vec<Window>,
    /// The levels it was read against.
    pub levels: Levels,
}

impl Policy {
    /// The built-in policy, for repositories that have none of their own.
    ///
    /// # Errors
    /// When `levels` lacks the level `senior`, which the built-in policy names:
    /// then the level just below the highest stands in for it, so this does not
    /// happen for any roster of two levels or more.
    pub fn builtin(levels: &Levels) -> Result<Self, Vec<crate::problem::Problem>> {
        let text = match levels.get("senior") {
            Some(_) => DEFAULT.to_owned(),
            None => DEFAULT.replace("\"senior\"", &format!("{:?}", stand_in(levels))),
        };
        parse(&text, "built-in policy", levels)
    }

    /// The rule with this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// The level that stands for "senior" where nobody is called that: the one
/// below the highest, but never the lowest if there is a choice.
fn stand_in(levels: &Levels) -> &str {
    let highest = levels.highest();
    let below = Level(highest.0.saturating_sub(1).max(1).min(highest.0));
    levels.name(below)
}
