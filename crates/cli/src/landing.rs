//! What landed on a protected branch, or is about to: step by step, which
//! signed content each step is, and whether its policy was satisfied.
//!
//! The gate (`hook`), `verify` and `audit` all judge steps here, so that what
//! the gate lets through is what the others find in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_core::decide::{Decision, Verdict};
use countersign_core::policy::Mode;
use countersign_core::signoff::carry::Dropped;
use countersign_core::signoff::chain::{Chain, Entry};
use countersign_core::signoff::content::Merge as Content;
use countersign_core::signoff::statement::{Stance, Statement};
use countersign_core::signoff::verify::proven;
use countersign_git::replay::{LandedAs, Proposed, statement_oid};
use countersign_git::tips::Advance;
use countersign_git::{Commit, Oid, Range, Repo};
use jiff::{SignedDuration, Timestamp};

use crate::collect::{self, Also, Context, Merge};
use crate::commands::judge;
use crate::error::CliResult;
use crate::rules::Rules;
use crate::signoffs::{self, Ground, Subject};

/// How much later than the commit that landed something may be signed and still
/// be taken as signed before, because clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// The most approvals compared with what was never signed.
const MAX_NEAR: usize = 50;

/// A content that someone signed for this branch.
struct Signed<'a> {
    content: &'a Content,
    /// Who made it, as its signer was shown.
    authors: &'a [String],
    /// An approval, a break-glass or a declaration: what can satisfy a rule.
    consents: bool,
    at: Timestamp,
}

/// A protected branch and what was signed for it.
pub(crate) struct Line<'a> {
    repo: &'a Repo,
    /// The full name of its ref.
    pub(crate) target: String,
    /// What statements call the repository.
    repository: String,
    chain: &'a Arc<Chain>,
    /// Recorded advances of the branch, oldest first.
    advances: Vec<Advance>,
    signed: Vec<Signed<'a>>,
}

/// What a protected branch gained at once.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) parent: Oid,
    /// The new tip.
    pub(crate) commit: Commit,
    /// How many first-parent steps it is.
    length: usize,
    /// Which signed content it is, and how it landed.
    landed: Option<(usize, LandedAs)>,
    /// Why the nearest signed content is not it.
    pub(crate) near: Option<Dropped>,
}

/// When a step landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) at: Timestamp,
    /// By the server's clock; else a claim of the commit.
    pub(crate) recorded: bool,
    /// What it needed was signed after the commit says it landed.
    pub(crate) late: bool,
}

/// An approval of other content in the same files.
#[derive(Debug)]
pub(crate) struct Otherwise {
    /// Who gave it.
    pub(crate) person: String,
    /// What the signer knew the change as.
    pub(crate) change: String,
    /// One of the files.
    pub(crate) path: String,
}

/// A step and the decision on it.
pub(crate) struct JudgedStep {
    pub(crate) range: Range,
    pub(crate) merge: Merge,
    pub(crate) decision: Decision,
}

impl Step {
    /// How it landed, in one word.
    pub(crate) fn landed_as(&self) -> Option<&'static str> {
        Some(match self.landed?.1 {
            LandedAs::OneCommit => "one commit",
            LandedAs::EveryCommit => "every commit",
            LandedAs::Merge => "merge",
        })
    }
}

impl<'a> Line<'a> {
    /// `target` is the full name of the ref; `at` any commit of the repository.
    pub(crate) fn new(
        repo: &'a Repo,
        target: &str,
        at: &Oid,
        chain: &'a Arc<Chain>,
    ) -> CliResult<Self> {
        let repository = signoffs::repository(repo, at)?;
        let mut advances = repo.advances()?;
        advances.retain(|it| it.target == target);
        let signed = chain
            .entries()
            .iter()
            .filter_map(|entry| {
                let about = entry.statement.about();
                let (authors, consents): (&[String], bool) = match &entry.statement {
                    Statement::SignOff(it) => (
                        &it.authors,
                        matches!(it.decision, Stance::Approve | Stance::BreakGlass),
                    ),
                    Statement::Declaration(_) => (&[], true),
                    Statement::AfterReview(_) => return None,
                };
                (about.repository == repository && about.target == target).then_some(())?;
                Some(Signed {
                    content: about.content.merge()?,
                    authors,
                    consents,
                    at: entry.statement.signed().issued_at,
                })
            })
            .collect();
        Ok(Self {
            repo,
            target: target.to_owned(),
            repository,
            chain,
            advances,
            signed,
        })
    }

    /// The recorded advances of the branch, oldest first.
    pub(crate) fn advances(&self) -> &[Advance] {
        &self.advances
    }

