//! A change as one policy sees it: every fact reduced to what its conditions
//! can tell apart.

use jiff::Timestamp;

use crate::effect::{Environment, Verb};
use crate::facts::{Facts, Kind};
use crate::involvement::{Role, Verdict};
use crate::roster::{Level, team_name};
use crate::usage::Maturity;

use super::Policy;

/// A change as one policy sees it. Paths, owners and windows are answered per
/// entry of the policy's own lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Which of the four kinds.
    pub kind: Kind,
    /// Did AI take part?
    pub involvement: Verdict,
    /// What AI did, one bit per [`Role`].
    pub roles: u8,
    /// Whether markers are suppressed.
    pub suppressed: bool,
    /// The lowest level among those who made it.
    pub author_level: Level,
    /// For each path set: does any path match?
    pub paths_any: Vec<bool>,
    /// For each path set: do all paths match?
    pub paths_all: Vec<bool>,
    /// For each owner of the policy: does it own a touched path?
    pub owners: Vec<bool>,
    /// The most important tier touched.
    pub tier: u64,
    /// Where it lands; never unknown.
    pub environment: Environment,
    /// What it does, one bit per [`Verb`].
    pub effects: u8,
    /// Services reached, upper bound.
    pub services: Option<u64>,
    /// Customer functions reached, upper bound.
    pub functions: Option<u64>,
    /// Percent of customers exposed, upper bound.
    pub customers: Option<u64>,
    /// Whether state is destroyed without a surviving backup.
    pub irreversible: Option<bool>,
    /// The most cautious maturity among the AI uses seen.
    pub usage: Option<Maturity>,
    /// Lines added and deleted.
    pub lines: u64,
    /// Files touched.
    pub files: u64,
    /// For each window: is it open?
    pub windows: Vec<bool>,
}

impl Observed {
    /// Whether AI had this role.
    #[must_use]
    pub const fn has_role(&self, role: Role) -> bool {
        self.roles & (1 << role as u8) != 0
    }

    /// Whether any effect has this verb.
    #[must_use]
    pub const fn has_effect(&self, verb: Verb) -> bool {
        self.effects & (1 << verb as u8) != 0
    }
}

impl Policy {
    /// Reduces a change's facts, at one moment, to what this policy can tell
    /// apart. Globs and time zones are evaluated here and nowhere else.
    #[must_use]
    pub fn observe(&self, facts: &Facts, now: Timestamp) -> Observed {
        let mut paths_any = vec![false; self.paths.len()];
        let mut paths_all = vec![!facts.paths.is_empty(); self.paths.len()];
        for path in &facts.paths {
            let candidate = globset::Candidate::new(path);
            for ((set, any), all) in self.paths.iter().zip(&mut paths_any).zip(&mut paths_all) {
                // Where nobody can tell, it counts against the change.
                let matches = set
                    .set()
                    .is_none_or(|set| set.is_match_candidate(&candidate));
                *any |= matches;
                *all &= matches;
            }
        }
        let environment = match facts.environment {
            Environment::Unknown => self.settings.unknown_environment,
            known => known,
        };
        Observed {
            kind: facts.kind,
            involvement: facts.involvement,
            roles: facts
                .roles
                .iter()
                .fold(0, |bits, role| bits | 1 << *role as u8),
            suppressed: facts.suppressed,
            author_level: facts.author_level,
            paths_any,
            paths_all,
            owners: self
                .owners
                .iter()
                .map(|owner| {
                    facts
                        .owners
                        .iter()
                        .any(|o| o == owner || team_name(o) == owner)
                })
                .collect(),
            tier: facts.tier.unwrap_or(self.settings.unmapped_tier),
            environment,
            effects: facts
                .effects
                .iter()
                .fold(0, |bits, verb| bits | 1 << *verb as u8),
            services: facts.reach.services,
            functions: facts.reach.functions,
            customers: facts.reach.customers,
            irreversible: facts.irreversible,
            usage: facts.usage,
            lines: facts.lines,
            files: facts.files,
            windows: self
                .windows
                .iter()
                .map(|window| window.contains(now))
                .collect(),
        }
    }
}
