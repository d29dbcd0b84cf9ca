//! Rules that turn facts into requirements.
//!
//! A policy is a list of rules over a closed set of finite or ordered facts,
//! so that evaluation always ends and its meaning can be enumerated
//! ([`diff`], [`check`]). Rules only ever add requirements: no rule can take
//! away what another asks for.

pub mod check;
pub mod diff;

mod break_glass;
mod cells;
mod condition;
mod file;
mod observe;
mod protected;
mod raw;
mod requirement;
mod self_review;
mod window;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use break_glass::BreakGlassTerms;
pub use condition::{Bound, Condition, LevelBound, Truth};
pub use file::{DEFAULT, parse};
pub use observe::Observed;
pub use protected::Protected;
pub use requirement::{MinLevel, Requirement, Team};
pub use self_review::SelfReview;
pub use window::Window;

use crate::decide::rule_applies;
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

/// Whether an approval has to answer the questions that rules raise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// They are asked; an approval counts without.
    #[default]
    Optional,
    /// An approval without an answer to each does not count.
    Required,
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
    /// Which branches the gate protects.
    pub protected: Protected,
    /// Who may break the glass, and on what terms.
    pub break_glass: BreakGlassTerms,
    /// Whether approvals must answer the questions that rules raise.
    pub answers: Answers,
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
            protected: Protected::default(),
            break_glass: BreakGlassTerms::default(),
            answers: Answers::default(),
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
    /// Whether a break-glass may lift it: what requires sign-offs unless the
    /// rule says no, what refuses only where the rule says so.
    pub break_glass: bool,
    /// What it asks whoever signs, to be answered in the signed statement.
    pub questions: Vec<String>,
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
    /// What authors must do before anyone else is asked.
    pub self_review: Option<SelfReview>,
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
            None => DEFAULT.replace(
                "\"senior\"",
                &format!("{:?}", levels.name(stand_in(levels))),
            ),
        };
        parse(&text, "built-in policy", levels)
    }

    /// The questions that the rules which apply raise, each once, in the order
    /// of the policy.
    #[must_use]
    pub fn questions(&self, seen: &Observed) -> Vec<&str> {
        let mut questions = Vec::new();
        for rule in &self.rules {
            let open = !rule.questions.is_empty() && rule_applies(rule, seen);
            for question in rule.questions.iter().filter(|_| open) {
                if !questions.contains(&question.as_str()) {
                    questions.push(question.as_str());
                }
            }
        }
        questions
    }

    /// The self-review that is asked of the authors of a change.
    #[must_use]
    pub fn self_review_of(&self, seen: &Observed) -> Option<&SelfReview> {
        self.self_review
            .as_ref()
            .filter(|review| review.applies(self, seen))
    }

    /// The rule with this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// The level that stands for "senior" where nobody is called that: the one
/// below the highest, but never the lowest if there is a choice.
fn stand_in(levels: &Levels) -> Level {
    let highest = levels.highest();
    Level(highest.0.saturating_sub(1).max(1).min(highest.0))
}
