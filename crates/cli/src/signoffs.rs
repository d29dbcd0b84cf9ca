//! Which signed statements count for the change at hand.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::decide::{ExplainedIgnored, Said, SignOff};
use countersign_core::involvement::{Channel, Claim, Evidence, Strength, witness};
use countersign_core::roster::{self, Roster};
use countersign_core::signoff::Digest;
use countersign_core::signoff::carry::Landing;
use countersign_core::signoff::content::Content;
use countersign_core::signoff::statement::{Declared, Stance};
use countersign_core::signoff::verify::{Change, Rosters, Verified, verify};
use countersign_git::replay::Proposed;
use countersign_git::{Judged, Oid, Range, Repo};
use jiff::Timestamp;

use crate::collect::Collected;
use crate::error::{CliError, CliResult, exit};
use crate::rules::{PEOPLE, Rules};

/// The change, as statements about it name it.
pub(crate) struct Subject {
    pub(crate) repository: String,
    pub(crate) target: String,
    pub(crate) change: Option<String>,
    pub(crate) proposed: Proposed,
    pub(crate) policy: Digest,
    /// SHA-256 of the roster in force.
    pub(crate) roster: Digest,
    known: BTreeMap<Digest, Roster>,
}

/// What counts for the change.
pub(crate) struct Counted {
    pub(crate) signoffs: Vec<SignOff>,
    pub(crate) verified: Verified,
}

impl Subject {
    /// `None` when the change goes onto nothing, so that nothing can be bound.
    pub(crate) fn of(repo: &Repo, range: &Range, rules: &Rules) -> CliResult<Option<Self>> {
        let Some(onto) = &range.onto else {
            return Ok(None);
        };
        let (roster, known) = rosters(repo, onto)?;
        let policy = rules.policy.digest.parse().map_err(|error| {
            CliError::new(exit::INTERNAL, format!("the policy has no digest: {error}"))
        })?;
        Ok(Some(Self {
            repository: repository(repo, onto)?,
            target: target(repo, range)?,
            change: change(repo, range)?,
            proposed: repo.proposed(onto, &range.head)?,
            policy,
            roster: roster.unwrap_or_else(|| Digest::of(b"")),
            known,
        }))
    }

    /// The statements in this repository that count for the change.
    pub(crate) fn count(
        &self,
        repo: &Repo,
        rules: &Rules,
        collected: &Collected,
        now: Timestamp,
    ) -> CliResult<Counted> {
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
        let chain = repo.signoffs()?;
        let verified = verify(
            &chain,
            &Change {
                repository: &self.repository,
                target: &self.target,
                change: self.change.as_deref(),
                content: &content,
                authors: &authors,
                unattributed: &unattributed,
                involvement: collected.involvement.verdict,
                policy: self.policy,
                demand_exact: false,
                landing: Landing::EveryCommit,
            },
            Rosters {
                now: &rules.roster,
                known: &self.known,
            },
            &|signed| {
                repo.ground(signed, &self.proposed)
                    .map_err(|error| error.to_string())
            },
            now,
        );
        Ok(Counted::of(verified, &rules.roster))
    }
}

impl Counted {
    /// What counts, as decisions take it.
    pub(crate) fn of(verified: Verified, roster: &Roster) -> Self {
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
                })
            })
            .collect();
        Self { signoffs, verified }
    }

    /// Statements that do not count, and why, for people.
    pub(crate) fn ignored(&self) -> Vec<ExplainedIgnored> {
        self.verified
            .ignored
            .iter()
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
