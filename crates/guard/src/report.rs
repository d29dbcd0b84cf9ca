//! What the decision log says about the guard itself: what it holds, what people
//! then let through, and where it asks too much.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::decide::Verdict;
use jiff::Timestamp;
use serde::Serialize;

use crate::journal::Record;

/// People who approve more than this share of a class are asked too much.
pub const ROUTINE: f64 = 0.99;
/// A class is not judged before this many tickets.
pub const LEAST: usize = 50;

/// How one class of actions came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Class {
    /// The class, such as `delete files`, and where.
    pub name: String,
    /// Tickets: one for every action, however often it was tried.
    pub tickets: usize,
    /// Tickets that a person passed and that then ran.
    pub passed: usize,
    /// Held calls, retries included.
    pub held: usize,
    /// Calls that were another way to something held before.
    pub other_ways: usize,
}

/// A narrower rule, with what it would have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The class it is about.
    pub class: String,
    /// The place all of its tickets name, for example a directory.
    pub target: String,
    /// What to write, in words or TOML.
    pub text: String,
    /// Tickets it would have spared.
    pub spared: usize,
    /// Tickets it would have spared that nobody passed.
    pub wrongly_spared: usize,
}

/// The whole report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Judged calls.
    pub calls: usize,
    /// Of them allowed without asking.
    pub allowed: usize,
    /// Held.
    pub held: usize,
    /// Refused, faults aside.
    pub refused: usize,
    /// Denied because the guard could not judge.
    pub faults: usize,
    /// Let through by a pass.
    pub passed: usize,
    /// By class, most tickets first.
    pub classes: Vec<Class>,
    /// Held and refused calls by rule.
    pub rules: BTreeMap<String, usize>,
    /// Where people are asked too much.
    pub proposals: Vec<Proposal>,
}

/// Counts over all records from `since` on.
#[must_use]
pub fn report(records: &[Record], since: Option<Timestamp>) -> Report {
    let mut out = Report::default();
    let mut classes: BTreeMap<(String, String), Vec<&Record>> = BTreeMap::new();
    for record in records
        .iter()
        .filter(|it| since.is_none_or(|since| it.at >= since))
    {
        out.calls += 1;
        match (record.verdict, &record.fault) {
            (_, Some(_)) => out.faults += 1,
            (Verdict::Allow, _) if !record.passes.is_empty() => out.passed += 1,
            (Verdict::Allow, _) => out.allowed += 1,
            (Verdict::Hold, _) => out.held += 1,
            (Verdict::Refuse, _) => out.refused += 1,
        }
        if record.verdict != Verdict::Allow {
            for rule in &record.rules {
                *out.rules.entry(rule.clone()).or_default() += 1;
            }
        }
        if record.ticket.is_some() || !record.passes.is_empty() {
            let class = record
                .class
                .clone()
                .unwrap_or_else(|| "another way".to_owned());
            let target = record
                .target
                .clone()
                .unwrap_or_else(|| "unknown".to_owned());
            classes.entry((class, target)).or_default().push(record);
        }
    }
    for ((class, target), records) in &classes {
        let counted = count(class, target, records);
        if let Some(proposal) = propose(&counted, target, records) {
            out.proposals.push(proposal);
        }
        out.classes.push(counted);
    }
    out.classes
        .sort_by(|a, b| b.tickets.cmp(&a.tickets).then_with(|| a.name.cmp(&b.name)));
    out
}

fn actions<'r>(records: &[&'r Record], passed: bool) -> BTreeSet<&'r [u8; 32]> {
    records
        .iter()
        .filter(|record| !passed || !record.passes.is_empty())
        .filter_map(|record| {
            record
                .action
                .as_ref()
                .map(countersign_core::signoff::Digest::as_bytes)
        })
        .collect()
}

