//! Changes that are held or refused and have not shipped: the risky ones to come.

use std::collections::BTreeMap;

use countersign_core::decide::Verdict;
use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use crate::change::ChangeRef;
use crate::decision::Decision;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The change.
    pub change: String,
    /// `merge`, `plan`, `action` or `deployment`.
    pub kind: &'static str,
    /// `hold` or `refuse`.
    pub verdict: &'static str,
    /// When it was last decided on.
    pub decided_at: Timestamp,
    /// What the rules ask for, as they said it.
    pub reasons: Vec<String>,
}

/// The last decision on each change, as known at the cut-off.
pub(super) fn last<'a>(frame: &Frame<'a>) -> BTreeMap<&'a ChangeRef, &'a Decision> {
    let mut last: BTreeMap<&ChangeRef, &Decision> = BTreeMap::new();
    let known = frame.inputs.decisions.iter();
    for it in known.filter(|it| it.noted.at <= frame.cut_off) {
        let place = last.entry(&it.change).or_insert(it);
        let key = |it: &Decision| (it.decided_at, it.noted.at);
        if key(it) > key(place) {
            *place = it;
        }
    }
    last
}

pub(super) fn planned(frame: &Frame<'_>) -> Vec<Planned> {
    let shipped = |change: &ChangeRef| {
        let change = frame.inputs.changes.get(change);
        change.is_some_and(|it| it.noted.at <= frame.cut_off)
    };
    let mut found: Vec<Planned> = last(frame)
        .into_iter()
        .filter(|(change, it)| it.verdict != Verdict::Allow && !shipped(change))
        .map(|(change, it)| Planned {
            change: change.to_string(),
            kind: it.kind.as_str(),
            verdict: it.verdict.as_str(),
            decided_at: it.decided_at,
            reasons: it
                .rules
                .iter()
                .filter(|said| said.verdict != Verdict::Allow)
                .map(|said| format!("{}: {}", said.rule, said.reason))
                .collect(),
        })
        .collect();
    found.sort_by(|a, b| {
        (b.verdict, a.decided_at, &a.change).cmp(&(a.verdict, b.decided_at, &b.change))
    });
    found
}
