//! Which signed statements count for the change at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_core::decide::{BreakGlass, ExplainedIgnored, Said, SignOff, Statements};
use countersign_core::involvement::{
    Channel, Claim, Evidence, Role, Strength, Verdict as Ai, witness,
};
use countersign_core::roster::{self, Roster};
use countersign_core::signoff::Digest;
use countersign_core::signoff::carry::Landing;
use countersign_core::signoff::chain::Chain;
use countersign_core::signoff::content::Content;
use countersign_core::signoff::statement::{Declared, RiskyHunk, Stance, Statement};
use countersign_core::signoff::verify::{
    Change, Ignored, Reason, Review, Rosters, Verified, verify,
};
use countersign_git::replay::Proposed;
use countersign_git::{Judged, Oid, Range, Repo};
use jiff::Timestamp;

use crate::collect::Collected;
use crate::error::{CliError, CliResult, exit};
use crate::questions;
use crate::rules::{PEOPLE, Rules};

/// What all changes onto one commit of a protected branch have in common, read
/// once: the statements, and what they name.
pub(crate) struct Ground {
    pub(crate) chain: Arc<Chain>,
    pub(crate) repository: String,
    pub(crate) policy: Digest,
    /// SHA-256 of the roster in force.
    pub(crate) roster: Digest,
    pub(crate) known: BTreeMap<Digest, Roster>,
}

impl Ground {
    pub(crate) fn of(repo: &Repo, onto: &Oid, rules: &Rules, chain: Arc<Chain>) -> CliResult<Self> {
        Self::named(repo, repository(repo, onto)?, onto, rules, chain)
    }

    /// The same where the name of the repository is known already.
    pub(crate) fn named(
        repo: &Repo,
        repository: String,
        onto: &Oid,
        rules: &Rules,
        chain: Arc<Chain>,
    ) -> CliResult<Self> {
        let (roster, known) = rosters(repo, onto)?;
        let policy = rules.policy.digest.parse().map_err(|error| {
            CliError::new(exit::INTERNAL, format!("the policy has no digest: {error}"))
        })?;
        Ok(Self {
            chain,
            repository,
            policy,
            roster: roster.unwrap_or_else(|| Digest::of(b"")),
            known,
        })
    }

    /// Whether someone broke the glass for what goes onto this very tip.
    fn breaks_glass_on(&self, onto: &Oid) -> bool {
        self.chain.entries().iter().any(|entry| {
            let Statement::SignOff(it) = &entry.statement else {
                return false;
            };
            let result = it.about.content.merge().and_then(|it| it.result.as_ref());
            it.decision == Stance::BreakGlass
                && result.is_some_and(|it| it.target_tip.as_str() == onto.as_str())
        })
    }

    /// The rosters that statements are proven against.
    pub(crate) const fn rosters<'a>(&'a self, rules: &'a Rules) -> Rosters<'a> {
        Rosters {
            now: &rules.roster,
            known: &self.known,
        }
    }
}

/// The change, as statements about it name it.
pub(crate) struct Subject {
    pub(crate) repository: String,
    pub(crate) target: String,
    pub(crate) change: Option<String>,
    pub(crate) proposed: Proposed,
    pub(crate) policy: Digest,
    /// SHA-256 of the roster in force.
    pub(crate) roster: Digest,
    /// How it lands, or would.
    landing: Landing,
    /// The record says that the target has moved on from this tip before.
    spent: bool,
    pub(crate) ground: Arc<Ground>,
}

/// What counts for the change.
pub(crate) struct Counted {
    pub(crate) signoffs: Vec<SignOff>,
    pub(crate) break_glass: Vec<BreakGlass>,
    pub(crate) verified: Verified,
}

impl Subject {
    /// `None` when the change goes onto nothing, so that nothing can be bound.
    pub(crate) fn of(repo: &Repo, range: &Range, rules: &Rules) -> CliResult<Option<Self>> {
        let Some(onto) = &range.onto else {
            return Ok(None);
        };
        let ground = Ground::of(repo, onto, rules, Arc::new(repo.signoffs()?))?;
        Self::on(repo, range, &Arc::new(ground))
    }

