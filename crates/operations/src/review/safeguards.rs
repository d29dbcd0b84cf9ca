//! What safeguards caught, and what they cost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use countersign_core::decide::Verdict;
use countersign_stats::{Confidence, proportion};
use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use crate::change::ChangeRef;
use crate::sign_off::{SignOffGiven, Stated};
use crate::trend::Range;

/// A part of a whole, with its exact 95 % interval (Clopper & Pearson 1934).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// The part.
    pub of: u64,
    /// The whole.
    pub all: u64,
    /// From 0 to 1; `None`: the whole is empty.
    pub range: Option<Range>,
}

impl Share {
    fn new(of: u64, all: u64) -> Self {
        let method = proportion::Method::ClopperPearson;
        let found = proportion::interval(of, all, Confidence::P95, method);
        let range = found.ok().map(|found| Range {
            low: found.interval.low,
            high: found.interval.high,
        });
        Self { of, all, range }
    }
}

impl fmt::Display for Share {
    /// `3 of 40 (1.6 % to 20.4 %)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.of, self.all)?;
        self.range.map_or(Ok(()), |range| {
            let (low, high) = (100.0 * range.low, 100.0 * range.high);
            write!(f, " ({low:.1} % to {high:.1} %)")
        })
    }
}

/// Safeguards in the week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Safeguards {
    /// Changes that people signed off or vetoed.
    pub judged: u64,
    /// Approvals given.
    pub approvals: u64,
    /// Changes with a veto, of those judged: what sign-offs caught, as far as a
    /// veto shows it.
    pub vetoed: Share,
    /// Approvals that were taken back.
    pub revoked: u64,
    /// Approvals with words of the signer, of all.
    pub with_words: Share,
    /// Minutes that approvals are reckoned to have taken: one for six changed
    /// lines, at least 5 and at most 90, as `countersign backtest` does.
    pub minutes: u64,
    /// Approvals whose change has not shipped, so that its size is not known;
    /// not in the minutes.
    pub size_unknown: u64,
    /// Minutes from the first hold to the last approval, in the middle of all
    /// changes that were held and then approved.
    pub lead_minutes: Option<u64>,
    /// The same for the slowest tenth.
    pub lead_minutes_p90: Option<u64>,
    /// Over how many changes.
    pub lead_changes: u64,
    /// What the guard was asked.
    pub guard_asked: u64,
    /// What it held, of all.
    pub guard_held: Share,
    /// What it refused, of all.
    pub guard_refused: Share,
    /// Break-glass used in the week.
    pub broke_glass: u64,
    /// Changes that shipped although nothing allowed them, of all shipped.
    pub bypassed: Share,
}

pub(super) fn safeguards(frame: &Frame<'_>) -> Safeguards {
    let given: Vec<&SignOffGiven> = frame
        .inputs
        .sign_offs
        .iter()
        .filter(|it| frame.holds(it.issued_at) && it.noted.at <= frame.cut_off)
        .collect();
    let stated = |stated| given.iter().filter(move |it| it.stated == stated);
    let approved: BTreeSet<&ChangeRef> = stated(Stated::Approved).map(|it| &it.change).collect();
    let vetoed: BTreeSet<&ChangeRef> = stated(Stated::Vetoed).map(|it| &it.change).collect();
    let judged = approved.union(&vetoed).count() as u64;
    let approvals = stated(Stated::Approved).count() as u64;
    let words = stated(Stated::Approved).filter(|it| it.message.is_some());
    let (mut minutes, mut size_unknown) = (0, 0);
    for it in stated(Stated::Approved) {
        match frame.inputs.changes.get(&it.change) {
            Some(change) => minutes += (change.lines / 6).clamp(5, 90),
            None => size_unknown += 1,
        }
    }
    let mut lead = lead(frame, &given);
    lead.sort_unstable();
    let asked = frame.inputs.guard.iter();
    let asked = asked.filter(|it| frame.holds(it.asked_at) && it.noted.at <= frame.cut_off);
    let answers: Vec<Verdict> = asked.map(|it| it.verdict).collect();
    let guard_asked = answers.len() as u64;
    let answered = |verdict| answers.iter().filter(|it| **it == verdict).count() as u64;
    let shipped = frame.inputs.shipped.get(&frame.week).copied().unwrap_or(0);
    let bypassed = frame.inputs.bypassed_count;
    Safeguards {
        judged,
        approvals,
        vetoed: Share::new(vetoed.len() as u64, judged),
        revoked: stated(Stated::Revoked).count() as u64,
        with_words: Share::new(words.count() as u64, approvals),
        minutes,
        size_unknown,
        lead_minutes: quantile(&lead, 0.5),
        lead_minutes_p90: quantile(&lead, 0.9),
        lead_changes: lead.len() as u64,
        guard_asked,
        guard_held: Share::new(answered(Verdict::Hold), guard_asked),
        guard_refused: Share::new(answered(Verdict::Refuse), guard_asked),
        broke_glass: stated(Stated::BrokeGlass).count() as u64,
        bypassed: Share::new(bypassed, shipped.max(bypassed)),
    }
}

/// Minutes from the first hold to the last approval, change by change.
fn lead(frame: &Frame<'_>, given: &[&SignOffGiven]) -> Vec<u64> {
    let mut held: BTreeMap<&ChangeRef, Timestamp> = BTreeMap::new();
    let known = frame.inputs.decisions.iter();
    for it in known.filter(|it| it.verdict == Verdict::Hold && it.noted.at <= frame.cut_off) {
        let first = held.entry(&it.change).or_insert(it.decided_at);
        *first = (*first).min(it.decided_at);
    }
    let mut approved: BTreeMap<&ChangeRef, Timestamp> = BTreeMap::new();
    for it in given.iter().filter(|it| it.stated == Stated::Approved) {
        let last = approved.entry(&it.change).or_insert(it.issued_at);
        *last = (*last).max(it.issued_at);
    }
    let waited = approved.iter().filter_map(|(change, last)| {
        let minutes = last.duration_since(*held.get(*change)?).as_mins();
        u64::try_from(minutes).ok()
    });
    waited.collect()
}

/// The value that a share of them does not exceed.
fn quantile(sorted: &[u64], share: f64) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    let place = (share * last as f64).round() as usize;
    sorted.get(place.min(last)).copied()
}
