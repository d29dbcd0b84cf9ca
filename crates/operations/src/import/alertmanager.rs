//! Webhook messages of Prometheus Alertmanager, version 4.
//!
//! Form: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>.
//! One message mixes alerts that fire and alerts that are over; an alert that
//! goes on ends at `0001-01-01T00:00:00Z`. The same alert that fires again later
//! is another incident: an incident is a fingerprint and a start.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::json::{lenient, objects};
use super::{Became, Format, Import, ImportError, Report, text};
use crate::incident::{Incident, Severity, SourceRef, Status};
use crate::noted::Noted;

const SOURCE: &str = "alertmanager";
/// Labels that name what failed, most telling first.
const SERVICE_LABELS: [&str; 4] = ["service", "app", "component", "job"];
/// Labels that name where.
const REGION_LABELS: [&str; 3] = ["region", "zone", "cell"];

#[derive(Deserialize)]
struct Message {
    #[serde(default, deserialize_with = "lenient")]
    version: Option<String>,
    #[serde(default, rename = "truncatedAlerts", deserialize_with = "lenient")]
    truncated: Option<u64>,
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

pub(super) fn read(text: &str, noted: &Noted) -> Result<Import, ImportError> {
    let mut import = Import::default();
    let report = &mut import.report;
    let messages: Vec<(usize, Message)> = objects(text, Format::Alertmanager, report)?;
    let mut found: BTreeMap<String, Incident> = BTreeMap::new();
    for (row, message) in messages {
        if message
            .version
            .as_deref()
            .is_some_and(|version| version != "4")
        {
            let version = message.version.unwrap_or_default();
            report.remark(
                row,
                Became::Partial,
                format!("version `{version}` is not 4"),
            );
        }
        if let Some(left_out) = message.truncated.filter(|count| *count > 0) {
            let text = format!("Alertmanager left {left_out} alerts out of this message");
            report.remark(row, Became::Partial, text);
        }
        for alert in &message.alerts {
            match incident(alert, row, noted, report) {
                Ok(incident) => merge(&mut found, incident),
                Err(why) => report.skip(row, why),
            }
        }
    }
    import.incidents = found.into_values().collect();
    Ok(import)
}

/// The same alert is sent again and again while it fires, and once when it is
/// over, in any order.
fn merge(found: &mut BTreeMap<String, Incident>, incident: Incident) {
    let known = found.get(&incident.id);
    let over = |it: &Incident| it.resolved;
    if known.is_none_or(|known| over(&incident) > over(known)) {
        found.insert(incident.id.clone(), incident);
    }
}

fn incident(
    alert: &Alert,
    row: usize,
    noted: &Noted,
    report: &mut Report,
) -> Result<Incident, String> {
    let name = alert
        .labels
        .get("alertname")
        .map_or("alert", String::as_str);
    if alert.fingerprint.is_empty() {
        return Err(format!("the alert `{name}` has no fingerprint"));
    }
    let theirs = format!("{}:{}", alert.fingerprint, alert.starts_at.as_second());
    let id = text::id(SOURCE, &theirs)
        .ok_or_else(|| format!("the alert `{name}` has a strange fingerprint"))?;
    let summary = alert
        .annotations
        .get("summary")
        .map_or(name, String::as_str);
    let mut it = Incident::new(id, text::title(summary), alert.starts_at, noted.clone());
    it.detected = Some(alert.starts_at);
    it.severity = severity(alert, row, report);
    it.summary = alert
        .annotations
        .get("description")
        .map(|text| text::free(text));
    let label = |names: &[&str]| {
        let value = names.iter().find_map(|name| alert.labels.get(*name));
        value.and_then(|value| text::slug(value))
    };
    it.services.extend(label(&SERVICE_LABELS));
    it.regions.extend(label(&REGION_LABELS));
    it.tags.extend(text::slug(name));
    it.url = text::url(&alert.generator_url);
    let mut seen = alert.starts_at;
    match alert.status.as_str() {
        "firing" => {}
        "resolved" => match alert.ends_at.filter(|end| *end >= alert.starts_at) {
            Some(end) => {
                it.status = Status::Resolved;
                it.resolved = Some(end);
                seen = end;
            }
            None => {
                it.status = Status::Resolved;
                let message = format!("`{name}` is resolved, and nothing says since when");
                report.remark(row, Became::Partial, message);
            }
        },
        other => {
            let message = format!("`{name}` has the status `{other}`, which is not known");
            report.remark(row, Became::Partial, message);
        }
    }
    it.sources.insert(SourceRef {
        system: SOURCE.to_owned(),
        id: theirs,
        seen: Some(seen),
    });
    Ok(it)
}

/// The label is the organisation's own; these words are those in common use. A
/// page to a person is a Sev2 until somebody says that it was worse.
fn severity(alert: &Alert, row: usize, report: &mut Report) -> Option<Severity> {
    let label = alert
        .labels
        .get("severity")
        .or(alert.labels.get("priority"))?;
    match label.to_lowercase().as_str() {
        "critical" | "page" => Some(Severity::Sev2),
        "error" | "high" => Some(Severity::Sev3),
        "warning" | "warn" | "medium" => Some(Severity::Sev4),
        "info" | "low" | "none" => Some(Severity::Sev5),
        other => match other.parse() {
            Ok(severity) => Some(severity),
            Err(why) => {
                report.remark(row, Became::Partial, why);
                None
            }
        },
    }
}