    /// The same where the ground is known already.
    pub(crate) fn on(repo: &Repo, range: &Range, ground: &Arc<Ground>) -> CliResult<Option<Self>> {
        let Some(onto) = &range.onto else {
            return Ok(None);
        };
        let target = target(repo, range)?;
        let spent = ground.breaks_glass_on(onto)
            && repo
                .advances()?
                .iter()
                .any(|it| it.target == target && it.old.as_ref() == Some(onto));
        let mut subject = Self::landed(&target, repo.proposed(onto, &range.head)?, ground);
        subject.change = change(repo, range)?;
        subject.spent = spent;
        Ok(Some(subject))
    }

    /// What goes, or went, onto a protected branch, whatever branch it came from.
    pub(crate) fn landed(target: &str, proposed: Proposed, ground: &Arc<Ground>) -> Self {
        Self {
            repository: ground.repository.clone(),
            target: target.to_owned(),
            change: None,
            proposed,
            policy: ground.policy,
            roster: ground.roster,
            landing: Landing::EveryCommit,
            spent: false,
            ground: Arc::clone(ground),
        }
    }

    /// It landed as one commit that no signer saw, whose content they did.
    pub(crate) const fn squashed(mut self) -> Self {
        self.landing = Landing::Squash;
        self
    }

    /// Whether a break-glass for this tip has had its one use.
    pub(crate) const fn spent(mut self, spent: bool) -> Self {
        self.spent = spent;
        self
    }

    /// The statements in this repository that count for the change. `risky` are
    /// the hunks that a self-review would have to explain.
    pub(crate) fn count(
        &self,
        repo: &Repo,
        rules: &Rules,
        collected: &Collected,
        risky: &[RiskyHunk],
        now: Timestamp,
    ) -> CliResult<Counted> {
        let questions = questions::required(rules, &collected.facts, now);
        let seen = rules.policy.observe(&collected.facts, now);
        let review = rules.policy.self_review_of(&seen).map(|review| Review {
            items: &review.items,
            hunks: risky,
        });
        let people = collected.authors.iter().filter(|author| author.is_person);
        let authors: BTreeSet<String> = people
            .clone()
            .filter_map(|author| author.person.clone())
            .collect();
        let unattributed: Vec<String> = people
            .filter(|author| author.person.is_none())
            .map(|author| author.email.clone())
            .collect();
        let content = Content::Merge(self.proposed.content.clone());
        let mut verified = verify(
            &self.ground.chain,
            &Change {
                repository: &self.repository,
                target: &self.target,
                change: self.change.as_deref(),
                content: &content,
                authors: &authors,
                unattributed: &unattributed,
                involvement: collected.involvement.verdict,
                policy: self.policy,
                // A rule that demands it says for which of its sign-offs.
                demand_exact: false,
                landing: self.landing,
                questions: &questions,
                review,
            },
            self.ground.rosters(rules),
            &|signed| {
                repo.ground(signed, &self.proposed)
                    .map_err(|error| error.to_string())
            },
            now,
        );
        if self.spent {
            verified.spend_break_glass(&Reason::Spent);
        }
        Ok(Counted::of(verified, &rules.roster))
    }
}

impl Counted {
    /// What counts, as decisions take it.
    pub(crate) fn of(verified: Verified, roster: &Roster) -> Self {
        let break_glass = verified
            .accepted
            .iter()
            .filter_map(|accepted| {
                let terms = accepted.terms.as_ref()?;
                Some(BreakGlass {
                    person: roster.index_of(&accepted.person)?,
                    rules: terms.rules.clone(),
                    at: accepted.at,
                    review_due: terms.review_due,
                })
            })
            .collect();
        let signoffs = verified
            .accepted
            .iter()
            .filter_map(|accepted| {
                let said = match accepted.stance {
                    Stance::Approve => Said::Approve,
                    Stance::Veto => Said::Veto,
                    Stance::Revoke | Stance::BreakGlass => return None,
                };
                Some(SignOff {
                    person: roster.index_of(&accepted.person)?,
                    said,
                    at: accepted.at,
                    exact: accepted.is_exact(),
                })
            })
            .collect();
        Self {
            signoffs,
            break_glass,
            verified,
        }
    }

