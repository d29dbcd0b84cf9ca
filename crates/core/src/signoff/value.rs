//! What sign-offs are worth and what they cost, from signed statements alone.
//!
//! Times are claims: when a commit was made, its committer says; when something
//! was signed, the signer's clock. A change of content before approval counts as
//! a catch whatever its reason, so the catch rate is at most what is shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::hash::Digest;
use crate::backtest::minutes;

/// The fewest people over whom anything about how people sign is shown.
pub const FEWEST_PEOPLE: usize = 5;

/// A sign-off this soon after the same person's last one is part of a burst.
const BURST: SignedDuration = SignedDuration::from_mins(2);

/// What a statement says of a version of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Go ahead.
    Approve,
    /// Do not.
    Veto,
    /// Something else that shows the version was put before people.
    Other,
}

/// One proven statement.
#[derive(Debug, Clone)]
pub struct Event {
    /// The change, within repository and target.
    pub change: String,
    /// Who signed.
    pub person: String,
    /// What.
    pub act: Act,
    /// What would land, or the content of what is no merge; `None` for a merge
    /// that conflicts.
    pub version: Option<Digest>,
    /// When, by the signer's clock.
    pub at: Timestamp,
    /// When they were shown it, by the same clock.
    pub shown_at: Option<Timestamp>,
    /// When its last commit was made, as its committer says.
    pub committed_at: Option<Timestamp>,
    /// Lines changed; `None` where the commits are gone.
    pub lines: Option<u64>,
    /// The rules it served.
    pub rules: Vec<String>,
}

impl Event {
    const fn is_review(&self) -> bool {
        matches!(self.act, Act::Approve | Act::Veto)
    }
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many.
    pub n: u64,
    /// Of how many.
    pub of: u64,
}

/// What a set of sign-offs was worth and cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Worth {
    /// Approvals and vetoes.
    pub signoffs: u64,
    /// Changes that were vetoed, or changed before they were approved, of those
    /// that someone reviewed.
    pub caught: Share,
    /// Changes that someone vetoed.
    pub vetoed: u64,
    /// Changes approved in the first version that a statement knows, without a
    /// veto, of those that were approved.
    pub unchanged: Share,
    /// Seconds from the last commit of what was approved to the approval that
    /// was still needed, per approved change, smallest first.
    pub lead_seconds: Vec<i64>,
    /// Estimated minutes of reviewing.
    pub minutes: u64,
}

/// The same for all sign-offs and for each rule that they served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Value {
    /// All of them.
    pub all: Worth,
    /// By rule. A sign-off that serves several counts for each.
    pub rules: BTreeMap<String, Worth>,
    /// People who signed.
    pub people: usize,
}

/// What sign-offs since a time were worth. `events` are in the order of the
/// chain; earlier ones are used to tell which versions there were.
#[must_use]
pub fn value(events: &[Event], since: Timestamp) -> Value {
    let mut changes: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        changes.entry(&event.change).or_default().push(event);
    }
    let mut value = Value::default();
    let mut people = BTreeSet::new();
    for events in changes.values() {
        let recent: Vec<&&Event> = events
            .iter()
            .filter(|it| it.is_review() && it.at >= since)
            .collect();
        if recent.is_empty() {
            continue;
        }
        people.extend(recent.iter().map(|it| it.person.as_str()));
        let rules: BTreeSet<&String> = recent.iter().flat_map(|it| &it.rules).collect();
        let fate = Fate::of(events);
        fate.add_to(&mut value.all, &recent);
        for rule in rules {
            let served: Vec<&&Event> = recent
                .iter()
                .copied()
                .filter(|it| it.rules.contains(rule))
                .collect();
            fate.add_to(value.rules.entry(rule.clone()).or_default(), &served);
        }
    }
    value.people = people.len();
    value.all.lead_seconds.sort_unstable();
    for worth in value.rules.values_mut() {
        worth.lead_seconds.sort_unstable();
    }
    value
}

/// What became of a change.
struct Fate {
    vetoed: bool,
    approved: bool,
    changed: bool,
    lead: Option<i64>,
}

