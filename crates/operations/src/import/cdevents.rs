//! CDEvents: incidents and deployments.
//!
//! Form: <https://cdevents.dev>, spec 0.3 to 0.6. A type is
//! `dev.cdevents.<subject>.<predicate>.<version>`; versions differ by release of
//! the specification, so the subject and predicate are read by name and the
//! version is only checked to be one. Severity is not part of the format; where
//! `customData` has one it is read.

use std::collections::BTreeMap;

use countersign_core::effect::Environment;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::json::{lenient, objects};
use super::{Became, Format, Guesses, Import, ImportError, MAX_REMARK, Report, text};
use crate::deployment::{Deployment, Move, Outcome};
use crate::incident::{Incident, Severity, SourceRef, Status, TimelineEntry};
use crate::link::{Link, LinkState, LinkTo, Reason};
use crate::noted::Noted;

const SOURCE: &str = "cdevents";
const PREFIX: &str = "dev.cdevents.";

#[derive(Deserialize)]
struct Event {
    context: Context,
    subject: Subject,
    #[serde(default, rename = "customData")]
    custom: Value,
}

#[derive(Deserialize)]
struct Context {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: Timestamp,
    #[serde(default)]
    links: Vec<EventLink>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventLink {
    #[serde(default)]
    link_type: String,
    #[serde(default)]
    link_kind: String,
    #[serde(default, deserialize_with = "lenient")]
    target: Option<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    context_id: String,
}

#[derive(Deserialize)]
struct Subject {
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    content: Option<Content>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default, deserialize_with = "lenient")]
    description: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    environment: Option<Named>,
    #[serde(default, deserialize_with = "lenient")]
    service: Option<Named>,
    #[serde(default, deserialize_with = "lenient")]
    artifact_id: Option<String>,
    #[serde(default, rename = "ticketURI", deserialize_with = "lenient")]
    ticket: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

pub(super) fn read(text: &str, noted: &Noted) -> Result<Import, ImportError> {
    let mut import = Import::default();
    let values: Vec<(usize, Value)> = objects(text, Format::Cdevents, &mut import.report)?;
    let mut incidents: BTreeMap<String, Vec<(usize, String, Event)>> = BTreeMap::new();
    for (row, value) in values {
        let report = &mut import.report;
        let Some((subject, predicate)) = kind(&value) else {
            report.skip(row, "it is not an event with a `context.type` of CDEvents");
            continue;
        };
        match (subject.as_str(), predicate.as_str()) {
            ("incident", "detected" | "reported" | "resolved")
            | ("service", "deployed" | "upgraded" | "rolledback" | "removed") => {}
            _ => {
                let name = format!("{subject}.{predicate}");
                *report.not_relevant.entry(name).or_default() += 1;
                continue;
            }
        }
        match serde_json::from_value::<Event>(value) {
            Err(error) => report.skip(row, error.to_string()),
            Ok(event) if subject == "incident" => {
                let events = incidents.entry(event.subject.id.clone()).or_default();
                events.push((row, predicate, event));
            }
            Ok(event) => match deployment(&predicate, &event, noted) {
                Some(deployment) => import.deployments.push(deployment),
                None => report.skip(row, format!("the id `{}` cannot be used", event.context.id)),
            },
        }
    }
    for (theirs, events) in incidents {
        fold(&theirs, events, noted, &mut import);
    }
    distinct(&mut import);
    Ok(import)
}

/// The same event sent twice is one; two events under one id are an error of
/// their source, and only the first can be kept.
fn distinct(import: &mut Import) {
    import
        .deployments
        .sort_by(|a, b| (&a.id, a.started).cmp(&(&b.id, b.started)));
    import.deployments.dedup();
    let mut last: Option<String> = None;
    let report = &mut import.report;
    import.deployments.retain(|it| {
        let first = last.as_ref() != Some(&it.id);
        if !first {
            report.skip(
                0,
                format!(
                    "another event has the id of {} of `{}`",
                    it.moved, it.service
                ),
            );
        }
        last = Some(it.id.clone());
        first
    });
}