fn count(class: &str, target: &str, records: &[&Record]) -> Class {
    Class {
        name: format!("{class} in {target}"),
        tickets: actions(records, false).len(),
        passed: actions(records, true).len(),
        held: records
            .iter()
            .filter(|record| record.ticket.is_some())
            .count(),
        other_ways: records
            .iter()
            .filter(|record| record.attempt_of.is_some())
            .count(),
    }
}

/// A narrower rule where nearly everything is passed: what the passed actions have
/// in common and the others have not.
fn propose(class: &Class, target: &str, records: &[&Record]) -> Option<Proposal> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of tickets are far below 2^52"
    )]
    let share = class.passed as f64 / class.tickets.max(1) as f64;
    if class.tickets < LEAST || share <= ROUTINE {
        return None;
    }
    let passed = actions(records, true);
    // The place where most of them happen is the narrowest thing the log knows.
    let mut places: BTreeMap<&str, BTreeSet<&[u8; 32]>> = BTreeMap::new();
    for record in records {
        if let Some(action) = &record.action {
            places
                .entry(&record.place)
                .or_default()
                .insert(action.as_bytes());
        }
    }
    let (place, all) = places
        .into_iter()
        .max_by_key(|(_, actions)| actions.len())?;
    let wrongly = all
        .iter()
        .filter(|action| !passed.contains(*action))
        .count();
    let text = if target == "local" {
        format!(
            "people let nearly all of `{}` through in {place}: move what is made again by a build below a \
             directory that is known as such (`build/`, `tmp/`), so that losing it is not held",
            class.name
        )
    } else {
        format!(
            "people let nearly all of `{}` through in {place}: if what it reaches is made to be broken, name it \
             in .countersign/targets.toml under `environment = \"development\"`",
            class.name
        )
    };
    Some(Proposal {
        class: class.name.clone(),
        target: place.to_owned(),
        text,
        spared: all.len(),
        wrongly_spared: wrongly,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::signoff::Digest;

    fn held(n: usize, place: &str, passed: bool) -> Vec<Record> {
        let mut record = Record::new(
            Timestamp::UNIX_EPOCH,
            "kiro",
            "shell",
            "kubectl delete",
            Verdict::Hold,
        );
        record.action = Some(Digest::of(format!("{n}").as_bytes()));
        record.class = Some("delete pods".to_owned());
        record.target = Some("unknown".to_owned());
        record.place = place.to_owned();
        record.ticket = Some(format!("t{n}"));
        record.rules = vec!["agent-alone".to_owned()];
        let mut out = vec![record.clone()];
        if passed {
            record.verdict = Verdict::Allow;
            record.ticket = None;
            record.passes = vec![Digest::of(b"p")];
            out.push(record);
        }
        out
    }

    #[test]
    fn what_is_always_passed_is_proposed_and_what_is_not_is_left() {
        let routine: Vec<Record> = (0..200).flat_map(|n| held(n, "/w", n != 7)).collect();
        let found = report(&routine, None);
        assert_eq!((found.held, found.passed), (200, 199));
        assert_eq!(found.classes[0].tickets, 200);
        let [proposal] = found.proposals.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((proposal.spared, proposal.wrongly_spared), (200, 1));
        assert_eq!(found.rules["agent-alone"], 200);

        let mixed: Vec<Record> = (0..200).flat_map(|n| held(n, "/w", n % 10 != 0)).collect();
        assert!(report(&mixed, None).proposals.is_empty());
        let few: Vec<Record> = (0..20).flat_map(|n| held(n, "/w", true)).collect();
        assert!(report(&few, None).proposals.is_empty());
    }

    #[test]
    fn retries_are_one_ticket_and_time_cuts() {
        let mut records = held(1, "/w", false);
        records.extend(held(1, "/w", false));
        let found = report(&records, None);
        assert_eq!((found.classes[0].tickets, found.classes[0].held), (1, 2));
        let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1);
        assert_eq!(report(&records, Some(later)).calls, 0);
    }
}