    /// The steps from `old` to `new`. Steps that no signed content explains are
    /// put together as long as `together` says that nothing lay between, so that
    /// what was pushed at once is judged as one change.
    pub(crate) fn steps(
        &self,
        old: &Oid,
        new: &Oid,
        together: impl Fn(&Oid) -> bool,
    ) -> CliResult<Vec<Step>> {
        let contents: Vec<&Content> = self.signed.iter().map(|it| it.content).collect();
        let units = self.repo.explain_landing(old, new, &contents)?;
        let tips: Vec<Oid> = units.iter().map(|unit| unit.tip.clone()).collect();
        let commits = self.repo.read_commits(&tips)?;
        let mut steps: Vec<Step> = Vec::new();
        for (unit, commit) in units.into_iter().zip(commits) {
            let (landed, near) = match unit.proof {
                Ok(proof) => (Some(proof), None),
                Err(near) => (None, near),
            };
            let step = Step {
                parent: unit.parent,
                commit,
                length: 1,
                landed,
                near,
            };
            let plain = |it: &Step| it.landed.is_none() && it.commit.parents.len() < 2;
            match steps.last_mut() {
                Some(last) if plain(last) && plain(&step) && together(&last.commit.id) => {
                    last.commit = step.commit;
                    last.length += 1;
                    last.near = last.near.take().or(step.near);
                }
                _ => steps.push(step),
            }
        }
        Ok(steps)
    }

    /// Judges a step by some rules. `spent` says that a break-glass for its
    /// parent has had its one use.
    pub(crate) fn judge(
        &self,
        step: &Step,
        rules: &Rules,
        at: Timestamp,
        also: &[Also],
        spent: bool,
    ) -> CliResult<JudgedStep> {
        let (head, proposed) = self.brought(step)?;
        let range = Range {
            base: Oid::new(proposed.content.base.commit.as_str()),
            onto: Some(step.parent.clone()),
            head,
            text: format!("{}..{}", step.parent.short(), step.commit.id.short()),
        };
        let of = step.landed.and_then(|(which, _)| self.signed.get(which));
        let is_merge = range.head != step.commit.id;
        let signed = of.filter(|_| !is_merge).map(|signed| {
            let commits = signed.content.commits.iter();
            commits.map(|it| it.commit.to_string()).collect()
        });
        let mut also = also.to_vec();
        // Whoever any signer of this content was shown made it, whatever the
        // commit that landed says.
        let digest = of
            .and_then(|of| of.content.result.as_ref())
            .map(|it| it.digest);
        let same = self.signed.iter().filter(|it| {
            let result = it.content.result.as_ref();
            digest.is_some() && result.map(|it| it.digest) == digest
        });
        let authors: BTreeSet<&String> = same.flat_map(|it| it.authors).collect();
        also.extend(authors.into_iter().map(|who| Also {
            who: who.clone(),
            part: "author",
        }));
        let subject = if self.chain.entries().is_empty() {
            None
        } else {
            let (chain, name) = (Arc::clone(self.chain), self.repository.clone());
            let ground = Ground::named(self.repo, name, &step.parent, rules, chain)?;
            let subject = Subject::landed(&self.target, proposed, &Arc::new(ground));
            let subject = subject.spent(spent);
            Some(match step.landed {
                Some((_, LandedAs::OneCommit)) => subject.squashed(),
                _ => subject,
            })
        };
        let context = Context {
            subject,
            signed,
            also,
        };
        let merge = collect::merge_in(self.repo, &range, rules, at, context)?;
        let decision = judge(rules, &merge, at);
        Ok(JudgedStep {
            range,
            merge,
            decision,
        })
    }

    /// An approval of other content in the files of a step, the newest: what was
    /// moved to another place was signed at the first.
    pub(crate) fn approved_otherwise(
        &self,
        judged: &JudgedStep,
        rules: &Rules,
        now: Timestamp,
    ) -> CliResult<Option<Otherwise>> {
        let Some(ground) = judged.merge.ground() else {
            return Ok(None);
        };
        let approvals = |statement: &Statement| {
            let about = statement.about();
            let merge = about.content.merge();
            matches!(statement, Statement::SignOff(it) if it.decision == Stance::Approve)
                && about.repository == self.repository
                && about.target == self.target
                && merge.is_some()
        };
        let entries = self.chain.entries().iter().rev();
        let near: Vec<&Entry> = entries
            .filter(|entry| approvals(&entry.statement))
            .take(MAX_NEAR)
            .collect();
        let contents: Vec<&Content> = near
            .iter()
            .filter_map(|entry| entry.statement.about().content.merge())
            .collect();
        let changed: BTreeSet<&str> = judged
            .merge
            .files
            .iter()
            .flat_map(countersign_git::FileChange::paths)
            .collect();
        for (entry, paths) in near.into_iter().zip(self.repo.paths_of(&contents)?) {
            let Some(path) = paths.into_iter().find(|it| changed.contains(it.as_str())) else {
                continue;
            };
            let same = |statement: &Statement| std::ptr::eq(statement, &entry.statement);
            if proven(self.chain, ground.rosters(rules), now, same).is_empty() {
                continue;
            }
            return Ok(Some(Otherwise {
                person: entry.statement.signed().person.clone(),
                change: entry.statement.about().change.clone(),
                path,
            }));
        }
        Ok(None)
    }