/// Subject and predicate of a type; `None` when it is none of CDEvents.
fn kind(value: &Value) -> Option<(String, String)> {
    let kind = value.get("context")?.get("type")?.as_str()?;
    let mut parts = kind.strip_prefix(PREFIX)?.splitn(3, '.');
    let (subject, predicate, version) = (parts.next()?, parts.next()?, parts.next()?);
    let release = version.split(['-', '+']).next()?;
    let numbers: Vec<&str> = release.split('.').collect();
    let numeric = |part: &&str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let sound = numbers.len() == 3 && numbers.iter().all(numeric);
    sound.then(|| (subject.to_owned(), predicate.to_owned()))
}

fn fold(theirs: &str, mut events: Vec<(usize, String, Event)>, noted: &Noted, import: &mut Import) {
    events.sort_by(|(_, _, a), (_, _, b)| {
        let (a, b) = (&a.context, &b.context);
        (a.timestamp, &a.kind, &a.id).cmp(&(b.timestamp, &b.kind, &b.id))
    });
    let row = events.first().map_or(0, |(row, ..)| *row);
    let Some(id) = text::slug(theirs).and_then(|slug| text::id(SOURCE, &slug)) else {
        import
            .report
            .skip(row, format!("the id `{theirs}` cannot be used"));
        return;
    };
    let Some(first) = events
        .iter()
        .map(|(_, _, event)| event.context.timestamp)
        .min()
    else {
        return;
    };
    let mut it = Incident::new(id, text::title(theirs), first, noted.clone());
    let mut titled = false;
    for (row, predicate, event) in &events {
        let at = event.context.timestamp;
        let empty = Content::default();
        let content = event.subject.content.as_ref().unwrap_or(&empty);
        if let Some(description) = &content.description {
            // What was detected names it; what is said at the end does not.
            if !titled && predicate != "resolved" {
                it.title = text::title(description);
                titled = true;
            }
            let text = text::free(&format!("{predicate}: {description}"));
            it.timeline.push(TimelineEntry { at, text });
        }
        it.services
            .extend(content.service.as_ref().and_then(|it| text::slug(&it.id)));
        it.regions.extend(
            content
                .environment
                .as_ref()
                .and_then(|it| text::slug(&it.id)),
        );
        it.url = content
            .ticket
            .as_deref()
            .and_then(text::url)
            .or(it.url.take());
        it.severity = severity(&event.custom, *row, &mut import.report).or(it.severity);
        match predicate.as_str() {
            "resolved" => {
                it.status = Status::Resolved;
                it.resolved = Some(at);
            }
            _ => it.detected = it.detected.into_iter().chain([at]).min(),
        }
        let id = it.id.clone();
        import.links.extend(
            event
                .context
                .links
                .iter()
                .filter_map(|link| reported(&id, link, noted)),
        );
    }
    if it.detected.is_none() {
        import
            .report
            .remark(row, Became::Partial, never_began(theirs));
    }
    it.timeline.sort();
    it.timeline.dedup();
    it.sources.insert(SourceRef {
        system: SOURCE.to_owned(),
        id: text::line(theirs, 300),
        seen: events.last().map(|(_, _, event)| event.context.timestamp),
    });
    let guesses = Guesses {
        start: true,
        events: true,
        ..Guesses::default()
    };
    import.guesses.insert(it.id.clone(), guesses);
    import.incidents.push(it);
    import
        .links
        .sort_by(|a, b| (&a.incident, &a.to).cmp(&(&b.incident, &b.to)));
    import.links.dedup();
}

fn never_began(theirs: &str) -> String {
    format!("`{theirs}` was resolved, and nothing says when it began")
}

