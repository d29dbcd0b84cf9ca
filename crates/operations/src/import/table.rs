//! Tables and JSON lines, read by a mapping of their fields.

use std::collections::BTreeSet;

use countersign_core::catalog::Share;
use jiff::Timestamp;
use serde_json::Value;

use super::mapping::{Mapping, ReadTime};
use super::{Became, Format, Import, ImportError, MAX_ROWS, Report, json, text};
use crate::incident::{ImpactStep, Incident, SourceRef, Status};
use crate::noted::Noted;

/// A row that can be asked for a field by name; `None`: it is empty.
type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

pub(super) fn read_csv(
    text: &str,
    mapping: &Mapping,
    noted: &Noted,
) -> Result<Import, ImportError> {
    let broken = |why: String| ImportError::Format {
        format: Format::Csv,
        why,
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(text::delimiter(text.as_bytes()))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|error| broken(error.to_string()))?
        .clone();
    let names: Vec<&str> = headers.iter().collect();
    for wanted in [
        &mapping.fields.id,
        &mapping.fields.title,
        &mapping.fields.started,
    ] {
        if !names.contains(&wanted.as_str()) {
            let known = text::line(&names.join("`, `"), 300);
            return Err(broken(format!(
                "there is no column `{wanted}`, only `{known}`"
            )));
        }
    }
    let mut rows = Rows::new(mapping, noted);
    for (place, record) in (2..).zip(reader.records()) {
        if place > MAX_ROWS {
            return Err(ImportError::TooManyRows);
        }
        rows.import.report.rows += 1;
        match record {
            Err(error) => rows.import.report.skip(place, error.to_string()),
            Ok(record) => {
                if record.len() != names.len() {
                    let message =
                        format!("it has {} columns instead of {}", record.len(), names.len());
                    rows.import.report.remark(place, Became::Partial, message);
                }
                rows.take(place, &|name: &str| {
                    let column = names.iter().position(|column| *column == name)?;
                    record
                        .get(column)
                        .map(str::to_owned)
                        .filter(|it| !it.is_empty())
                });
            }
        }
    }
    Ok(rows.import)
}

pub(super) fn read_jsonl(
    text: &str,
    mapping: &Mapping,
    noted: &Noted,
) -> Result<Import, ImportError> {
    let mut rows = Rows::new(mapping, noted);
    let values: Vec<(usize, Value)> = json::lines(text, Format::Jsonl, &mut rows.import.report)?;
    let list = mapping.list.clone();
    for (place, value) in values {
        rows.take(place, &|name: &str| field(&value, name, &list));
    }
    Ok(rows.import)
}

/// A field by its name, or by a path such as `a.b`.
fn field(value: &Value, name: &str, list: &str) -> Option<String> {
    let found = value.get(name).or_else(|| {
        name.split('.')
            .try_fold(value, |value, part| match part.parse::<usize>() {
                Ok(place) if value.is_array() => value.get(place),
                _ => value.get(part),
            })
    })?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    let found = match found {
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join(list),
        other => text(other)?,
    };
    (!found.trim().is_empty()).then_some(found)
}

struct Rows<'a> {
    mapping: &'a Mapping,
    noted: Noted,
    seen: BTreeSet<String>,
    import: Import,
}

impl<'a> Rows<'a> {
    fn new(mapping: &'a Mapping, noted: &Noted) -> Self {
        // Two systems that both export tables are two sources.
        let mut noted = noted.clone();
        noted.by.clone_from(&mapping.source);
        noted.through = Some(mapping.source.clone());
        Self {
            mapping,
            noted,
            seen: BTreeSet::new(),
            import: Import::default(),
        }
    }

    fn take(&mut self, row: usize, get: &Lookup<'_>) {
        match self.incident(row, get) {
            Err(why) => self.import.report.skip(row, why),
            Ok(incident) => {
                if self.seen.insert(incident.id.clone()) {
                    self.import.incidents.push(incident);
                } else {
                    let message =
                        format!("the id of `{}` is already in an earlier row", incident.id);
                    self.import.report.skip(row, message);
                }
            }
        }
    }

