//! Rules that people broke in an emergency: never an approval, a state of its
//! own. The change goes ahead although the rule is not met.

use jiff::Timestamp;

use super::{IgnoredBecause, Judge, RuleResult, Way};
use crate::roster::PersonSet;

/// A verified break-glass by a person about exactly this content, on exactly
/// this tip of the protected branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// Place of the signer in the roster.
    pub person: usize,
    /// Ids of the rules it covers; no others are lifted.
    pub rules: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// When the after-review is due, by its signer.
    pub review_due: Timestamp,
}

/// Everything that people have signed about a change.
#[derive(Debug, Clone, Copy, Default)]
pub struct Statements<'a> {
    /// Approvals and vetoes.
    pub signoffs: &'a [super::SignOff],
    /// What was broken.
    pub break_glass: &'a [BreakGlass],
}

impl<'a> From<&'a [super::SignOff]> for Statements<'a> {
    fn from(signoffs: &'a [super::SignOff]) -> Self {
        Self {
            signoffs,
            break_glass: &[],
        }
    }
}

impl<'a, const N: usize> From<&'a [super::SignOff; N]> for Statements<'a> {
    fn from(signoffs: &'a [super::SignOff; N]) -> Self {
        Self::from(signoffs.as_slice())
    }
}

impl<'a> From<&'a Vec<super::SignOff>> for Statements<'a> {
    fn from(signoffs: &'a Vec<super::SignOff>) -> Self {
        Self::from(signoffs.as_slice())
    }
}

/// How far a rule that is not met was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Who broke it and counts.
    pub by: PersonSet,
    /// How many different persons it takes.
    pub needed: usize,
    /// When the after-review is due.
    pub review_due: Timestamp,
}

impl Broken {
    /// Whether enough people did.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.by.len() >= self.needed
    }
}

impl Judge<'_> {
    /// Splits what counts from what does not.
    pub(super) fn count_broken(&mut self, said: &[BreakGlass]) -> Vec<BreakGlass> {
        let terms = &self.policy.settings.break_glass;
        let mut counted = Vec::new();
        for it in said {
            let person = self.roster.person(it.person);
            let because = if self.facts.authors.contains(it.person) {
                Some(IgnoredBecause::Author)
            } else if !person.is_some_and(|person| person.active) {
                Some(IgnoredBecause::Inactive)
            } else if it.at > self.now {
                Some(IgnoredBecause::Future)
            } else if self.now.duration_since(it.at) >= terms.expires {
                Some(IgnoredBecause::Expired)
            } else if person.is_some_and(|person| person.level < terms.level) {
                Some(IgnoredBecause::LevelTooLowToBreakGlass)
            } else {
                None
            };
            match because {
                Some(because) => self.ignored_break_glass.push((it.person, because)),
                None => counted.push(it.clone()),
            }
        }
        counted
    }

    /// Lifts the rules that are not met, were broken by enough people, and may
    /// be. `way` is what would satisfy them otherwise.
    pub(super) fn lift(
        &self,
        rules: Vec<RuleResult>,
        way: &Way,
        said: &[BreakGlass],
        tier: u64,
    ) -> Vec<RuleResult> {
        let needed = self.policy.settings.break_glass.persons(tier);
        rules
            .into_iter()
            .zip(&self.policy.rules)
            .enumerate()
            .map(|(place, (result, rule))| {
                let short = !result.is_met()
                    || way.acts.iter().any(|act| act.rules.contains(&place))
                    || way.blocked.iter().any(|(rule, _)| *rule == place);
                if !short || !rule.break_glass {
                    return result;
                }
                match self.broken(&rule.id, needed, said) {
                    Some(broken) => RuleResult::Broken {
                        broken,
                        was: Box::new(result),
                    },
                    None => result,
                }
            })
            .collect()
    }

    fn broken(&self, rule: &str, needed: usize, said: &[BreakGlass]) -> Option<Broken> {
        let covers = |it: &&BreakGlass| it.rules.iter().any(|id| id == rule);
        let within = self.policy.settings.break_glass.review_within;
        let due = |it: &BreakGlass| {
            let latest = it.at.checked_add(within);
            let due = latest.map_or(it.review_due, |latest| it.review_due.min(latest));
            // Fractions of a second help nobody; never later by them.
            Timestamp::from_second(due.as_second()).unwrap_or(due)
        };
        let covering: Vec<&BreakGlass> = said.iter().filter(covers).collect();
        Some(Broken {
            by: covering.iter().map(|it| it.person).collect(),
            needed,
            review_due: covering.iter().map(|it| due(it)).min()?,
        })
    }
}