/// Puts what was known of an incident beside what one file says, as if all of
/// their events had come in that file: `fold` over both.
pub(super) fn beside(it: &mut Incident, known: &Incident, report: &mut Report) {
    let own = |of: &Incident| of.sources.iter().find(|it| it.system == SOURCE).cloned();
    let (Some(mut source), before) = (own(it), own(known)) else {
        return;
    };
    let seen = before.and_then(|it| it.seen);
    let is_older = source.seen < seen;
    // until an event describes it, it has only its id
    let nameless = text::title(&source.id);
    let names_first = known.title == nameless
        || (it.title != nameless
            && it
                .detected
                .is_some_and(|at| known.detected.is_none_or(|known| at < known)));
    if !names_first {
        it.title.clone_from(&known.title);
    }
    if it.detected.is_none() && known.detected.is_some() {
        let remark = text::line(&never_began(&source.id), MAX_REMARK);
        report.remarks.retain(|it| it.message != remark);
    }
    it.started = it.started.min(known.started);
    it.detected = it.detected.into_iter().chain(known.detected).min();
    if it.resolved.is_none() {
        it.status = known.status;
    }
    it.resolved = it.resolved.max(known.resolved);
    it.services.extend(known.services.iter().cloned());
    it.regions.extend(known.regions.iter().cloned());
    if is_older {
        it.severity = known.severity.or(it.severity);
        it.url = known.url.clone().or(it.url.take());
    }
    it.sources.remove(&source);
    source.seen = source.seen.max(seen);
    it.sources.insert(source);
}

/// CDEvents has no "caused by"; a relation of kind `TRIGGER` to the event of a
/// deployment comes closest.
fn reported(incident: &str, link: &EventLink, noted: &Noted) -> Option<Link> {
    if link.link_type != "RELATION" || !link.link_kind.eq_ignore_ascii_case("trigger") {
        return None;
    }
    let id = text::id(SOURCE, &link.target.as_ref()?.context_id.to_lowercase())?;
    Some(Link {
        noted: noted.clone(),
        incident: incident.to_owned(),
        to: LinkTo::Deployment(id),
        state: LinkState::Reported,
        confidence: None,
        reasons: vec![Reason {
            kind: "relation".to_owned(),
            text: "the event has a relation of kind TRIGGER to it".to_owned(),
        }],
    })
}

fn severity(custom: &Value, row: usize, report: &mut Report) -> Option<Severity> {
    let word = custom.get("severity")?.as_str()?;
    match word.to_lowercase().as_str() {
        "critical" => Some(Severity::Sev1),
        "high" | "major" => Some(Severity::Sev2),
        "medium" | "moderate" => Some(Severity::Sev3),
        "low" | "minor" => Some(Severity::Sev4),
        other => match other.parse() {
            Ok(severity) => Some(severity),
            Err(why) => {
                report.remark(row, Became::Partial, why);
                None
            }
        },
    }
}

/// A deployment is known by its event: links name that. Case does not matter
/// in the ids, which are UUIDs.
fn deployment(predicate: &str, event: &Event, noted: &Noted) -> Option<Deployment> {
    let id = text::id(SOURCE, &event.context.id.to_lowercase())?;
    let service = text::slug(&event.subject.id)?;
    let at = event.context.timestamp;
    let mut it = Deployment::new(id, service, at, noted.clone());
    let empty = Content::default();
    let content = event.subject.content.as_ref().unwrap_or(&empty);
    it.moved = match predicate {
        "rolledback" => Move::RollBack,
        "removed" => Move::Remove,
        _ => Move::Deploy,
    };
    it.finished = Some(at);
    it.outcome = Outcome::Succeeded;
    it.version = content.artifact_id.as_deref().map(|it| text::line(it, 400));
    if let Some(environment) = &content.environment {
        it.environment = environment_of(&environment.id);
        it.target = Some(text::line(&environment.id, 200));
    }
    it.sources.insert(SourceRef {
        system: SOURCE.to_owned(),
        id: text::line(&event.context.id, 300),
        seen: Some(at),
    });
    Some(it)
}

/// What an environment's own name says; a name that says nothing stays unknown.
fn environment_of(name: &str) -> Environment {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphabetic());
    let mut found = words.filter_map(|word| match word {
        "prod" | "production" | "prd" | "live" => Some(Environment::Production),
        "staging" | "stage" | "stg" | "preprod" | "uat" => Some(Environment::Staging),
        "dev" | "development" | "test" | "qa" | "sandbox" => Some(Environment::Development),
        "local" => Some(Environment::Local),
        _ => None,
    });
    found.next().unwrap_or(Environment::Unknown)
}
