//! The one decision for all four kinds of change.
//!
//! [`decide`] is a pure function: policy, roster, facts, sign-offs, load and
//! the time go in; the same inputs give the same bytes. Anything that could
//! not be established counts as a requirement that is not met.

mod break_glass;
mod cover;
mod explain;
mod idle;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::policy::{MinLevel, Observed, Outcome, Policy, Requirement, Rule, Team, Truth};
use crate::roster::{PersonSet, Roster};

pub use break_glass::{BreakGlass, Broken, Statements};
pub use explain::{
    ExplainedAct, ExplainedBroken, ExplainedIdle, ExplainedIgnored, ExplainedRequirement,
    ExplainedRule, ExplainedSelfReview, Explanation, StandIn,
};
pub use idle::{Idle, Lacks};

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may go ahead.
    Allow,
    /// It needs sign-offs or time.
    Hold,
    /// It cannot go ahead as it is, whoever signs.
    Refuse,
}

impl Verdict {
    /// The word used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

/// What a signer said. Who signed what has been verified before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Go ahead.
    Approve,
    /// Do not.
    Veto,
}

/// A verified statement by a person about exactly this content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignOff {
    /// Place of the signer in the roster.
    pub person: usize,
    /// What was said.
    pub said: Said,
    /// When.
    pub at: Timestamp,
    /// It is about the very commits, not carried over from others.
    pub exact: bool,
}

/// Why a sign-off does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IgnoredBecause {
    /// The signer made the change, or operated the agent that did.
    Author,
    /// The signer is no longer active.
    Inactive,
    /// It was given too long ago.
    Expired,
    /// It is dated in the future.
    Future,
    /// The signer's level may not veto.
    LevelTooLowToVeto,
    /// The signer's level may not break the glass.
    LevelTooLowToBreakGlass,
}

impl IgnoredBecause {
    /// The reason as a sentence part.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Author => "made the change, so cannot sign it off",
            Self::Inactive => "is no longer active",
            Self::Expired => "signed too long ago",
            Self::Future => "signed at a time that has not come yet",
            Self::LevelTooLowToVeto => "is below the level that may veto",
            Self::LevelTooLowToBreakGlass => "is below the level that may break the glass",
        }
    }
}

/// How one requirement stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementResult {
    /// Who has signed and counts.
    pub counted: PersonSet,
    /// Who has not signed, is available and could.
    pub eligible: PersonSet,
    /// Who has not signed and could, but is away.
    pub away: PersonSet,
    /// Who has signed other commits with the same content, where that is not
    /// enough.
    pub carried: PersonSet,
    /// Sign-offs still missing.
    pub missing: u32,
    /// When the cooling time ends, if it has not.
    pub waits_until: Option<Timestamp>,
    /// The cooling time cannot be measured: the age of the content is unknown.
    pub age_unknown: bool,
}

impl RequirementResult {
    /// Whether nothing is missing.
    #[must_use]
    pub const fn is_met(&self) -> bool {
        self.missing == 0 && self.waits_until.is_none() && !self.age_unknown
    }
}

/// How one rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleResult {
    /// It does not apply: this condition (place in `when`) does not hold.
    NotWhen(usize),
    /// It does not apply: its `unless` holds.
    Excepted,
    /// It does not apply: its pack is not in force.
    NotInForce,
    /// It applies and refuses. Conditions listed were assumed, not known.
    Refuses {
        /// Places in `when` whose fact was missing.
        assumed: Vec<usize>,
    },
    /// It applies and asks for these.
    Requires {
        /// Places in `when` whose fact was missing.
        assumed: Vec<usize>,
        /// One per requirement, in order.
        results: Vec<RequirementResult>,
    },
    /// It applies, is not met, and was broken; by enough people or not yet.
    Broken {
        /// Who broke it, and who has to look at it afterwards.
        broken: Broken,
        /// How it stands otherwise.
        was: Box<Self>,
    },
}

impl RuleResult {
    /// Whether it asks for nothing more; a broken rule is not met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self {
            Self::NotWhen(_) | Self::Excepted | Self::NotInForce => true,
            Self::Refuses { .. } | Self::Broken { .. } => false,
            Self::Requires { results, .. } => results.iter().all(RequirementResult::is_met),
        }
    }

    /// What stops the change: nothing of a rule that enough people broke.
    fn stands(&self) -> Option<&Self> {
        match self {
            Self::Broken { broken, .. } if broken.holds() => None,
            Self::Broken { was, .. } => Some(was),
            other => Some(other),
        }
    }
}