    fn incident(&mut self, row: usize, get: &Lookup<'_>) -> Result<Incident, String> {
        let mapping = self.mapping;
        let fields = &mapping.fields;
        let needed = |name: &str| get(name).ok_or_else(|| format!("`{name}` is empty"));
        let theirs = needed(&fields.id)?;
        let id = text::slug(&theirs).and_then(|slug| text::id(&mapping.source, &slug));
        let id =
            id.ok_or_else(|| format!("the id `{}` cannot be used", text::line(&theirs, 60)))?;
        let started = needed(&fields.started)?;
        let started = mapping
            .time(&started)
            .map_err(|why| format!("{}: {why}", fields.started))?;
        let report = &mut self.import.report;
        doubt(report, row, &fields.started, started.doubtful);
        if started.at > self.noted.at {
            return Err(format!(
                "{}: {} is in the future",
                fields.started, started.at
            ));
        }
        let title = text::title(&needed(&fields.title)?);
        let mut it = Incident::new(id, title, started.at, self.noted.clone());
        let optional = |name: &Option<String>| {
            let name = name.as_deref()?;
            Some((name.to_owned(), get(name)?))
        };
        let bounds = (it.started, it.noted.at);
        let mut time = |name: &Option<String>, may_precede: bool| {
            let (name, text) = optional(name)?;
            let earliest = if may_precede {
                Timestamp::MIN
            } else {
                bounds.0
            };
            end(
                report,
                row,
                &name,
                mapping.time(&text),
                (earliest, bounds.1),
            )
        };
        it.detected = time(&fields.detected, true);
        it.mitigated = time(&fields.mitigated, false);
        it.resolved = time(&fields.resolved, false);
        it.severity = word(report, row, optional(&fields.severity), |text| {
            mapping.severity(text)
        });
        if let Some(ai) = word(report, row, optional(&fields.ai), |text| mapping.ai(text)) {
            it.ai = ai;
        }
        it.status = word(report, row, optional(&fields.status), |text| {
            mapping.status(text)
        })
        .unwrap_or({
            match (it.resolved, it.mitigated) {
                (Some(_), _) => Status::Resolved,
                (None, Some(_)) => Status::Mitigated,
                (None, None) => Status::Open,
            }
        });
        settle(&mut it, report, row);
        if let Some((name, share)) = optional(&fields.customers) {
            match customers(&share) {
                Ok(customers) => it.impact.push(ImpactStep {
                    from: it.started,
                    customers,
                }),
                Err(why) => report.remark(row, Became::Partial, format!("{name}: {why}")),
            }
        }
        let list = |name: &Option<String>| {
            let text = optional(name).map(|(_, text)| text).unwrap_or_default();
            text::slugs(text.split(mapping.list.as_str()))
        };
        it.services = list(&fields.services);
        it.functions = list(&fields.functions);
        it.regions = list(&fields.regions);
        it.tags = list(&fields.tags);
        it.summary = optional(&fields.summary).map(|(_, text)| text::free(&text));
        it.url = optional(&fields.url).and_then(|(_, url)| text::url(&url));
        it.sources.insert(SourceRef {
            system: mapping.source.clone(),
            id: text::line(&theirs, 300),
            seen: None,
        });
        Ok(it)
    }
}

fn doubt(report: &mut Report, row: usize, name: &str, doubtful: Option<&str>) {
    if let Some(doubtful) = doubtful {
        report.remark(row, Became::Partial, format!("{name}: {doubtful}"));
    }
}

/// A later time of an incident; one that cannot be is left out and said so.
fn end(
    report: &mut Report,
    row: usize,
    name: &str,
    time: Result<ReadTime, String>,
    (earliest, latest): (Timestamp, Timestamp),
) -> Option<Timestamp> {
    let wrong = match time {
        Err(why) => why,
        Ok(time) if time.at < earliest => format!("{} is before the start", time.at),
        Ok(time) if time.at > latest => format!("{} is in the future", time.at),
        Ok(time) => {
            doubt(report, row, name, time.doubtful);
            return Some(time.at);
        }
    };
    report.remark(row, Became::Partial, format!("{name}: {wrong}"));
    None
}

/// Status and ends that contradict each other: the times are the harder fact.
fn settle(it: &mut Incident, report: &mut Report, row: usize) {
    if it.status == Status::Open && it.resolved.is_some() {
        report.remark(
            row,
            Became::Partial,
            "it is open, yet it has an end; taken as resolved",
        );
        it.status = Status::Resolved;
    }
    if matches!(it.status, Status::Resolved | Status::Closed) && it.resolved.is_none() {
        report.remark(
            row,
            Became::Partial,
            "it is over, and nothing says since when",
        );
    }
    if it.mitigated > it.resolved && it.resolved.is_some() {
        report.remark(
            row,
            Became::Partial,
            "mitigated after it was resolved; the earlier counts",
        );
        it.mitigated = it.resolved;
    }
}

fn word<T>(
    report: &mut Report,
    row: usize,
    found: Option<(String, String)>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let (name, text) = found?;
    match read(&text) {
        Ok(value) => Some(value),
        Err(why) => {
            report.remark(row, Became::Partial, format!("{name}: {why}"));
            None
        }
    }
}

fn customers(text: &str) -> Result<Share, String> {
    let number = text.trim().trim_end_matches('%').trim().replace(',', ".");
    let wrong = || format!("`{}` is not a share in percent", text::line(text, 40));
    Share::from_percent(number.parse().map_err(|_| wrong())?).map_err(|_| wrong())
}
