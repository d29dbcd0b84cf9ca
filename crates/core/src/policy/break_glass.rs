//! On what terms a rule may be broken in an emergency.

use jiff::SignedDuration;

use crate::roster::{Level, Levels};

use super::stand_in;

/// Who may break the glass, how many of them, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassTerms {
    /// The lowest level that may.
    pub level: Level,
    /// Changes that touch this tier or a better one (0 is highest) need two
    /// different persons.
    pub two_persons_tier: u64,
    /// How long one counts at most, whatever its signer wrote.
    pub expires: SignedDuration,
    /// When the after-review is due at the latest, after it was signed.
    pub review_within: SignedDuration,
}

impl Default for BreakGlassTerms {
    fn default() -> Self {
        Self::of(&Levels::default())
    }
}

impl BreakGlassTerms {
    /// The terms where the policy says nothing: at least senior, two persons
    /// from tier 1, four hours, and a review within a day.
    pub(super) fn of(levels: &Levels) -> Self {
        Self {
            level: levels.get("senior").unwrap_or_else(|| stand_in(levels)),
            two_persons_tier: 1,
            expires: SignedDuration::from_hours(4),
            review_within: SignedDuration::from_hours(24),
        }
    }

    /// How many different persons it takes for a change that touches `tier`.
    #[must_use]
    pub const fn persons(&self, tier: u64) -> usize {
        if tier <= self.two_persons_tier { 2 } else { 1 }
    }
}