    /// What a step brought, as it was before it landed: the merged branch where
    /// the merge commit adds nothing of its own, else everything.
    fn brought(&self, step: &Step) -> CliResult<(Oid, Proposed)> {
        if let ([first, second], 1) = (step.commit.parents.as_slice(), step.length)
            && *first == step.parent
            // Without a common past there is nothing to compare with.
            && self.repo.merge_base(first, second).is_ok()
        {
            let proposed = self.repo.proposed(first, second)?;
            let tree = statement_oid(&step.commit.tree)?;
            let adds_nothing = proposed.content.result.as_ref().map(|it| &it.tree) == Some(&tree);
            if adds_nothing && !proposed.content.commits.is_empty() {
                return Ok((second.clone(), proposed));
            }
        }
        let tip = step.commit.id.clone();
        let proposed = self.repo.proposed(&step.parent, &tip)?;
        Ok((tip, proposed))
    }

    /// When a step landed: as recorded, else as its commit claims, and not before
    /// what it needed was signed where the commit itself is what was signed.
    pub(crate) fn when(&self, step: &Step, line: &[Oid], now: Timestamp) -> When {
        if let Some(advance) = self.advance_of(step, line) {
            // The record has whole seconds; what was signed within one counts.
            let at = Timestamp::from_second(advance.at.saturating_add(1)).unwrap_or(now);
            let at = at.min(now);
            return When {
                at,
                recorded: true,
                late: false,
            };
        }
        let claimed = Timestamp::from_second(step.commit.committer.time).unwrap_or(now);
        let claimed = claimed.min(now);
        let of = step.landed.and_then(|(which, _)| self.signed.get(which));
        let gained = of.and_then(|of| of.content.result.as_ref());
        let same = self.signed.iter().filter(|it| {
            let result = it.content.result.as_ref();
            it.consents
                && gained.is_some()
                && result.map(|it| it.digest) == gained.map(|it| it.digest)
        });
        let latest = same.map(|it| it.at).filter(|at| *at <= now).max();
        let at = latest.map_or(claimed, |latest| latest.max(claimed));
        let was_signed =
            of.is_some_and(|of| of.content.head.commit.as_str() == step.commit.id.as_str());
        When {
            at,
            recorded: false,
            late: !was_signed && at.duration_since(claimed) > SKEW,
        }
    }

    /// The recorded advance that a step was part of; `line` is the first-parent
    /// line, oldest first.
    fn advance_of(&self, step: &Step, line: &[Oid]) -> Option<&Advance> {
        let place = line.iter().position(|it| *it == step.commit.id)?;
        let tips: BTreeSet<&Oid> = self
            .advances
            .iter()
            .filter_map(|it| it.new.as_ref())
            .collect();
        let tip = line.iter().skip(place).find(|it| tips.contains(it))?;
        self.advances.iter().find(|it| it.new.as_ref() == Some(tip))
    }

    /// Whether the branch left the parent of a step before the step landed.
    pub(crate) fn left_before(&self, step: &Step, line: &[Oid]) -> bool {
        let Some(own) = self.advance_of(step, line) else {
            return false;
        };
        self.advances
            .iter()
            .take_while(|it| *it != own)
            .any(|it| it.old.as_ref() == Some(&step.parent))
    }

    /// Whether the branch has ever left a tip, as far as recorded.
    pub(crate) fn has_left(&self, tip: &Oid) -> bool {
        self.advances.iter().any(|it| it.old.as_ref() == Some(tip))
    }

    /// Whether the record says that what lies before and after a tip was pushed at
    /// once; never before the record begins.
    pub(crate) fn pushed_together(&self, line: &[Oid]) -> impl Fn(&Oid) -> bool {
        let ends = self.advances.iter();
        let ends: BTreeSet<Oid> = ends
            .flat_map(|it| [it.old.clone(), it.new.clone()])
            .flatten()
            .collect();
        let begins = line.iter().position(|it| ends.contains(it));
        let recorded: BTreeSet<Oid> = begins
            .map(|begins| line.iter().skip(begins).cloned().collect())
            .unwrap_or_default();
        move |tip| recorded.contains(tip) && !ends.contains(tip)
    }

    /// The most first-parent steps that signed content may have landed in.
    pub(crate) fn longest(&self) -> usize {
        let lengths = self.signed.iter().map(|it| it.content.commits.len());
        lengths.max().unwrap_or(0).clamp(1, 500)
    }

    /// Who pushed a step, where the record says.
    pub(crate) fn pusher(&self, step: &Step, line: &[Oid]) -> Option<String> {
        self.advance_of(step, line)?.pusher.clone()
    }
}

/// Whether a decision lets a change through.
pub(crate) const fn lets_through(rules: &Rules, decision: &Decision) -> bool {
    matches!(rules.policy.settings.mode, Mode::Shadow) || matches!(decision.verdict, Verdict::Allow)
}