/// One act that would bring the change forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who could do it, best first: below their limit of open work, then least
    /// loaded, then least senior, then id. Someone who is away and named a
    /// delegate takes part in that order, and the delegate has their place.
    pub candidates: Vec<usize>,
    /// Candidates who stand in for someone who is away: (delegate, for whom).
    /// They sign under their own name and must be eligible themselves.
    pub stand_ins: Vec<(usize, usize)>,
    /// The rules it serves, by place.
    pub rules: Vec<usize>,
}

/// The shortest lawful way forward.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// As few sign-offs as possible; each by a different person.
    pub acts: Vec<Act>,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// Requirements that nobody can satisfy, as (rule, requirement) places.
    pub blocked: Vec<(usize, usize)>,
    /// People who made the change and are not on the roster. Until they are
    /// identified, one sign-off alone does not count: it may be their own.
    pub identify: Vec<String>,
    /// Where a self-review is asked for and not there: who can give it. It comes
    /// before anyone else is asked.
    pub self_review: Option<PersonSet>,
}

/// The decision, as a tree of reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// One result per rule, in the order of the policy.
    pub rules: Vec<RuleResult>,
    /// Whose vetoes stand.
    pub vetoes: PersonSet,
    /// Sign-offs that do not count, and why.
    pub ignored: Vec<(SignOff, IgnoredBecause)>,
    /// Approvals that count and meet no requirement, and what they lack.
    pub idle: Vec<Idle>,
    /// Whose break-glass does not count, by place in the roster, and why.
    pub ignored_break_glass: Vec<(usize, IgnoredBecause)>,
    /// What would bring it forward.
    pub way: Way,
}

impl Decision {
    /// Whether it goes ahead only because rules were broken.
    #[must_use]
    pub fn is_overridden(&self) -> bool {
        self.verdict == Verdict::Allow
            && self
                .rules
                .iter()
                .any(|rule| matches!(rule, RuleResult::Broken { .. }))
    }
}

/// How loaded each person is, by place in the roster. Missing entries are 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Load {
    /// Minutes of sign-off work done this week or waiting for them.
    pub minutes: Vec<u32>,
    /// Changes waiting for them.
    pub waiting: Vec<u32>,
}

impl Load {
    /// Nobody has anything to do.
    #[must_use]
    pub fn none(roster: &Roster) -> Self {
        Self {
            minutes: vec![0; roster.people().len()],
            waiting: vec![0; roster.people().len()],
        }
    }

    /// Minutes done or waiting.
    #[must_use]
    pub fn minutes_of(&self, person: usize) -> u32 {
        self.minutes.get(person).copied().unwrap_or(0)
    }

    /// Changes waiting.
    #[must_use]
    pub fn waiting_of(&self, person: usize) -> u32 {
        self.waiting.get(person).copied().unwrap_or(0)
    }

    /// Adds work that was done.
    pub fn add_done(&mut self, person: usize, minutes: u32) {
        if let Some(sum) = self.minutes.get_mut(person) {
            *sum = sum.saturating_add(minutes);
        }
    }

    /// Adds a change that waits.
    pub fn add_waiting(&mut self, person: usize, minutes: u32) {
        self.add_done(person, minutes);
        if let Some(open) = self.waiting.get_mut(person) {
            *open = open.saturating_add(1);
        }
    }

    /// Whether someone has as much open work as they may have at once.
    #[must_use]
    pub fn is_at_limit(&self, roster: &Roster, person: usize) -> bool {
        let limit = roster.person(person).and_then(|person| person.wip_limit);
        limit.is_some_and(|limit| self.waiting_of(person) >= limit)
    }
}

/// Judges one change.
///
/// `seen` must come from [`Policy::observe`] on the same facts at the same
/// time; it is an argument so that replaying many policies or times over the
/// same facts need not match paths again.
#[must_use]
pub fn decide<'a>(
    policy: &Policy,
    roster: &Roster,
    facts: &Facts,
    seen: &Observed,
    said: impl Into<Statements<'a>>,
    load: &Load,
    now: Timestamp,
) -> Decision {
    let said = said.into();
    let mut judge = Judge::new(policy, roster, facts, now);
    for signoff in said.signoffs {
        judge.count(*signoff);
    }
    let broken = judge.count_broken(said.break_glass);
    let rules: Vec<RuleResult> = policy
        .rules
        .iter()
        .map(|rule| judge.rule(rule, seen))
        .collect();
    let self_review = policy
        .self_review_of(seen)
        .filter(|_| !facts.self_reviewed)
        .map(|_| judge.reviewers());
    judge.conclude(rules, self_review, &broken, seen.tier, load)
}

/// Whether a rule applies, and on which assumptions.
enum Applies {
    No(RuleResult),
    Yes { assumed: Vec<usize> },
}

