//! History from files: incidents, changes, service-hours and events as CSV or
//! JSON lines. `docs/guide/trend.md` describes the columns.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::import::rows::{Candidate, Candidates, Text, Texts};
use countersign_operations::trend::{Event, Incident, Link, Name, SizeBucket, Stratum};
use countersign_operations::week::Week;
use serde::Deserialize;

use super::rows::each;
use super::when::{day, happened, instant};
use super::{Gathered, day_of};
use crate::error::CliResult;
use crate::register::now;

/// Which files to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files<'a> {
    pub(crate) incidents: &'a [PathBuf],
    pub(crate) changes: &'a [PathBuf],
    pub(crate) service_hours: &'a [PathBuf],
    pub(crate) events: &'a [PathBuf],
}

#[derive(Debug, Deserialize)]
struct IncidentRow {
    id: Text,
    #[serde(alias = "detected_at", alias = "created_at")]
    started_at: Text,
    #[serde(default, alias = "impact")]
    severity: Text,
    #[serde(default, alias = "service", alias = "components")]
    services: Texts,
    #[serde(default, alias = "change", alias = "changes")]
    links: Candidates,
    #[serde(default)]
    ai: Text,
}

#[derive(Debug, Deserialize)]
struct ChangeRow {
    #[serde(default)]
    id: Text,
    #[serde(alias = "week", alias = "merged_at", alias = "deployed_at")]
    shipped_at: Text,
    #[serde(default)]
    service: Text,
    #[serde(default)]
    tier: Text,
    #[serde(default)]
    team: Text,
    #[serde(default, alias = "level")]
    author_level: Text,
    #[serde(default, alias = "size")]
    lines: Text,
    #[serde(default, alias = "involvement")]
    ai: Text,
    #[serde(default, alias = "changes")]
    count: Text,
}

#[derive(Debug, Deserialize)]
struct HoursRow {
    #[serde(alias = "date")]
    week: Text,
    #[serde(default)]
    service: Text,
    hours: Text,
}

#[derive(Debug, Deserialize)]
struct EventRow {
    name: Text,
    #[serde(alias = "week")]
    date: Text,
    #[serde(default, alias = "service")]
    services: Texts,
}

/// Reads them all. Incidents come first: of a million changes only those that
/// an incident names are kept one by one.
pub(crate) fn read(files: Files<'_>) -> CliResult<Gathered> {
    let mut gathered = Gathered::default();
    incidents_and_changes(files, &mut gathered)?;
    read_more(files, &mut gathered)?;
    Ok(gathered)
}

/// Adds service-hours and events, which no other source may have.
pub(crate) fn read_more(files: Files<'_>, gathered: &mut Gathered) -> CliResult<()> {
    hours(files.service_hours, gathered)?;
    for path in files.events {
        let input = each(path, "events", |row: EventRow| {
            let names = &mut gathered.exposure.names;
            let affects = row.services.0.iter().map(|s| names.name(s)).collect();
            let week = Week::of_date(day(&row.date.0)?);
            gathered.events.push(Event {
                name: row.name.0,
                week,
                affects,
            });
            Ok(())
        })?;
        gathered.inputs.push(input);
    }
    Ok(())
}

fn incidents_and_changes(files: Files<'_>, gathered: &mut Gathered) -> CliResult<()> {
    let mut candidates = Vec::new();
    let mut known = BTreeSet::new();
    let (mut twice, mut planned) = (0u64, 0u64);
    for path in files.incidents {
        let input = each(path, "incidents", |row: IncidentRow| {
            if row.severity.0.eq_ignore_ascii_case("maintenance") {
                planned += 1;
            } else if known.insert(row.id.0.clone()) {
                let incident = incident(&row, gathered)?;
                gathered.incidents.push(incident);
                candidates.push(row.links.0);
            } else {
                twice += 1;
            }
            Ok(())
        })?;
        gathered.inputs.push(input);
    }
    note(
        gathered,
        twice,
        "incident given more than once; the first was kept",
        "incidents given more than once; the first of each was kept",
    );
    note(
        gathered,
        planned,
        "planned maintenance left out",
        "planned maintenances left out",
    );
    let shipped = changes(files.changes, &candidates, gathered)?;
    link(&candidates, &shipped, gathered);
    Ok(())
}

fn note(gathered: &mut Gathered, number: u64, one: &str, many: &str) {
    match number {
        0 => {}
        1 => gathered.warnings.push(format!("1 {one}")),
        n => gathered.warnings.push(format!("{n} {many}")),
    }
}

fn incident(row: &IncidentRow, gathered: &mut Gathered) -> Result<Incident, String> {
    let at = happened(instant(&row.started_at.0)?, &row.id.0, now())?;
    gathered.seen(day_of(at));
    let services: Vec<Name> = row
        .services
        .0
        .iter()
        .map(|s| gathered.exposure.names.name(s))
        .collect();
    Ok(Incident {
        id: row.id.0.clone(),
        severity: severity(&row.severity.0)?,
        at,
        services,
        links: Vec::new(),
        ai: involvement(&row.ai.0)?,
    })
}

