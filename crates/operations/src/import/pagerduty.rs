//! Webhook events of PagerDuty, version 3.
//!
//! Form: `docs/webhooks/01-Overview.md` of PagerDuty/developer-docs. Events may
//! come twice and in any order, and new types may be added at any time: the
//! state of an incident is a fold over its events by `occurred_at`, and an event
//! of a type that is not known becomes a line of the timeline.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use super::json::{lenient, objects};
use super::{Became, Format, Guesses, Import, ImportError, Report, text};
use crate::incident::{Incident, SourceRef, Status, TimelineEntry};
use crate::noted::Noted;

const SOURCE: &str = "pagerduty";

#[derive(Deserialize)]
struct Outer {
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    event_type: String,
    occurred_at: Timestamp,
    data: Data,
}

/// `data` of every type has either the incident itself, or a reference to it.
#[derive(Deserialize)]
struct Data {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    html_url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    service: Option<Reference>,
    #[serde(default, deserialize_with = "lenient")]
    priority: Option<Reference>,
    #[serde(default, deserialize_with = "lenient")]
    incident: Option<Reference>,
    #[serde(default, deserialize_with = "lenient")]
    content: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: String,
    #[serde(default)]
    summary: String,
    #[serde(default, deserialize_with = "lenient")]
    html_url: Option<String>,
}

pub(super) fn read(text: &str, noted: &Noted) -> Result<Import, ImportError> {
    let mut import = Import::default();
    let report = &mut import.report;
    let events: Vec<(usize, Outer)> = objects(text, Format::Pagerduty, report)?;
    let mut by_incident: BTreeMap<String, Vec<(usize, Event)>> = BTreeMap::new();
    for (row, Outer { event }) in events {
        if !event.event_type.starts_with("incident.") {
            *report.not_relevant.entry(event.event_type).or_default() += 1;
            continue;
        }
        match incident_id(&event.data) {
            Some(id) => by_incident.entry(id).or_default().push((row, event)),
            None => report.skip(row, format!("`{}` names no incident", event.event_type)),
        }
    }
    for (theirs, mut events) in by_incident {
        events.sort_by(|(_, a), (_, b)| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)));
        let mut seen = BTreeSet::new();
        events.retain(|(_, event)| seen.insert(event.id.clone()));
        match fold(&theirs, &events, noted, report) {
            Some((incident, guesses)) => {
                import.guesses.insert(incident.id.clone(), guesses);
                import.incidents.push(incident);
            }
            None => {
                let row = events.first().map_or(0, |(row, _)| *row);
                report.skip(row, format!("the id `{theirs}` cannot be used"));
            }
        }
    }
    Ok(import)
}

fn incident_id(data: &Data) -> Option<String> {
    let id = match &data.incident {
        Some(incident) => incident.id.clone(),
        None if data.kind.as_deref() == Some("incident") => data.id.clone()?,
        None => return None,
    };
    (!id.is_empty()).then_some(id)
}

fn fold(
    theirs: &str,
    events: &[(usize, Event)],
    noted: &Noted,
    report: &mut Report,
) -> Option<(Incident, Guesses)> {
    let (_, first) = events.first()?;
    let created = events
        .iter()
        .filter_map(|(_, event)| event.data.created_at)
        .min();
    let started = created.unwrap_or(first.occurred_at);
    let id = text::id(SOURCE, theirs)?;
    let title = format!("PagerDuty incident {theirs}");
    let mut it = Incident::new(id, title, started, noted.clone());
    it.detected = Some(started);
    let mut told = None;
    for (row, event) in events {
        describe(&mut it, *row, &event.data, report);
        if advance(&mut it, *row, event, report) {
            told = Some(event.occurred_at);
        }
        it.timeline.push(entry(event));
    }
    it.timeline.sort();
    it.timeline.dedup();
    let last = events.iter().map(|(_, event)| event.occurred_at).max();
    it.sources.insert(SourceRef {
        system: SOURCE.to_owned(),
        id: theirs.to_owned(),
        seen: told.or(last),
    });
    let guesses = Guesses {
        start: created.is_none(),
        status: told.is_none(),
        events: false,
    };
    Some((it, guesses))
}

/// What the event says about the incident as such.
fn describe(it: &mut Incident, row: usize, data: &Data, report: &mut Report) {
    let reference = data.incident.as_ref();
    if let Some(title) = data
        .title
        .as_deref()
        .or(reference.map(|it| it.summary.as_str()))
        && !title.trim().is_empty()
    {
        it.title = text::title(title);
    }
    let url = match reference {
        Some(incident) => incident.html_url.as_deref(),
        None => data.html_url.as_deref(),
    };
    it.url = url.and_then(text::url).or(it.url.take());
    it.services
        .extend(data.service.as_ref().and_then(|it| text::slug(&it.summary)));
    if let Some(priority) = &data.priority {
        match priority.summary.parse() {
            Ok(severity) => it.severity = Some(severity),
            Err(_) => {
                let message = format!("priority `{}` is no severity", priority.summary);
                report.remark(row, Became::Partial, message);
            }
        }
    }
}

/// What the event does to its state; whether it says what that is.
fn advance(it: &mut Incident, row: usize, event: &Event, report: &mut Report) -> bool {
    match event.event_type.as_str() {
        "incident.resolved" => {
            it.status = Status::Resolved;
            it.resolved = Some(event.occurred_at.max(it.started));
            return true;
        }
        "incident.triggered" | "incident.reopened" => {
            it.status = Status::Open;
            it.resolved = None;
            return true;
        }
        "incident.acknowledged"
        | "incident.annotated"
        | "incident.delegated"
        | "incident.escalated"
        | "incident.priority_updated"
        | "incident.reassigned"
        | "incident.responder.added"
        | "incident.responder.replied"
        | "incident.status_update_published"
        | "incident.unacknowledged" => {}
        other => report.remark(row, Became::Kept, format!("`{other}` is not known")),
    }
    match event.data.status.as_deref() {
        // Over, and this event does not say since when.
        Some("resolved") => it.status = Status::Resolved,
        Some("triggered" | "acknowledged") => {
            it.status = Status::Open;
            it.resolved = None;
        }
        _ => return false,
    }
    true
}

fn entry(event: &Event) -> TimelineEntry {
    let kind = event
        .event_type
        .trim_start_matches("incident.")
        .replace(['_', '.'], " ");
    let said = event
        .data
        .content
        .as_deref()
        .or(event.data.message.as_deref());
    let text = match said {
        Some(said) if !said.trim().is_empty() => format!("{kind}: {said}"),
        _ => kind,
    };
    TimelineEntry {
        at: event.occurred_at,
        text: text::free(&text),
    }
}
