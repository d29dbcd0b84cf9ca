//! Incidents of a status page.
//!
//! Two forms: Statuspage's own JSON (`/api/v2/incidents.json`,
//! <https://metastatuspage.com/api>), whole or one incident a line, and the
//! parsed history of GitHub's page, one incident a line with
//! `started_at`/`downtime_start` and `updates[].at`.

use jiff::Timestamp;
use serde::Deserialize;

use super::json::{lenient, objects};
use super::{Format, Import, ImportError, Report, text};
use crate::incident::{Incident, Severity, SourceRef, Status, TimelineEntry};
use crate::noted::Noted;

const SOURCE: &str = "github-status";

#[derive(Deserialize)]
#[serde(untagged)]
enum Outer {
    Page { incidents: Vec<Inner> },
    One(Box<Inner>),
}

#[derive(Deserialize)]
struct Inner {
    id: String,
    #[serde(default, alias = "name")]
    title: String,
    #[serde(default, deserialize_with = "lenient")]
    impact: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    shortlink: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    started_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    monitoring_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    resolved_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    scheduled_for: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    impact_window: Option<ImpactWindow>,
    #[serde(default, alias = "incident_updates")]
    updates: Vec<Update>,
    #[serde(default, deserialize_with = "lenient")]
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct ImpactWindow {
    start_at: Timestamp,
    end_at: Timestamp,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default, deserialize_with = "lenient")]
    at: Option<Timestamp>,
    /// When it is said to have been posted; people can set it.
    #[serde(default, deserialize_with = "lenient")]
    display_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<Timestamp>,
    #[serde(default)]
    status: String,
    #[serde(default, alias = "body", deserialize_with = "lenient")]
    message: Option<String>,
}

impl Update {
    fn time(&self) -> Option<Timestamp> {
        self.at.or(self.display_at).or(self.created_at)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Component {
    Name(String),
    Object { name: String },
}

impl Component {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Object { name } => name,
        }
    }
}

pub(super) fn read(text: &str, noted: &Noted) -> Result<Import, ImportError> {
    let mut import = Import::default();
    let report = &mut import.report;
    let outer: Vec<(usize, Outer)> = objects(text, Format::GithubStatus, report)?;
    for (row, outer) in outer {
        let list = match outer {
            Outer::Page { incidents } => incidents,
            Outer::One(one) => vec![*one],
        };
        for inner in list {
            match incident(&inner, row, noted, report) {
                Ok(incident) => import.incidents.push(incident),
                Err(why) => report.skip(row, format!("`{}`: {why}", inner.id)),
            }
        }
    }
    Ok(import)
}

fn incident(
    inner: &Inner,
    row: usize,
    noted: &Noted,
    report: &mut Report,
) -> Result<Incident, String> {
    let id = text::id(SOURCE, &inner.id).ok_or("its id cannot be used")?;
    let window = inner
        .impact_window
        .as_ref()
        .filter(|it| it.start_at <= it.end_at);
    let posted = inner.updates.iter().filter_map(Update::time).min();
    let started = [
        window.map(|it| it.start_at),
        inner.scheduled_for,
        inner.started_at,
        inner.created_at,
        posted,
    ];
    let started = started
        .into_iter()
        .flatten()
        .next()
        .ok_or("it has no time of start")?;
    let mut it = Incident::new(id, text::title(&inner.title), started, noted.clone());
    let maintenance = is_maintenance(inner);
    it.severity = severity(inner, maintenance, row, report);
    // What was posted first is when somebody had noticed.
    it.detected = posted.or(inner.created_at).filter(|_| !maintenance);
    it.mitigated = window.map(|it| it.end_at).or(inner.monitoring_at);
    it.resolved = inner
        .resolved_at
        .or_else(|| last(inner, &["resolved", "completed"]));
    it.status = match (maintenance, it.resolved.is_some(), it.mitigated.is_some()) {
        (true, ..) => Status::Dismissed,
        (_, true, _) => Status::Resolved,
        (_, _, true) => Status::Mitigated,
        _ => Status::Open,
    };
    order_ends(&mut it, row, report);
    if maintenance {
        it.tags.insert("maintenance".to_owned());
    }
    // A component that failed is what was hit, not what caused it: that an AI
    // product was down says nothing about AI as a cause.
    it.services = text::slugs(inner.components.iter().flatten().map(Component::name));
    it.timeline = timeline(inner);
    it.url = inner
        .url
        .as_deref()
        .or(inner.shortlink.as_deref())
        .and_then(text::url);
    it.sources.insert(SourceRef {
        system: SOURCE.to_owned(),
        id: inner.id.clone(),
        seen: inner.updated_at,
    });
    Ok(it)
}

fn is_maintenance(inner: &Inner) -> bool {
    let scheduled = |it: &Update| it.status.eq_ignore_ascii_case("scheduled");
    inner.impact.as_deref() == Some("maintenance") || inner.updates.iter().any(scheduled)
}

/// Statuspage's impact is chosen by whoever posts: `critical`, `major`,
/// `minor`, `none`.
fn severity(inner: &Inner, maintenance: bool, row: usize, report: &mut Report) -> Option<Severity> {
    match inner.impact.as_deref() {
        Some("critical") => Some(Severity::Sev1),
        Some("major") => Some(Severity::Sev2),
        Some("minor") => Some(Severity::Sev3),
        Some("none") => Some(Severity::Sev4),
        _ if maintenance => None,
        other => {
            let other = other.unwrap_or("nothing");
            let message = format!("`{}`: impact `{other}` is no severity", inner.id);
            report.remark(row, super::Became::Partial, message);
            None
        }
    }
}

fn last(inner: &Inner, statuses: &[&str]) -> Option<Timestamp> {
    if !matches!(
        inner.status.as_deref(),
        None | Some("resolved" | "postmortem" | "completed")
    ) {
        return None;
    }
    let is = |it: &&Update| statuses.contains(&it.status.to_lowercase().as_str());
    inner
        .updates
        .iter()
        .filter(is)
        .filter_map(Update::time)
        .max()
}

/// Pages are edited by hand, so an end may come before the start, or after the
/// day it was read; it is left out and said so.
fn order_ends(it: &mut Incident, row: usize, report: &mut Report) {
    let (started, now) = (it.started, it.noted.at);
    let mut drop = |name: &str, time: &mut Option<Timestamp>, wrong: &str| {
        if let Some(time) = time.take() {
            let message = format!("`{}`: {name} {time} {wrong}", it.id);
            report.remark(row, super::Became::Partial, message);
        }
    };
    if it.resolved.is_some_and(|end| end < started) {
        drop("resolved", &mut it.resolved, "is before it started");
    }
    if it.mitigated.is_some_and(|end| end < started) {
        drop("mitigated", &mut it.mitigated, "is before it started");
    }
    if it.mitigated > it.resolved && it.resolved.is_some() {
        // Served again after it was declared over: the later end counts.
        it.mitigated = it.resolved;
    }
    if it.resolved.is_some_and(|end| end > now) {
        drop("resolved", &mut it.resolved, "is in the future");
    }
}

fn timeline(inner: &Inner) -> Vec<TimelineEntry> {
    let entry = |it: &Update| {
        let message = it.message.as_deref().unwrap_or_default();
        Some(TimelineEntry {
            at: it.time()?,
            text: text::free(&format!("{}: {message}", it.status)),
        })
    };
    let mut entries: Vec<TimelineEntry> = inner.updates.iter().filter_map(entry).collect();
    entries.sort();
    entries.dedup();
    entries
}
