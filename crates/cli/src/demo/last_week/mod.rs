//! The week that the review is about: three grave incidents, what led to them,
//! and what went round the safeguards.

mod around;
mod environment;
mod stale_wiki;
mod wrong_build;

use std::collections::BTreeSet;

use countersign_core::catalog::Share;
use countersign_core::effect::Environment;
use countersign_core::facts::Kind;
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::factor::{ClaimState, FactorClaim};
use countersign_operations::incident::{ImpactStep, Incident, Severity, Status, TimelineEntry};
use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use jiff::Timestamp;

use super::incidents::{Register, after};
use super::{WEEKS, moment};

/// A moment of the last week.
fn at(day: i64, minute: i64) -> Timestamp {
    moment(WEEKS - 1, day, minute)
}

/// All of it; the id of the incident of the environment.
pub(super) fn happen(register: &mut Register) -> String {
    let wiki = stale_wiki::stale_wiki(register);
    let environment = environment::environment(register);
    let build = wrong_build::wrong_build(register);
    for (title, incident, due) in [
        (
            "Restore the accounts environment every month",
            &environment,
            Some((6, "li")),
        ),
        (
            "The pipeline refuses builds of another stage",
            &build,
            Some((10, "sara")),
        ),
        ("Wiki pages of prices carry a date of expiry", &wiki, None),
    ] {
        let id = register.next_action(at(4, 600));
        let opened = around::action(id, title, incident, due);
        register.records.push(opened);
    }
    register
        .records
        .extend([around::break_glass(), around::hand_made(), around::held()]);
    environment
}

/// An incident as it was known when it was over.
fn incident(
    id: String,
    title: &str,
    (start, minutes): (Timestamp, i64),
    severity: Severity,
    felt: f64,
) -> Incident {
    let noted = Noted::by("gwen", after(start, minutes + 45));
    let mut it = Incident::new(id, title.to_owned(), start, noted);
    it.severity = Some(severity);
    it.status = Status::Resolved;
    it.detected = Some(after(start, 4));
    it.resolved = Some(after(start, minutes));
    it.impact = vec![ImpactStep {
        from: start,
        customers: Share::from_percent(felt).unwrap_or_default(),
    }];
    it
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn timeline(entries: &[(Timestamp, &str)]) -> Vec<TimelineEntry> {
    let entries = entries.iter().map(|(at, text)| TimelineEntry {
        at: *at,
        text: (*text).to_owned(),
    });
    entries.collect()
}

fn said(
    of: (&str, &str),
    claimant: &str,
    by: &str,
    at: Timestamp,
    state: ClaimState,
    why: &str,
) -> Record {
    let (incident, factor) = of;
    FactorClaim {
        noted: Noted::by(by, at).because(why),
        incident: incident.to_owned(),
        factor: factor.to_owned(),
        claimant: claimant.to_owned(),
        state,
        evidence: vec![format!("timeline of {incident}")],
    }
    .into()
}

fn linked(incident: &str, to: LinkTo, by: &str, at: Timestamp) -> Record {
    Link {
        noted: Noted::by(by, at).because("it says so in the timeline"),
        incident: incident.to_owned(),
        to,
        state: LinkState::Confirmed,
        confidence: None,
        reasons: Vec::new(),
    }
    .into()
}

fn change_of(change: ChangeRef, kind: Kind, shipped: Timestamp, person: &str) -> Change {
    let mut it = Change::new(
        change,
        kind,
        shipped,
        Noted::by("history", after(shipped, 10)),
    );
    it.people = names(&[person]);
    it.environment = Environment::Production;
    it
}