impl Fate {
    fn of(events: &[&Event]) -> Self {
        let last = events.iter().rposition(|it| it.act == Act::Approve);
        let approved = last.and_then(|at| events.get(at));
        let before = events
            .get(..last.unwrap_or(events.len()))
            .unwrap_or_default();
        Self {
            vetoed: events.iter().any(|it| it.act == Act::Veto),
            approved: approved.is_some(),
            changed: approved.is_some_and(|last| before.iter().any(|it| differs(it, last))),
            lead: approved.and_then(|last| lead(events, last)),
        }
    }

    fn add_to(&self, worth: &mut Worth, reviews: &[&&Event]) {
        worth.signoffs += reviews.len() as u64;
        worth.minutes += reviews
            .iter()
            .map(|it| u64::from(minutes(it.lines.unwrap_or(0))))
            .sum::<u64>();
        worth.caught.of += 1;
        worth.caught.n += u64::from(self.vetoed || self.changed);
        worth.vetoed += u64::from(self.vetoed);
        if self.approved {
            worth.unchanged.of += 1;
            worth.unchanged.n += u64::from(!self.vetoed && !self.changed);
        }
        worth.lead_seconds.extend(self.lead);
    }
}

/// Whether two statements are about versions that would land different content.
fn differs(a: &Event, b: &Event) -> bool {
    a.version.is_none() || a.version != b.version
}

/// How long the approved version waited for the approval that was needed last:
/// one that served no rule was not waited for.
fn lead(events: &[&Event], last: &Event) -> Option<i64> {
    let of_it = || {
        events
            .iter()
            .filter(|it| it.act == Act::Approve && it.version == last.version)
    };
    let needed = of_it()
        .filter(|it| !it.rules.is_empty())
        .map(|it| it.at)
        .max();
    let allowed = needed.or_else(|| of_it().map(|it| it.at).max())?;
    let committed = of_it().filter_map(|it| it.committed_at).max()?;
    Some(allowed.duration_since(committed).as_secs().max(0))
}

/// How someone, or a group, signs. Signs of rubber-stamping, not proof: they can
/// be gamed, and a careful reader may have read elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Signals {
    /// Approvals.
    pub approvals: u64,
    /// Milliseconds between showing and signing, per changed line: the median
    /// over approvals for which it is known.
    pub median_ms_per_line: Option<i64>,
    /// Approvals signed within a second per changed line, of those for which it
    /// is known.
    pub under_a_second: Share,
    /// Approvals within two minutes of the same person's last one.
    pub in_bursts: Share,
    /// Approvals of the first version that a statement knows, without a veto.
    pub unchanged: Share,
}

/// How one person has signed since a time: for that person's eyes.
#[must_use]
pub fn signals_of(events: &[Event], person: &str, since: Timestamp) -> Signals {
    signals(events, since, |event| event.person == person)
}

/// How people have signed since a time, all together; `None` where they are
/// fewer than [`FEWEST_PEOPLE`], since that would show what single people do.
#[must_use]
pub fn signals_of_all(events: &[Event], since: Timestamp) -> Option<Signals> {
    let people: BTreeSet<&str> = events
        .iter()
        .filter(|it| it.act == Act::Approve && it.at >= since)
        .map(|it| it.person.as_str())
        .collect();
    (people.len() >= FEWEST_PEOPLE).then(|| signals(events, since, |_| true))
}

fn signals(events: &[Event], since: Timestamp, whose: impl Fn(&Event) -> bool) -> Signals {
    let mut found = Signals::default();
    let mut per_line = Vec::new();
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        if event.act != Act::Approve || !whose(event) {
            continue;
        }
        let previous = last.insert(&event.person, event.at);
        if event.at < since {
            continue;
        }
        found.approvals += 1;
        found.in_bursts.of += 1;
        let burst = previous.is_some_and(|at| event.at.duration_since(at).abs() <= BURST);
        found.in_bursts.n += u64::from(burst);
        let mut before = events
            .iter()
            .take(place)
            .filter(|it| it.change == event.change);
        let changed = before.any(|it| it.act == Act::Veto || differs(it, event));
        found.unchanged.of += 1;
        found.unchanged.n += u64::from(!changed);
        if let (Some(shown), Some(lines)) = (event.shown_at, event.lines) {
            let taken = event.at.duration_since(shown).as_millis();
            let taken = i64::try_from(taken).unwrap_or(i64::MAX).max(0);
            per_line.push(taken / i64::try_from(lines.max(1)).unwrap_or(i64::MAX));
        }
    }
    per_line.sort_unstable();
    found.under_a_second = Share {
        n: per_line.iter().filter(|ms| **ms < 1000).count() as u64,
        of: per_line.len() as u64,
    };
    found.median_ms_per_line = median(&per_line);
    found
}

