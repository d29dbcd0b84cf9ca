//! Whether every break-glass was reviewed afterwards.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::identity::{self, Authentic, Rosters};
use crate::roster::Level;
use crate::signoff::chain::{Chain, Entry};
use crate::signoff::hash::Digest;
use crate::signoff::statement::{BreakGlass, Outcome, SignOff, Stance, Statement};

/// How far the review of a break-glass is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewState {
    /// Nobody has reviewed it; still in time.
    Open,
    /// Nobody has reviewed it, and it is due.
    Overdue,
    /// Someone else has.
    Reviewed {
        /// Who.
        by: String,
        /// What came out. Of several reviews a rejection wins.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
}

/// One break-glass and its review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassReview {
    /// Who broke the glass.
    pub person: String,
    /// SHA-256 of the statement.
    pub statement: Digest,
    /// For which change.
    pub change: String,
    /// When.
    pub at: Timestamp,
    /// On what terms.
    pub terms: BreakGlass,
    /// How far the review is.
    pub state: ReviewState,
}

/// Every proven break-glass in the chain, in its order, with its review. The
/// review must be by someone of at least `reviewer`'s level who neither made the
/// change nor broke the glass for it: where it took two persons, neither of them
/// reviews the other.
#[must_use]
pub fn break_glass_reviews(
    chain: &Chain,
    rosters: Rosters<'_>,
    reviewer: Level,
    now: Timestamp,
) -> Vec<BreakGlassReview> {
    let concerns = |statement: &Statement| match statement {
        Statement::SignOff(it) => it.decision == Stance::BreakGlass,
        Statement::AfterReview(_) => true,
        Statement::Declaration(_) => false,
    };
    let proven: Vec<Authentic<'_>> = chain
        .entries()
        .iter()
        .filter(|entry| concerns(&entry.statement))
        .filter_map(|entry| authentic(chain, entry, rosters, now))
        .collect();
    let reviews: Vec<_> = proven
        .iter()
        .filter(|it| it.person.level >= reviewer)
        .filter_map(Review::of)
        .collect();
    let broken: Vec<(&Authentic<'_>, &SignOff)> = proven
        .iter()
        .filter_map(|it| match &it.entry.statement {
            Statement::SignOff(signoff) => Some((it, signoff.as_ref())),
            _ => None,
        })
        .collect();
    broken
        .iter()
        .filter_map(|(it, signoff)| {
            let terms = signoff.break_glass.clone()?;
            let together = broken
                .iter()
                .filter(|(_, other)| other.about.content.is_same(&signoff.about.content))
                .map(|(other, _)| other.person.id.as_str());
            let involved = together
                .chain(signoff.authors.iter().map(String::as_str))
                .collect();
            Some(BreakGlassReview {
                person: it.person.id.clone(),
                statement: it.entry.statement_id,
                change: signoff.about.change.clone(),
                at: signoff.signed.issued_at,
                state: state(&reviews, it, &involved, &terms, now),
                terms,
            })
        })
        .collect()
}

/// Proves a statement by someone on the roster now, or by someone who was then:
/// that they have left since closes no break-glass and undoes no review. A review
/// by someone who has left must be older than their leaving, which only what
/// others signed after it can show; a broken glass counts against its signer
/// anyway.
fn authentic<'a>(
    chain: &Chain,
    entry: &'a Entry,
    rosters: Rosters<'a>,
    now: Timestamp,
) -> Option<Authentic<'a>> {
    if let Ok(it) = identity::authenticate(entry, rosters, now) {
        return Some(it);
    }
    let then = Rosters {
        now: rosters.known.get(&entry.statement.signed().roster)?,
        known: rosters.known,
    };
    let it = identity::authenticate(entry, then, now).ok()?;
    // Whoever has a stolen key can write any past.
    let is_stolen = rosters.now.by_key(&it.proven.key);
    if is_stolen.is_some_and(|(_, key)| key.revoked) {
        return None;
    }
    let is_review = matches!(entry.statement, Statement::AfterReview(_));
    let is_seen = || {
        chain.entries().iter().any(|later| {
            let was_there = rosters
                .known
                .get(&later.statement.signed().roster)
                .and_then(|roster| roster.by_id(&it.person.id))
                .is_some_and(|person| person.active);
            was_there
                && chain.order(&[entry, later]).precedes(0, 1)
                && identity::authenticate(later, rosters, now).is_ok()
        })
    };
    (!is_review || is_seen()).then_some(it)
}

struct Review<'a> {
    by: &'a str,
    of: Digest,
    outcome: Outcome,
    at: Timestamp,
}

impl<'a> Review<'a> {
    fn of(it: &'a Authentic<'a>) -> Option<Self> {
        match &it.entry.statement {
            Statement::AfterReview(review) => Some(Self {
                by: &it.person.id,
                of: review.of,
                outcome: review.outcome,
                at: review.signed.issued_at,
            }),
            _ => None,
        }
    }
}

fn state(
    reviews: &[Review<'_>],
    it: &Authentic<'_>,
    involved: &BTreeSet<&str>,
    terms: &BreakGlass,
    now: Timestamp,
) -> ReviewState {
    let found = reviews
        .iter()
        .filter(|review| review.of == it.entry.statement_id && !involved.contains(review.by))
        .max_by_key(|review| (review.outcome, std::cmp::Reverse(review.at)));
    match found {
        Some(review) => ReviewState::Reviewed {
            by: review.by.to_owned(),
            outcome: review.outcome,
            at: review.at,
        },
        None if now >= terms.review_due => ReviewState::Overdue,
        None => ReviewState::Open,
    }
}
