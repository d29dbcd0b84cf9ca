//! Uses of AI for which safeguards are not established.

use std::collections::BTreeMap;

use countersign_core::usage::{Cap, Maturity};
use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use crate::usage::{Pattern, UsageEntry};

/// A pattern of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// Its key.
    pub pattern: String,
    /// How established it counts today.
    pub maturity: &'static str,
    /// Nothing was decided about it.
    pub undecided: bool,
    /// Seen for the first time in this week.
    pub is_new: bool,
    /// What was decided no longer holds since then.
    pub expired: Option<Timestamp>,
    /// Who answers for it; `None`: nobody.
    pub owner: Option<String>,
    /// What it requires.
    pub safeguards: Vec<String>,
    /// Times seen in the week: changes, tool calls let through, deployments.
    pub seen: u64,
    /// Changes shipped with it.
    pub changes: u64,
    /// By how many people.
    pub people: u64,
    /// The most changes that were agreed on for a week like this.
    pub weekly_cap: Option<u64>,
    /// Incidents of the week that are linked to changes made with it.
    pub incidents: u64,
}

impl UsageRow {
    /// Whether more was shipped with it than agreed.
    #[must_use]
    pub fn over_cap(&self) -> bool {
        self.weekly_cap.is_some_and(|cap| self.changes > cap)
    }
}

/// Novel, on trial, expired or forbidden patterns: those seen, and those decided.
pub(super) fn usage(frame: &Frame<'_>) -> Vec<UsageRow> {
    let mut entries: BTreeMap<&Pattern, &UsageEntry> = BTreeMap::new();
    let known = frame.inputs.usages.iter();
    for it in known.filter(|it| it.noted.at <= frame.cut_off && it.from <= frame.cut_off) {
        let place = entries.entry(&it.pattern).or_insert(it);
        if (it.from, it.noted.at) > (place.from, place.noted.at) {
            *place = it;
        }
    }
    let shipped = frame.inputs.shipped.get(&frame.week).copied().unwrap_or(0);
    let seen: BTreeMap<&Pattern, _> = frame
        .inputs
        .seen
        .iter()
        .map(|it| (&it.pattern, it))
        .collect();
    let patterns: std::collections::BTreeSet<&Pattern> =
        entries.keys().chain(seen.keys()).copied().collect();
    let mut rows: Vec<UsageRow> = patterns
        .into_iter()
        .filter_map(|pattern| {
            let (entry, seen) = (entries.get(pattern), seen.get(pattern));
            let expired = entry
                .and_then(|it| it.expires)
                .filter(|expires| *expires <= frame.cut_off);
            let maturity = match entry {
                Some(it) if expired.is_none() => it.maturity,
                _ => Maturity::Novel,
            };
            if maturity == Maturity::Established {
                return None;
            }
            let count = seen.map_or(0, |it| it.seen);
            // what was decided and not used needs no line of its own
            (count > 0 || expired.is_some()).then(|| UsageRow {
                pattern: pattern.key(),
                maturity: maturity.as_str(),
                undecided: entry.is_none(),
                is_new: seen.is_some_and(|it| it.first_seen.is_some_and(|at| frame.holds(at))),
                expired,
                owner: entry.and_then(|it| it.owner.clone()),
                safeguards: entry.map(|it| it.safeguards.clone()).unwrap_or_default(),
                seen: count,
                people: seen.map_or(0, |it| it.people),
                changes: seen.map_or(0, |it| it.changes),
                weekly_cap: entry.and_then(|it| cap(it).most(shipped)),
                incidents: seen.map_or(0, |it| it.incidents),
            })
        })
        .collect();
    rows.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| a.pattern.cmp(&b.pattern)));
    rows
}

const fn cap(entry: &UsageEntry) -> Cap {
    Cap {
        changes: entry.weekly_cap,
        percent: entry.weekly_percent,
    }
}
