//! What a rule can ask about a change.

use crate::effect::{Environment, Verb};
use crate::facts::Kind;
use crate::involvement::{Role, Verdict};
use crate::roster::{Level, Levels};
use crate::usage::Maturity;

use super::{Observed, Policy};

/// The three answers to a question about facts that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// It does not hold.
    False,
    /// The fact is missing.
    Unknown,
    /// It holds.
    True,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// A range of whole numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Not less than.
    pub at_least: Option<u64>,
    /// Not more than.
    pub at_most: Option<u64>,
}

impl Bound {
    fn holds(self, value: Option<u64>) -> Truth {
        value.map_or(Truth::Unknown, |value| {
            let above = self.at_least.is_none_or(|least| value >= least);
            let below = self.at_most.is_none_or(|most| value <= most);
            (above && below).into()
        })
    }

    fn text(self) -> String {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("{least} or more"),
            (None, Some(most)) => format!("{most} or less"),
            (None, None) => "anything".to_owned(),
        }
    }
}

/// A range of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelBound {
    /// Strictly below this level.
    pub below: Option<Level>,
    /// This level or above.
    pub at_least: Option<Level>,
}

/// One question about a change. Lists hold when any entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The kind of change.
    Kind(Vec<Kind>),
    /// The involvement verdict.
    Involvement(Vec<Verdict>),
    /// What AI did.
    Roles(Vec<Role>),
    /// Whether markers are suppressed.
    Suppressed(bool),
    /// The level of the author.
    Author(LevelBound),
    /// Any touched path matches (place in [`Policy::paths`]).
    Paths(usize),
    /// Every touched path matches (place in [`Policy::paths`]).
    OnlyPaths(usize),
    /// Any touched path has one of these owners (places in [`Policy::owners`]).
    Owners(Vec<usize>),
    /// The most important tier touched.
    Tier(Bound),
    /// Where it lands.
    Environment(Vec<Environment>),
    /// Any effect has one of these verbs.
    Effects(Vec<Verb>),
    /// Services reached, upper bound.
    Services(Bound),
    /// Customer functions down or degraded, upper bound.
    Functions(Bound),
    /// Share of customers exposed in percent, upper bound.
    Customers(Bound),
    /// Whether state is destroyed without a surviving backup.
    Irreversible(bool),
    /// The maturity of the AI use.
    Usage(Vec<Maturity>),
    /// Lines added and deleted.
    Lines(Bound),
    /// Files touched.
    Files(Bound),
    /// The time lies in one of these windows (places in [`Policy::windows`]).
    During(Vec<usize>),
}

impl Condition {
    /// Whether it holds for a change.
    #[must_use]
    pub fn holds(&self, seen: &Observed) -> Truth {
        let flag = |list: &[bool], index: &usize| list.get(*index).copied().unwrap_or(true);
        match self {
            Self::Kind(kinds) => kinds.contains(&seen.kind).into(),
            Self::Involvement(verdicts) => verdicts.contains(&seen.involvement).into(),
            Self::Roles(roles) => roles.iter().any(|role| seen.has_role(*role)).into(),
            Self::Suppressed(wanted) => (*wanted == seen.suppressed).into(),
            Self::Author(bound) => {
                let below = bound.below.is_none_or(|level| seen.author_level < level);
                let above = bound
                    .at_least
                    .is_none_or(|level| seen.author_level >= level);
                (below && above).into()
            }
            Self::Paths(set) => flag(&seen.paths_any, set).into(),
            Self::OnlyPaths(set) => seen.paths_all.get(*set).copied().unwrap_or(false).into(),
            Self::Owners(owners) => owners.iter().any(|owner| flag(&seen.owners, owner)).into(),
            Self::Tier(bound) => bound.holds(Some(seen.tier)),
            Self::Environment(list) => list.contains(&seen.environment).into(),
            Self::Effects(verbs) => {
                if verbs.iter().any(|verb| seen.has_effect(*verb)) {
                    Truth::True
                } else if seen.has_effect(Verb::Unknown) {
                    Truth::Unknown
                } else {
                    Truth::False
                }
            }
            Self::Services(bound) => bound.holds(seen.services),
            Self::Functions(bound) => bound.holds(seen.functions),
            Self::Customers(bound) => bound.holds(seen.customers),
            Self::Irreversible(wanted) => seen
                .irreversible
                .map_or(Truth::Unknown, |is| (is == *wanted).into()),
            Self::Usage(list) => seen
                .usage
                .is_some_and(|maturity| list.contains(&maturity))
                .into(),
            Self::Lines(bound) => bound.holds(Some(seen.lines)),
            Self::Files(bound) => bound.holds(Some(seen.files)),
            Self::During(windows) => windows
                .iter()
                .any(|window| flag(&seen.windows, window))
                .into(),
        }
    }