/// `Sev2`, `sev-2`, `2`, `P2`, or a word of a status page; empty is unrated.
fn severity(text: &str) -> Result<u8, String> {
    let plain = text.to_lowercase();
    let digit = plain.trim_start_matches(['s', 'e', 'v', 'p', '-', ' ']);
    match (plain.as_str(), digit.parse::<u8>()) {
        (_, Ok(severity @ 1..=5)) => Ok(severity),
        ("", _) | ("none" | "unknown" | "unrated", _) => Ok(0),
        ("critical", _) => Ok(1),
        ("major", _) => Ok(2),
        ("minor", _) => Ok(3),
        _ => Err(format!(
            "the severity is `{text}`; expected one from Sev1 to Sev5, or critical, major, minor, none"
        )),
    }
}

/// Roles say that AI took part; nothing said is unknown, never "no".
fn involvement(text: &str) -> Result<Involvement, String> {
    let roles = ["wrote", "executed", "advised", "reviewed"];
    match text.to_lowercase().as_str() {
        "yes" | "true" => Ok(Involvement::Yes),
        "no" | "false" | "none" => Ok(Involvement::No),
        "" | "unknown" => Ok(Involvement::Unknown),
        role if roles.contains(&role) => Ok(Involvement::Yes),
        _ => Err(format!(
            "`ai` is `{text}`; expected yes, no, unknown, or a role: {}",
            roles.join(", ")
        )),
    }
}

fn whole(text: &str, what: &str, default: u64) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(default);
    }
    text.parse()
        .map_err(|_| format!("{what} is `{text}`; expected a whole number of at least 0"))
}

/// Reads changes into exposure; keeps those that incidents name.
fn changes(
    paths: &[PathBuf],
    candidates: &[Vec<Candidate>],
    gathered: &mut Gathered,
) -> CliResult<HashMap<String, (Stratum, Week)>> {
    let wanted: BTreeSet<&str> = candidates
        .iter()
        .flatten()
        .map(|c| c.change.as_str())
        .collect();
    let mut kept = HashMap::new();
    for path in paths {
        let input = each(path, "changes", |row: ChangeRow| {
            let at = happened(instant(&row.shipped_at.0)?, &row.id.0, now())?;
            let day = day_of(at);
            // an ISO week covers all its days
            if row.shipped_at.0.contains("-W") {
                gathered.seen(day.saturating_add(jiff::Span::new().days(6)));
            }
            gathered.seen(day);
            let lines = match row.lines.0.as_str() {
                "" => None,
                text => Some(whole(text, "the number of lines", 0)?),
            };
            let names = &mut gathered.exposure.names;
            let stratum = Stratum {
                service: names.name(&row.service.0),
                tier: names.name(&row.tier.0),
                team: names.name(&row.team.0),
                author_level: names.name(&row.author_level.0),
                size: SizeBucket::of(lines),
                involvement: involvement(&row.ai.0)?,
            };
            let week = Week::of_date(day);
            gathered
                .exposure
                .ship(week, stratum, whole(&row.count.0, "the count", 1)?);
            if wanted.contains(row.id.0.as_str()) {
                kept.insert(row.id.0, (stratum, week));
            }
            Ok(())
        })?;
        gathered.inputs.push(input);
    }
    Ok(kept)
}

/// Ties incidents to the changes they name.
fn link(
    candidates: &[Vec<Candidate>],
    shipped: &HashMap<String, (Stratum, Week)>,
    gathered: &mut Gathered,
) {
    let mut unknown = BTreeSet::new();
    for (incident, candidates) in gathered.incidents.iter_mut().zip(candidates) {
        for candidate in candidates {
            match shipped.get(&candidate.change) {
                Some(&(stratum, week)) => incident.links.push(Link {
                    stratum,
                    week,
                    confidence: candidate.confidence,
                }),
                None => {
                    unknown.insert(candidate.change.as_str());
                }
            }
        }
    }
    if let Some(first) = unknown.first() {
        let more = match unknown.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        gathered.warnings.push(format!(
            "incidents name changes that are not among those given: {first}{more}"
        ));
    }
}

fn hours(paths: &[PathBuf], gathered: &mut Gathered) -> CliResult<()> {
    for path in paths {
        let input = each(path, "service-hours", |row: HoursRow| {
            let hours = row
                .hours
                .0
                .parse::<f64>()
                .ok()
                .filter(|h| h.is_finite() && *h >= 0.0);
            let hours = hours.ok_or_else(|| {
                format!(
                    "the hours are `{}`; expected a number of at least 0",
                    row.hours.0
                )
            })?;
            happened(instant(&row.week.0)?, "", now())?;
            let service = gathered.exposure.names.name(&row.service.0);
            gathered
                .exposure
                .serve(Week::of_date(day(&row.week.0)?), service, hours);
            Ok(())
        })?;
        gathered.inputs.push(input);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_as_people_write_them() {
        for (text, number) in [
            ("Sev1", 1),
            ("sev-2", 2),
            ("3", 3),
            ("P4", 4),
            ("critical", 1),
            ("none", 0),
            ("", 0),
        ] {
            assert_eq!(severity(text), Ok(number), "{text}");
        }
        for text in ["Sev0", "6", "bad", "seven"] {
            assert!(severity(text).is_err(), "{text}");
        }
    }

    #[test]
    fn silence_is_not_no() {
        assert_eq!(involvement(""), Ok(Involvement::Unknown));
        assert_eq!(involvement("executed"), Ok(Involvement::Yes));
        assert!(involvement("maybe").is_err());
    }
}