fn applies(rule: &Rule, seen: &Observed) -> Applies {
    if let Some(window) = rule.pack
        && !seen.windows.get(window).copied().unwrap_or(true)
    {
        return Applies::No(RuleResult::NotInForce);
    }
    let mut assumed = Vec::new();
    for (place, condition) in rule.when.iter().enumerate() {
        match condition.holds(seen) {
            Truth::False => return Applies::No(RuleResult::NotWhen(place)),
            Truth::Unknown => assumed.push(place),
            Truth::True => {}
        }
    }
    let excepted = !rule.unless.is_empty()
        && rule
            .unless
            .iter()
            .all(|condition| condition.holds(seen) == Truth::True);
    if excepted {
        return Applies::No(RuleResult::Excepted);
    }
    Applies::Yes { assumed }
}

/// Whether a rule applies at all; the part of judging that needs no people.
#[must_use]
pub fn rule_applies(rule: &Rule, seen: &Observed) -> bool {
    matches!(applies(rule, seen), Applies::Yes { .. })
}

struct Judge<'a> {
    policy: &'a Policy,
    roster: &'a Roster,
    facts: &'a Facts,
    /// Available people who did not make the change.
    available: PersonSet,
    /// People who would be, were they not away.
    away: PersonSet,
    approved: PersonSet,
    /// Who of them approved the very commits.
    approved_exactly: PersonSet,
    vetoes: PersonSet,
    ignored: Vec<(SignOff, IgnoredBecause)>,
    ignored_break_glass: Vec<(usize, IgnoredBecause)>,
    now: Timestamp,
}

/// What is left when a given set of rules applies and nobody has signed yet.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Sign-offs that would satisfy all rules together.
    pub signoffs: usize,
    /// Requirements that nobody can satisfy, as (rule, requirement) places.
    pub blocked: Vec<(usize, usize)>,
}

/// Judges as if exactly these rules (places in the policy) applied: the part
/// of [`decide`] that asks who could sign, for checking whole policies.
#[must_use]
pub fn judge_rules(
    policy: &Policy,
    roster: &Roster,
    facts: &Facts,
    rules: &[usize],
    now: Timestamp,
) -> Judged {
    let judge = Judge::new(policy, roster, facts, now);
    let results: Vec<RuleResult> = policy
        .rules
        .iter()
        .enumerate()
        .map(|(place, rule)| match &rule.outcome {
            Outcome::Require(list) if rules.contains(&place) => judge.requires(list, Vec::new()),
            _ => RuleResult::Excepted,
        })
        .collect();
    let way = cover::shortest(policy, roster, &results, &Load::default(), now);
    Judged {
        signoffs: way.acts.len(),
        blocked: way.blocked,
    }
}

impl<'a> Judge<'a> {
    fn new(policy: &'a Policy, roster: &'a Roster, facts: &'a Facts, now: Timestamp) -> Self {
        let mut available = roster.available(now);
        available.subtract(&facts.authors);
        Self {
            policy,
            roster,
            facts,
            available,
            away: roster.away(now),
            approved: PersonSet::default(),
            approved_exactly: PersonSet::default(),
            vetoes: PersonSet::default(),
            ignored: Vec::new(),
            ignored_break_glass: Vec::new(),
            now,
        }
    }

    fn requires(&self, requirements: &[Requirement], assumed: Vec<usize>) -> RuleResult {
        RuleResult::Requires {
            assumed,
            results: requirements
                .iter()
                .map(|requirement| self.requirement(requirement))
                .collect(),
        }
    }

    fn count(&mut self, signoff: SignOff) {
        let expired = self
            .policy
            .settings
            .signoff_expires
            .is_some_and(|limit| self.now.duration_since(signoff.at) >= limit);
        let person = self.roster.person(signoff.person);
        let because = if self.facts.authors.contains(signoff.person) {
            Some(IgnoredBecause::Author)
        } else if !person.is_some_and(|person| person.active) {
            Some(IgnoredBecause::Inactive)
        } else if signoff.at > self.now {
            Some(IgnoredBecause::Future)
        } else if expired && signoff.said == Said::Approve {
            Some(IgnoredBecause::Expired)
        } else if signoff.said == Said::Veto
            && person.is_some_and(|person| person.level < self.policy.settings.veto_level)
        {
            Some(IgnoredBecause::LevelTooLowToVeto)
        } else {
            None
        };
        match (because, signoff.said) {
            (Some(because), _) => self.ignored.push((signoff, because)),
            (None, Said::Approve) => {
                self.approved.insert(signoff.person);
                if signoff.exact {
                    self.approved_exactly.insert(signoff.person);
                }
            }
            (None, Said::Veto) => self.vetoes.insert(signoff.person),
        }
    }