    /// The question as a person would say it: "involvement is yes or unknown".
    #[must_use]
    pub fn text(&self, policy: &Policy) -> String {
        let globs = |set: &usize| {
            let globs = policy.paths.get(*set).map(|set| set.globs.as_slice());
            or_list(
                globs
                    .unwrap_or_default()
                    .iter()
                    .map(|glob| format!("`{glob}`")),
            )
        };
        match self {
            Self::Kind(kinds) => or_list(kinds.iter().map(|kind| format!("a {}", kind.as_str()))),
            Self::Involvement(list) => {
                format!(
                    "AI involvement is {}",
                    or_list(list.iter().map(|v| v.as_str()))
                )
            }
            Self::Roles(list) => format!("AI {}", or_list(list.iter().map(|role| role.as_str()))),
            Self::Suppressed(true) => "AI markers are suppressed".to_owned(),
            Self::Suppressed(false) => "AI markers are not suppressed".to_owned(),
            Self::Author(bound) => level_text(*bound, &policy.levels),
            Self::Paths(set) => format!("touches {}", globs(set)),
            Self::OnlyPaths(set) => format!("touches only {}", globs(set)),
            Self::Owners(list) => {
                let names = list.iter().filter_map(|owner| policy.owners.get(*owner));
                format!("owned by {}", or_list(names))
            }
            Self::Tier(bound) => format!("tier {}", bound.text()),
            Self::Environment(list) => {
                format!("lands in {}", or_list(list.iter().map(|e| e.as_str())))
            }
            Self::Effects(list) => {
                let verbs = or_list(list.iter().map(|verb| effect_text(*verb)));
                format!("{verbs} something")
            }
            Self::Services(bound) => format!("reaches {} services", bound.text()),
            Self::Functions(bound) => format!("reaches {} customer functions", bound.text()),
            Self::Customers(bound) => format!("exposes {} % of customers", bound.text()),
            Self::Irreversible(true) => "destroys state without a backup".to_owned(),
            Self::Irreversible(false) => "destroys no state without a backup".to_owned(),
            Self::Usage(list) => {
                format!("AI usage is {}", or_list(list.iter().map(|m| m.as_str())))
            }
            Self::Lines(bound) => format!("changes {} lines", bound.text()),
            Self::Files(bound) => format!("touches {} files", bound.text()),
            Self::During(list) => {
                let names = list.iter().filter_map(|window| policy.windows.get(*window));
                format!("during {}", or_list(names.map(|window| window.id.as_str())))
            }
        }
    }
}

/// What is done to something, as a person would say it.
pub(super) const fn effect_text(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "reads",
        Verb::Create => "creates",
        Verb::Update => "updates",
        Verb::Forget => "forgets",
        Verb::Disrupt => "disrupts",
        Verb::Replace => "replaces",
        Verb::Delete => "deletes",
        Verb::Unknown => "may do anything to",
    }
}

fn level_text(bound: LevelBound, levels: &Levels) -> String {
    match (bound.below, bound.at_least) {
        (Some(below), Some(least)) => format!(
            "author is at least {} and below {}",
            levels.name(least),
            levels.name(below)
        ),
        (Some(below), None) => format!("author is below {}", levels.name(below)),
        (None, Some(least)) => format!("author is at least {}", levels.name(least)),
        (None, None) => "any author".to_owned(),
    }
}

/// "a", "a or b", "a, b or c".
pub(crate) fn or_list(words: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
