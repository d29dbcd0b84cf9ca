//! Which statements in a chain count for a change, and why the others do not.
//!
//! Pure: the chain, the rosters, the change as it stands, what the repository
//! says about carrying over, and the time are arguments.
//!
//! The rules, beside those of [`carry`](super::carry):
//! - People count, not keys; never those who made the change; only people who
//!   were active when signing and are now. Someone who has risen since signs
//!   again, because what a mid-level engineer signed is not a senior's
//!   sign-off.
//! - Order comes from the chain, never from clocks. A later statement of the
//!   same person about the same change replaces the earlier one, so an author
//!   cannot push an abandoned version back to revive its approval.
//! - A veto concerns every version of the change and everything that shares a
//!   commit with it. It stands until its signer takes it back or approves other
//!   content after it. Neither brings back an approval from before the veto.
//! - Approvals are narrow: this repository, this target, this change.
//!
//! Policy and roster may have changed since a sign-off; that alone takes
//! nothing away, because the decision is always made anew under today's.

mod identity;
mod judge;
mod reason;
mod review;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::involvement::Verdict;

use super::carry::{Ground, Kept, Landing};
use super::chain::{Chain, Entry};
use super::content::{Content, Merge};
use super::hash::Digest;
use super::statement::{Answer, BreakGlass, Declared, RiskyHunk, Stance, Statement};

pub use identity::{CLOCK_SKEW, Rosters};
pub use reason::Reason;
pub use review::{BreakGlassReview, ReviewState, break_glass_reviews};

/// The most statements about one change that are judged.
pub const MAX_ABOUT: usize = 2048;

/// The change as it stands.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// The repository, as statements name it.
    pub repository: &'a str,
    /// The protected branch or environment.
    pub target: &'a str,
    /// The forge's id or the source branch, where known. Where it is not (a
    /// push straight to the protected branch), content alone identifies.
    pub change: Option<&'a str>,
    /// The exact content.
    pub content: &'a Content,
    /// Ids of everyone who made it: authors, co-authors, committers, pushers,
    /// operators of agents.
    pub authors: &'a BTreeSet<String>,
    /// Identities that made part of it and are not on the roster; an empty one
    /// where nobody is named at all.
    pub unattributed: &'a [String],
    /// Did AI take part, as far as known now?
    pub involvement: Verdict,
    /// SHA-256 of the policy in force.
    pub policy: Digest,
    /// The policy demands the exact commits.
    pub demand_exact: bool,
    /// How it will land.
    pub landing: Landing,
    /// Questions that an approval has to answer.
    pub questions: &'a [String],
    /// What a self-review has to say, where one is asked for.
    pub review: Option<Review<'a>>,
}

/// What a self-review has to say.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// What its author has to affirm.
    pub items: &'a [String],
    /// The hunks to explain, as they are in the change today.
    pub hunks: &'a [RiskyHunk],
}

/// A statement that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The signer's id.
    pub person: String,
    /// Approve, veto or break-glass.
    pub stance: Stance,
    /// SHA-256 of the statement.
    pub statement: Digest,
    /// When, by the signer's clock.
    pub at: Timestamp,
    /// Fingerprint of the key.
    pub key: String,
    /// For a security key: whether a PIN or biometric was also checked.
    pub user_verified: Option<bool>,
    /// Why it holds for this content; `None` for a veto, which needs no reason.
    pub kept: Option<Kept>,
    /// The policy changed since; the decision is made under today's.
    pub policy_changed: bool,
    /// The terms of a break-glass.
    pub terms: Option<BreakGlass>,
    /// In the signer's words.
    pub message: Option<String>,
    /// Answers to what the rules ask.
    pub answers: Vec<Answer>,
}

impl Accepted {
    /// Whether it is about the very commits, rather than carried over to others
    /// with the same content. A plan is exact or not signed; a veto is about the
    /// change.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        !matches!(self.kept, Some(Kept::Replayed { .. }))
    }
}

/// A statement about this change that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Whom it names as its signer; proven only if the reason is not about that.
    pub person: String,
    /// What it says; `None` for what is not a sign-off.
    pub stance: Option<Stance>,
    /// SHA-256 of the statement.
    pub statement: Digest,
    /// Why not.
    pub reason: Reason,
}

/// A declaration about AI that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedDeclaration {
    /// Who declares.
    pub person: String,
    /// What.
    pub declared: Declared,
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the statement.
    pub statement: Digest,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// What counts, by person and stance.
    pub accepted: Vec<Accepted>,
    /// What does not, in the order of the chain.
    pub ignored: Vec<Ignored>,
    /// Declarations that count. Those of AI use concern every version of the
    /// change; those of human work only the content they were made for.
    pub declarations: Vec<AcceptedDeclaration>,
    /// The greatest AI involvement that anyone was shown or declared for any
    /// version of this change: a marker that a rebase strips is not forgotten.
    pub involvement_floor: Option<Verdict>,
    /// People who reviewed, in place of its author, a change that nobody on the
    /// roster made. They vouch for it, so they cannot sign it off.
    pub sponsors: BTreeSet<String>,
}