    /// What counts, for a decision.
    pub(crate) fn statements(&self) -> Statements<'_> {
        Statements {
            signoffs: &self.signoffs,
            break_glass: &self.break_glass,
        }
    }

    /// Statements that do not count, and why, for people. What is for another
    /// branch or environment is named only where there is nothing else.
    pub(crate) fn ignored(&self) -> Vec<ExplainedIgnored> {
        let is_elsewhere = |it: &&Ignored| matches!(it.reason, Reason::OtherTarget(_));
        let all = &self.verified.ignored;
        let alone = self.verified.accepted.is_empty() && all.iter().all(|it| is_elsewhere(&it));
        all.iter()
            .filter(|it| alone || !is_elsewhere(it))
            .map(|ignored| ExplainedIgnored {
                person: ignored.person.clone(),
                said: match ignored.stance {
                    Some(Stance::Approve) => "approve",
                    Some(Stance::Veto) => "veto",
                    Some(Stance::Revoke) => "revoke",
                    Some(Stance::BreakGlass) => "break-glass",
                    None => "declaration",
                },
                because: ignored.reason.to_string(),
            })
            .collect()
    }

    /// Adds what authors have declared under their signature to the commits.
    /// `false` when nothing was.
    pub(crate) fn declare(&self, judged: &mut Judged, collected: &Collected) -> bool {
        let people = collected.authors.iter().filter(|author| author.is_person);
        let declared_human = |id: &String| {
            self.verified
                .declarations
                .iter()
                .any(|it| it.person == *id && it.declared == Declared::Human)
        };
        let mut named = people.clone();
        let all_human = people.count() > 0
            && named.all(|author| author.person.as_ref().is_some_and(declared_human));
        let mut evidence: Vec<Evidence> = Vec::new();
        for declaration in &self.verified.declarations {
            let (claim, text) = match &declaration.declared {
                // Reading it again says nothing of how it was made.
                Declared::Reviewed { .. } => continue,
                Declared::Human => (
                    Claim::Human { trusted: all_human },
                    format!("{} declares: made by people alone", declaration.person),
                ),
                Declared::Ai { role, tool } => (
                    Claim::Ai {
                        strength: Strength::declared(*role),
                        tool: Some(tool.clone()),
                        model: None,
                    },
                    format!(
                        "{} declares: AI {} with {tool}",
                        declaration.person,
                        role.as_str()
                    ),
                ),
            };
            evidence.push(Evidence {
                channel: Channel::Declaration,
                claim,
                witness: witness(&text),
                commit: None,
            });
        }
        // A marker that a rebase strips is not forgotten: what a signer of any
        // version was shown stays true of the change.
        if self.verified.involvement_floor == Some(Ai::Yes)
            && collected.involvement.verdict != Ai::Yes
        {
            evidence.push(Evidence {
                channel: Channel::Declaration,
                claim: Claim::Ai {
                    strength: Strength::declared(Role::Wrote),
                    tool: None,
                    model: None,
                },
                witness: witness("AI took part in a version of this change that was signed"),
                commit: None,
            });
        }
        judged.add_to_commits(&evidence);
        !evidence.is_empty()
    }
}

/// The hash of the roster in force on a protected branch, and every roster that
/// ever was by its hash.
pub(crate) fn rosters(
    repo: &Repo,
    onto: &Oid,
) -> CliResult<(Option<Digest>, BTreeMap<Digest, Roster>)> {
    let mut known = BTreeMap::new();
    let mut roster = None;
    for bytes in repo.versions_of(onto, PEOPLE)? {
        let digest = Digest::of(&bytes);
        // The newest version is the one in force.
        roster = roster.or(Some(digest));
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(parsed) = roster::parse(&text, PEOPLE) {
            known.insert(digest, parsed);
        }
    }
    Ok((roster, known))
}

/// The repository, known by its first commit: the same in every clone, however
/// it was fetched, and nobody's choice.
pub(crate) fn repository(repo: &Repo, onto: &Oid) -> CliResult<String> {
    Ok(format!("root:{}", repo.root_of(onto)?))
}

/// The protected branch: the left side of the range where it names a branch,
/// else the default branch, else the branch that is checked out.
fn target(repo: &Repo, range: &Range) -> CliResult<String> {
    let left = range.text.split("..").next().unwrap_or_default();
    let named = repo.branch_name(left)?;
    let default = match repo.default_branch()? {
        Some(name) => repo.branch_name(&name)?,
        None => None,
    };
    let name = named.or(default).or(repo.head_branch()?);
    Ok(format!("refs/heads/{}", name.as_deref().unwrap_or("main")))
}

/// The branch that the change comes from, where it is known.
fn change(repo: &Repo, range: &Range) -> CliResult<Option<String>> {
    let right = range.text.rsplit("..").next().unwrap_or_default();
    let right = right.trim_start_matches('.');
    if right.is_empty() || right == "HEAD" {
        return Ok(repo.head_branch()?);
    }
    Ok(repo.branch_name(right)?)
}
