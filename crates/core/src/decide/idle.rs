//! Approvals that count and bring a change no further, and why.

use super::{Judge, RuleResult};
use crate::policy::{MinLevel, Outcome, Requirement, Team};
use crate::roster::{Level, Roster};

/// What an approval lacks to meet a requirement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lacks {
    /// The signer is below this level.
    Level(Level),
    /// The signer is not above the author.
    AboveAuthor,
    /// The signer is not in this team.
    Team(Team),
    /// The signer is the manager or a direct report of an author.
    Independence,
    /// It was signed for other commits with the same content.
    Exactness,
}

/// An approval that counts and meets no requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    /// Place of the signer in the roster.
    pub person: usize,
    /// What it lacks for the requirements that were asked for, each once.
    pub lacks: Vec<Lacks>,
}

impl Lacks {
    /// As a part of a sentence about the signer: "below senior".
    pub(super) fn text(&self, roster: &Roster) -> String {
        match self {
            Self::Level(level) => format!("below {}", roster.levels().name(*level)),
            Self::AboveAuthor => "not above the author".to_owned(),
            Self::Team(Team::Owners) => "not in an owning team".to_owned(),
            Self::Team(Team::Named(team)) => format!("not in team {team}"),
            Self::Independence => "not independent of the author".to_owned(),
            Self::Exactness => "signed other commits with this content".to_owned(),
        }
    }
}

impl Judge<'_> {
    /// Approvals that no requirement of the rules that apply takes.
    pub(super) fn idle(&self, rules: &[RuleResult]) -> Vec<Idle> {
        let mut asked = Vec::new();
        for (rule, text) in rules.iter().zip(&self.policy.rules) {
            let result = match rule {
                RuleResult::Broken { was, .. } => was,
                other => other,
            };
            if let (RuleResult::Requires { results, .. }, Outcome::Require(requirements)) =
                (result, &text.outcome)
            {
                let pairs = requirements.iter().zip(results);
                asked.extend(pairs.filter(|(requirement, _)| requirement.signoffs > 0));
            }
        }
        if asked.is_empty() {
            return Vec::new();
        }
        let counts = |person| {
            asked
                .iter()
                .any(|(_, result)| result.counted.contains(person))
        };
        let idle = self.approved.iter().filter(|person| !counts(*person));
        idle.map(|person| {
            let lacks = asked.iter().filter_map(|(it, _)| self.lacks(person, it));
            let mut lacks: Vec<Lacks> = lacks.collect();
            lacks.sort();
            lacks.dedup();
            Idle { person, lacks }
        })
        .collect()
    }

    /// The first thing that keeps an approval from meeting a requirement.
    fn lacks(&self, person: usize, requirement: &Requirement) -> Option<Lacks> {
        let level = self.roster.person(person)?.level;
        let author = self.facts.author_level;
        let least = match requirement.level {
            MinLevel::Level(level) => Some(level),
            MinLevel::Highest => self.highest_present(),
        };
        if let Some(least) = least.filter(|least| level < *least) {
            return Some(Lacks::Level(least));
        }
        if requirement.above_author && level <= author {
            return Some(Lacks::AboveAuthor);
        }
        if let Some(team) = &requirement.team
            && !self.team(team).contains(person)
        {
            return Some(Lacks::Team(team.clone()));
        }
        let mut authors = self.facts.authors.iter();
        if requirement.independent && authors.any(|it| self.roster.line(it).contains(person)) {
            return Some(Lacks::Independence);
        }
        let carried = requirement.exact && !self.approved_exactly.contains(person);
        carried.then_some(Lacks::Exactness)
    }
}