impl Verified {
    /// Who has reviewed exactly this change before anyone else was asked.
    #[must_use]
    pub fn self_reviewed_by(&self) -> Option<&str> {
        self.declarations
            .iter()
            .find(|it| matches!(it.declared, Declared::Reviewed { .. }))
            .map(|it| it.person.as_str())
    }
}

/// Statements that their signers really made, in the order of the chain, each
/// with the signer's id on today's roster. Whether they count for a change is
/// another question ([`verify`]); this is for counting what was done.
#[must_use]
pub fn proven<'a>(
    chain: &'a Chain,
    rosters: Rosters<'a>,
    now: Timestamp,
    wanted: impl Fn(&Statement) -> bool,
) -> Vec<&'a Entry> {
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    chain
        .entries()
        .iter()
        .filter(|entry| wanted(&entry.statement))
        .filter(|entry| identity::authenticate(entry, rosters, now).is_ok())
        .filter(|entry| {
            let signed = entry.statement.signed();
            seen.insert((signed.person.as_str(), signed.nonce.as_str()))
        })
        .collect()
}

impl Verified {
    /// Drops every break-glass, which has had its one use: the protected branch
    /// is known to have moved on from this tip before ([`Reason::Spent`]), or the
    /// plan was let through ([`Reason::LetThrough`]).
    pub fn spend_break_glass(&mut self, reason: &Reason) {
        let (spent, kept) = std::mem::take(&mut self.accepted)
            .into_iter()
            .partition(|it| it.stance == Stance::BreakGlass);
        self.accepted = kept;
        let spent: Vec<Accepted> = spent;
        self.ignored.extend(spent.into_iter().map(|it| Ignored {
            person: it.person,
            stance: Some(it.stance),
            statement: it.statement,
            reason: reason.clone(),
        }));
    }
}

/// Finds what counts for `change` at `now`.
///
/// `ground` answers for a signed merge that differs from today's; an error is
/// treated as not holding.
#[must_use]
pub fn verify(
    chain: &Chain,
    change: &Change<'_>,
    rosters: Rosters<'_>,
    ground: &dyn Fn(&Merge) -> Result<Ground, String>,
    now: Timestamp,
) -> Verified {
    let about = about(chain, change);
    let mut ignored: Vec<(&Entry, Reason)> = Vec::new();
    let mut authentic = Vec::new();
    for entry in about {
        match identity::authenticate(entry, rosters, now) {
            Ok(it) => authentic.push(it),
            Err(reason) => ignored.push((entry, reason)),
        }
    }
    if authentic.len() > MAX_ABOUT {
        ignored.extend(authentic.iter().map(|it| (it.entry, Reason::TooMany)));
        authentic.clear();
    }
    let (authentic, rejected) = identity::reject_repeats(chain, &authentic);
    ignored.extend(rejected);
    let mut verified = judge::judge(chain, change, &authentic, ground, now, &mut ignored);
    let places: BTreeMap<&str, usize> = chain
        .entries()
        .iter()
        .enumerate()
        .map(|(place, entry)| (entry.id.as_str(), place))
        .collect();
    ignored.sort_by_key(|(entry, _)| places.get(entry.id.as_str()).copied());
    verified.ignored = ignored
        .into_iter()
        .map(|(entry, reason)| Ignored {
            person: entry.statement.signed().person.clone(),
            stance: stance(&entry.statement),
            statement: entry.statement_id,
            reason,
        })
        .collect();
    verified
}

/// Every statement about any version of the change, and what takes one back.
fn about<'a>(chain: &'a Chain, change: &Change<'_>) -> Vec<&'a Entry> {
    let concerns = |entry: &Entry| {
        let about = entry.statement.about();
        about.repository == change.repository
            && (change.change == Some(about.change.as_str())
                || about.content.overlaps(change.content))
    };
    let direct: BTreeSet<Digest> = chain
        .entries()
        .iter()
        .filter(|entry| concerns(entry))
        .map(|entry| entry.statement_id)
        .collect();
    chain
        .entries()
        .iter()
        .filter(|entry| {
            let takes_back = match &entry.statement {
                Statement::SignOff(it) => it.revokes,
                _ => None,
            };
            direct.contains(&entry.statement_id)
                || takes_back.is_some_and(|target| direct.contains(&target))
        })
        .collect()
}

fn stance(statement: &Statement) -> Option<Stance> {
    match statement {
        Statement::SignOff(it) => Some(it.decision),
        Statement::Declaration(_) | Statement::AfterReview(_) => None,
    }
}