/// The middle of a sorted list; of two middles the lower one.
#[must_use]
pub fn median(sorted: &[i64]) -> Option<i64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn event(change: &str, person: &str, act: Act, version: u8, minute: i64) -> Event {
        Event {
            change: change.to_owned(),
            person: person.to_owned(),
            act,
            version: Some(Digest::of(&[version])),
            at: at(minute),
            shown_at: None,
            committed_at: Some(at(0)),
            lines: Some(60),
            rules: vec!["r".to_owned()],
        }
    }

    #[test]
    fn a_catch_is_a_veto_or_a_change_before_approval() {
        use Act::{Approve, Other, Veto};
        let events = [
            event("straight", "sen", Approve, 1, 10),
            event("vetoed", "sen", Veto, 2, 20),
            event("vetoed", "sen", Approve, 3, 30),
            event("changed", "jun", Other, 4, 1),
            event("changed", "sue", Approve, 5, 40),
            event("abandoned", "sue", Veto, 6, 50),
            event("twice", "sen", Approve, 7, 60),
            event("twice", "sue", Approve, 7, 70),
        ];
        let found = value(&events, at(0));
        assert_eq!(found.all.caught, Share { n: 3, of: 5 });
        assert_eq!(found.all.unchanged, Share { n: 2, of: 4 });
        assert_eq!(
            (found.all.signoffs, found.all.vetoed, found.people),
            (7, 2, 2)
        );
        assert_eq!(found.all.minutes, 70);
        assert_eq!(found.all.lead_seconds, [600, 1800, 2400, 4200]);
        assert_eq!(found.rules["r"], found.all);
        // Only what was signed since counts, but earlier versions are known.
        let late = value(&events, at(30));
        assert_eq!(late.all.caught, Share { n: 3, of: 4 });
        assert_eq!(value(&events, at(500)), Value::default());
    }

    #[test]
    fn an_approval_that_no_rule_needed_is_not_waited_for() {
        let mut late = event("a", "sue", Act::Approve, 1, 90);
        late.rules.clear();
        let events = [event("a", "sen", Act::Approve, 1, 30), late];
        assert_eq!(value(&events, at(0)).all.lead_seconds, [1800]);
    }

    #[test]
    fn signals_are_of_one_person_or_of_at_least_five() {
        let mut events: Vec<Event> = Vec::new();
        for (place, person) in ["a", "b", "c", "d"].into_iter().enumerate() {
            let minute = i64::try_from(place).unwrap() * 100;
            let mut quick = event(person, person, Act::Approve, 1, minute);
            quick.shown_at = Some(quick.at - SignedDuration::from_secs(6));
            events.push(quick);
        }
        assert_eq!(signals_of_all(&events, at(0)), None);
        let mut slow = event("e", "e", Act::Approve, 1, 900);
        slow.shown_at = Some(slow.at - SignedDuration::from_secs(600));
        events.push(slow);
        events.push(event("f", "e", Act::Approve, 1, 901));
        let all = signals_of_all(&events, at(0)).unwrap();
        assert_eq!(all.under_a_second, Share { n: 4, of: 5 });
        assert_eq!(all.in_bursts, Share { n: 1, of: 6 });
        let own = signals_of(&events, "e", at(0));
        assert_eq!((own.approvals, own.median_ms_per_line), (2, Some(10_000)));
        assert_eq!(own.unchanged, Share { n: 2, of: 2 });
        assert_eq!(signals_of(&events, "nobody", at(0)), Signals::default());
    }
}