    fn rule(&self, rule: &Rule, seen: &Observed) -> RuleResult {
        let assumed = match applies(rule, seen) {
            Applies::No(result) => return result,
            Applies::Yes { assumed } => assumed,
        };
        match &rule.outcome {
            Outcome::Refuse => RuleResult::Refuses { assumed },
            Outcome::Require(requirements) => self.requires(requirements, assumed),
        }
    }

    /// Everyone who may sign for a requirement, available or not.
    fn eligible(&self, requirement: &Requirement) -> PersonSet {
        let level = requirement
            .effective_level(self.facts.author_level)
            .or_else(|| self.highest_present());
        let mut people = level.map_or_else(PersonSet::default, |level| self.roster.at_least(level));
        if requirement.level == MinLevel::Highest && requirement.above_author {
            let above = crate::roster::Level(self.facts.author_level.0.saturating_add(1));
            people.intersect(&self.roster.at_least(above));
        }
        if let Some(team) = &requirement.team {
            people.intersect(&self.team(team));
        }
        people.subtract(&self.facts.authors);
        if requirement.independent {
            for author in self.facts.authors.iter() {
                people.subtract(&self.roster.line(author));
            }
        }
        people
    }

    /// Everyone in a team that a requirement names.
    fn team(&self, team: &Team) -> PersonSet {
        match team {
            Team::Named(team) => self.roster.team(team),
            Team::Owners => {
                let mut owners = PersonSet::default();
                for owner in &self.facts.owners {
                    owners.union(&self.roster.owner(owner));
                }
                owners
            }
        }
    }

    /// The highest level among active people who did not make the change.
    /// Being away does not lower the bar: that would let an author wait for it.
    fn highest_present(&self) -> Option<crate::roster::Level> {
        self.roster
            .people()
            .iter()
            .enumerate()
            .filter(|(index, person)| person.active && !self.facts.authors.contains(*index))
            .map(|(_, person)| person.level)
            .max()
    }

    fn requirement(&self, requirement: &Requirement) -> RequirementResult {
        let people = self.eligible(requirement);
        // Whose sign-off was carried over can sign again.
        let approved = if requirement.exact {
            &self.approved_exactly
        } else {
            &self.approved
        };
        let mut counted = people.clone();
        counted.intersect(approved);
        let mut away = people.clone();
        away.intersect(&self.away);
        away.subtract(approved);
        let mut carried = people.clone();
        carried.intersect(&self.approved);
        carried.subtract(&counted);
        let mut eligible = people;
        eligible.intersect(&self.available);
        eligible.subtract(approved);
        let have = u32::try_from(counted.len()).unwrap_or(u32::MAX);
        let ready = requirement.cooling.map(|cooling| {
            let changed = self.facts.changed_at?;
            changed.checked_add(cooling).ok()
        });
        RequirementResult {
            missing: requirement.signoffs.saturating_sub(have),
            counted,
            eligible,
            away,
            carried,
            waits_until: ready.flatten().filter(|ready| self.now < *ready),
            age_unknown: ready == Some(None),
        }
    }

    /// Who can give the self-review: the authors, or, where none of them is on
    /// the roster, someone who vouches for the change and then cannot sign.
    fn reviewers(&self) -> PersonSet {
        if self.facts.authors.is_empty() {
            self.available.clone()
        } else {
            self.facts.authors.clone()
        }
    }

    /// A break-glass lifts rules. The self-review is none: it asks for nobody
    /// else, so whoever made the change can give it at once, and it stays.
    fn conclude(
        self,
        mut rules: Vec<RuleResult>,
        self_review: Option<PersonSet>,
        broken: &[BreakGlass],
        tier: u64,
        load: &Load,
    ) -> Decision {
        let shortest =
            |rules: &[RuleResult]| cover::shortest(self.policy, self.roster, rules, load, self.now);
        let mut way = shortest(&rules);
        if !broken.is_empty() {
            rules = self.lift(rules, &way, broken, tier);
            way = shortest(&rules);
        }
        if !way.acts.is_empty() && self.approved.len() + way.acts.len() < 2 {
            way.identify.clone_from(&self.facts.unidentified);
        }
        way.self_review = self_review;
        let standing = || rules.iter().filter_map(RuleResult::stands);
        let refused = standing().any(|rule| matches!(rule, RuleResult::Refuses { .. }));
        let met = standing().all(RuleResult::is_met);
        let verdict = if refused || !self.vetoes.is_empty() {
            Verdict::Refuse
        } else if met && way.acts.is_empty() && way.blocked.is_empty() && way.self_review.is_none()
        {
            Verdict::Allow
        } else {
            Verdict::Hold
        };
        let idle = self.idle(&rules);
        Decision {
            verdict,
            rules,
            idle,
            vetoes: self.vetoes,
            ignored: self.ignored,
            ignored_break_glass: self.ignored_break_glass,
            way,
        }
    }
}

#[cfg(test)]
mod tests;
