//! Which signed statements count for a plan.

use std::collections::BTreeSet;

use countersign_core::decide::ExplainedIgnored;
use countersign_core::effect::Environment;
use countersign_core::facts::Facts;
use countersign_core::signoff::carry::Landing;
use countersign_core::signoff::content::{Artifact, Content};
use countersign_core::signoff::statement::{About, Stance, Statement};
use countersign_core::signoff::verify::{Change, Reason, verify};
use countersign_core::signoff::{Digest, HashError};
use jiff::Timestamp;

use crate::collect::Author;
use crate::collect_plan::Read;
use crate::error::{CliError, CliResult, exit};
use crate::questions;
use crate::rules::Rules;
use crate::signoffs::{Counted, Ground};

/// A plan, as statements about it name it.
pub(crate) struct PlanSubject {
    pub(crate) about: About,
    /// The same for every plan made from the same state; `None` where the plan
    /// does not say what it was made from.
    change: Option<String>,
    /// SHA-256 of the bytes that would be applied.
    pub(crate) sha256: Digest,
    pub(crate) ground: Ground,
}

impl PlanSubject {
    /// A plan that lands in `environment`.
    pub(crate) fn of(ground: Ground, read: &Read, environment: Environment) -> CliResult<Self> {
        let internal = |error: HashError| CliError::new(exit::INTERNAL, error.to_string());
        let sha256: Digest = read.reading.sha256.parse().map_err(internal)?;
        let change = same_state(read, environment);
        let name = read.names.join(", ");
        Ok(Self {
            about: About {
                repository: ground.repository.clone(),
                target: format!("environment:{}", environment.as_str()),
                change: change.clone().unwrap_or_else(|| name.clone()),
                content: Content::Plan(Artifact { name, sha256 }),
            },
            change,
            sha256,
            ground,
        })
    }

    /// The statements in this repository that count for the plan. `spent`: it
    /// was let through before.
    pub(crate) fn count(
        &self,
        rules: &Rules,
        author: Option<&Author>,
        facts: &Facts,
        spent: bool,
        now: Timestamp,
    ) -> Counted {
        let questions = questions::required(rules, facts, now);
        let person = author.and_then(|author| author.person.clone());
        // Where nobody on the roster is named, whoever signs may have made it.
        let unattributed: Vec<String> = match (author, &person) {
            (_, Some(_)) => Vec::new(),
            (Some(author), None) => vec![author.name.clone()],
            (None, None) => vec![String::new()],
        };
        let authors: BTreeSet<String> = person.into_iter().collect();
        let change = Change {
            repository: &self.about.repository,
            target: &self.about.target,
            change: self.change.as_deref(),
            content: &self.about.content,
            authors: &authors,
            unattributed: &unattributed,
            involvement: facts.involvement,
            policy: self.ground.policy,
            demand_exact: true,
            landing: Landing::EveryCommit,
            questions: &questions,
            // A self-review is asked of merges.
            review: None,
        };
        let unrelated = |_: &_| Err("a plan is no merge".to_owned());
        let (chain, rosters) = (&self.ground.chain, self.ground.rosters(rules));
        let mut verified = verify(chain, &change, rosters, &unrelated, now);
        if spent {
            verified.spend_break_glass(&Reason::LetThrough);
        }
        Counted::of(verified, &rules.roster)
    }

    /// Statements about other bytes that people called the same, which nothing
    /// else links to this plan.
    pub(crate) fn namesakes(&self) -> Vec<ExplainedIgnored> {
        let Content::Plan(plan) = &self.about.content else {
            return Vec::new();
        };
        let entries = self.ground.chain.entries().iter();
        let statements = entries.map(|entry| &entry.statement);
        statements
            .filter_map(|statement| {
                let Statement::SignOff(it) = statement else {
                    return None;
                };
                let Content::Plan(other) = &it.about.content else {
                    return None;
                };
                let linked = self.change.as_ref() == Some(&it.about.change);
                let namesake = it.about.repository == self.about.repository
                    && other.name == plan.name
                    && other.sha256 != plan.sha256
                    && !linked;
                let said = match it.decision {
                    Stance::Approve => "approve",
                    Stance::Veto => "veto",
                    Stance::BreakGlass => "break-glass",
                    Stance::Revoke => return None,
                };
                namesake.then(|| ExplainedIgnored {
                    person: it.signed.person.clone(),
                    said,
                    because: format!("it is about another plan ({})", other.sha256.short()),
                })
            })
            .collect()
    }
}

/// A name for all plans made from the same state, so that a veto concerns the
/// next try as well. From content alone: a file can be called anything.
fn same_state(read: &Read, environment: Environment) -> Option<String> {
    let state = &read.reading.state;
    match (&state.lineage, state.serial, &state.digest) {
        (Some(lineage), Some(serial), _) => Some(format!("state {lineage} serial {serial}")),
        (_, _, Some(digest)) => {
            let digest = digest.get(..12).unwrap_or(digest);
            Some(format!("state {digest} in {}", environment.as_str()))
        }
        _ => None,
    }
}
