//! The self-review that a policy may ask of authors before anyone else is
//! asked: writing code no longer implies having read it.

use super::{Observed, Policy};
use crate::decide::rule_applies;
use crate::facts::Kind;

/// Which changes their authors must review first, and what they must affirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfReview {
    /// Changes that touch one of this set of paths (place in the policy).
    pub paths: Option<usize>,
    /// Changes of at least so many lines.
    pub lines: Option<u64>,
    /// Changes to which one of these rules applies (places in the policy).
    pub rules: Vec<usize>,
    /// What the author affirms, one by one.
    pub items: Vec<String>,
}

impl SelfReview {
    /// Whether it is asked for. Only of merges, which have hunks to explain; of
    /// every merge where the policy names neither paths, lines nor rules.
    #[must_use]
    pub fn applies(&self, policy: &Policy, seen: &Observed) -> bool {
        let anywhere = self.paths.is_none() && self.lines.is_none() && self.rules.is_empty();
        let touched = |set: usize| seen.paths_any.get(set).copied().unwrap_or(true);
        let rule = |place: &usize| {
            policy
                .rules
                .get(*place)
                .is_some_and(|it| rule_applies(it, seen))
        };
        seen.kind == Kind::Merge
            && (anywhere
                || self.paths.is_some_and(touched)
                || self.lines.is_some_and(|least| seen.lines >= least)
                || self.rules.iter().any(rule))
    }

    /// Whether doing what this asks also does what `other` asks.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.items.iter().all(|item| self.items.contains(item))
    }

    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        match self.items.len() {
            0 => "a self-review by an author".to_owned(),
            1 => "a self-review by an author (1 item)".to_owned(),
            n => format!("a self-review by an author ({n} items)"),
        }
    }
}
