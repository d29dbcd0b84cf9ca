//! What is read from the bodies of changes and incidents into columns.
//!
//! A body is `{"kind": …, "version": 1, "record": {…}}`. Of a `change` are read
//! `shipped_at`, `change.repository`, `kind`, `team`, `author_level`, `services`,
//! `tier`, `lines`, `files`, `involvement`, `decided.verdict`, `environment`,
//! `bypassed`; of an `incident` `started`, `detected`, `mitigated`, `resolved`,
//! `severity`, `status`, `duplicate_of`, `services`, `ai`. Other kinds have no
//! columns. Where a word is missing, `unknown` stands.

use std::collections::BTreeSet;

use countersign_core::ledger::entry::canonical;
use countersign_core::signoff::Digest;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The version of the reading; tables that an earlier one filled are rebuilt.
pub const VERSION: i64 = 1;

/// The most lines of each bucket of size but the last.
pub const SIZES: [u64; 3] = [50, 250, 1_000];

const UNKNOWN: &str = "unknown";
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The ISO week of a time (microseconds since 1970-01-01 UTC), counted from the
/// one that begins on Monday, 1969-12-29, in UTC.
#[must_use]
pub const fn week_of(at: i64) -> i64 {
    (at.div_euclid(MICROS_PER_DAY) + 3).div_euclid(7)
}

/// The Monday of a week as [`week_of`] counts them.
#[must_use]
pub fn monday(week: i64) -> Date {
    let days = week.saturating_mul(7).saturating_sub(3);
    Timestamp::from_second(days.saturating_mul(86_400)).map_or(Date::ZERO, |at| {
        jiff::tz::TimeZone::UTC.to_datetime(at).date()
    })
}

/// Tells whether two versions of a record say the same: the digest of the body
/// without `record.noted.at`, the time at which the version was written.
#[must_use]
pub fn sameness(body: &str) -> Digest {
    let Ok(mut value) = serde_json::from_str::<Value>(body) else {
        return Digest::of(body.as_bytes());
    };
    if let Some(noted) = value
        .pointer_mut("/record/noted")
        .and_then(Value::as_object_mut)
    {
        noted.remove("at");
    }
    Digest::of(canonical(&value).as_bytes())
}

/// The columns of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeRow {
    pub(crate) key: String,
    pub(crate) seq: i64,
    pub(crate) shipped_at: i64,
    pub(crate) week: i64,
    pub(crate) repository: String,
    pub(crate) kind: String,
    pub(crate) team: String,
    pub(crate) author_level: String,
    pub(crate) services: BTreeSet<String>,
    pub(crate) tier: i64,
    pub(crate) lines: i64,
    pub(crate) size: i64,
    pub(crate) files: i64,
    pub(crate) involvement: String,
    pub(crate) verdict: String,
    pub(crate) environment: String,
    pub(crate) bypassed: bool,
}

/// The columns of an incident. Times are microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRow {
    /// Its id.
    pub key: String,
    /// The number of its latest entry in the ledger.
    pub seq: u64,
    /// When it began.
    pub started_at: i64,
    /// The week of that, as [`week_of`] counts.
    pub week: i64,
    /// When it was noticed.
    pub detected_at: Option<i64>,
    /// When customers no longer felt it.
    pub mitigated_at: Option<i64>,
    /// When it was over.
    pub resolved_at: Option<i64>,
    /// 1 is worst, 5 lightest; `None` when nobody said.
    pub severity: Option<u8>,
    /// Such as `open` or `resolved`.
    pub status: String,
    /// Neither dismissed nor a duplicate.
    pub counts: bool,
    /// The services that it affected.
    pub services: BTreeSet<String>,
    /// What AI did, in order, joined by spaces; `none` or `unknown`.
    pub ai: String,
}

/// What is read from one body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    Change(Box<ChangeRow>),
    Incident(Box<IncidentRow>),
}

/// Reads the columns of a body, where its kind has any.
pub(crate) fn project(kind: &str, key: &str, seq: u64, body: &str) -> Result<Option<Row>, String> {
    match kind {
        "change" => change(key, seq, body).map(|row| Some(Row::Change(Box::new(row)))),
        "incident" => incident(key, seq, body).map(|row| Some(Row::Incident(Box::new(row)))),
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
struct Body<T> {
    record: T,
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    serde_json::from_str::<Body<T>>(body)
        .map(|body| body.record)
        .map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct ChangeBody {
    shipped_at: Timestamp,
    change: ChangeName,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    author_level: Option<String>,
    #[serde(default)]
    services: BTreeSet<String>,
    #[serde(default)]
    tier: Option<u8>,
    #[serde(default)]
    lines: u64,
    #[serde(default)]
    files: u64,
    #[serde(default)]
    involvement: Option<String>,
    #[serde(default)]
    decided: Option<Decided>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    bypassed: bool,
}

#[derive(Deserialize)]
struct ChangeName {
    repository: String,
}

#[derive(Deserialize)]
struct Decided {
    verdict: String,
}

fn word(text: Option<String>) -> Result<String, String> {
    text.map_or_else(|| Ok(UNKNOWN.to_owned()), column)
}

/// What goes into a column: no control characters, which one of the engines
/// refuses, so that one record would keep all that wait with it from being
/// written.
fn column(text: String) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("a name in it has control characters".to_owned());
    }
    Ok(text)
}

/// Names that are written one after the other with spaces between.
fn columns(names: BTreeSet<String>) -> Result<BTreeSet<String>, String> {
    let is_name = |name: &String| !name.is_empty() && !name.contains(char::is_whitespace);
    if !names.iter().all(is_name) {
        return Err("the name of a service in it is empty or has spaces".to_owned());
    }
    names.into_iter().map(column).collect()
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn change(key: &str, seq: u64, body: &str) -> Result<ChangeRow, String> {
    let body: ChangeBody = read(body)?;
    let shipped_at = body.shipped_at.as_microsecond();
    let size = SIZES.iter().filter(|most| body.lines > **most).count();
    Ok(ChangeRow {
        key: key.to_owned(),
        seq: whole(seq),
        shipped_at,
        week: week_of(shipped_at),
        repository: column(body.change.repository)?,
        kind: word(body.kind)?,
        team: word(body.team)?,
        author_level: word(body.author_level)?,
        services: columns(body.services)?,
        tier: body.tier.map_or(-1, i64::from),
        lines: whole(body.lines),
        size: whole(size as u64),
        files: whole(body.files),
        involvement: word(body.involvement)?,
        verdict: match body.decided {
            Some(decided) => column(decided.verdict)?,
            None => "none".to_owned(),
        },
        environment: word(body.environment)?,
        bypassed: body.bypassed,
    })
}

#[derive(Deserialize)]
struct IncidentBody {
    started: Timestamp,
    #[serde(default)]
    detected: Option<Timestamp>,
    #[serde(default)]
    mitigated: Option<Timestamp>,
    #[serde(default)]
    resolved: Option<Timestamp>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    duplicate_of: Option<String>,
    #[serde(default)]
    services: BTreeSet<String>,
    #[serde(default)]
    ai: Vec<String>,
}

fn incident(key: &str, seq: u64, body: &str) -> Result<IncidentRow, String> {
    let body: IncidentBody = read(body)?;
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    let severity = match body.severity {
        None => None,
        Some(text) => match text.strip_prefix("sev").map(str::parse::<u8>) {
            Some(Ok(number @ 1..=5)) => Some(number),
            _ => return Err(format!("`{text}` is not a severity")),
        },
    };
    let status = word(body.status)?;
    let started_at = body.started.as_microsecond();
    Ok(IncidentRow {
        key: key.to_owned(),
        seq,
        started_at,
        week: week_of(started_at),
        detected_at: micros(body.detected),
        mitigated_at: micros(body.mitigated),
        resolved_at: micros(body.resolved),
        severity,
        counts: status != "dismissed" && body.duplicate_of.is_none(),
        status,
        services: columns(body.services)?,
        ai: match body.ai.as_slice() {
            [] => UNKNOWN.to_owned(),
            roles => column(roles.join(" "))?,
        },
    })
}

/// Names in order, joined by spaces, which no name contains.
pub(crate) fn joined(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The other way round.
pub(crate) fn split(names: &str) -> BTreeSet<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        for (day, week, monday_of) in [
            ("1969-12-28", -1, "1969-12-22"),
            ("1969-12-29", 0, "1969-12-29"),
            ("1970-01-05", 1, "1970-01-05"),
            ("2020-12-31", 2661, "2020-12-28"),
            ("2021-01-03", 2661, "2020-12-28"),
            ("2026-03-15", 2932, "2026-03-09"),
        ] {
            let at: Timestamp = format!("{day}T23:59:59Z").parse().unwrap();
            assert_eq!(week_of(at.as_microsecond()), week, "{day}");
            assert_eq!(monday(week).to_string(), monday_of);
        }
        assert_eq!(monday(i64::MAX), Date::ZERO);
    }

    #[test]
    fn a_version_that_says_the_same() {
        let one = r#"{"kind":"a","version":1,"record":{"noted":{"at":"1","by":"x"},"n":1}}"#;
        let later = r#"{"kind":"a","version":1,"record":{"noted":{"at":"2","by":"x"},"n":1}}"#;
        let other = r#"{"kind":"a","version":1,"record":{"noted":{"at":"2","by":"y"},"n":1}}"#;
        assert_eq!(sameness(one), sameness(later));
        assert_ne!(sameness(one), sameness(other));
        assert_ne!(sameness(r#"{"at":"1"}"#), sameness(r#"{"at":"2"}"#));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        for body in [
            "{}",
            r#"{"record":{}}"#,
            r#"{"record":{"shipped_at":"yesterday","change":{"repository":"r"}}}"#,
            r#"{"record":{"shipped_at":"2026-03-01T00:00:00Z","change":{"repository":"r\u0000"}}}"#,
            r#"{"record":{"shipped_at":"2026-03-01T00:00:00Z","change":{"repository":"r"},"services":["a b"]}}"#,
        ] {
            assert!(project("change", "k", 1, body).is_err());
        }
        let body = r#"{"record":{"started":"2026-03-01T00:00:00Z","severity":"sev9"}}"#;
        assert!(project("incident", "k", 1, body).is_err());
        assert_eq!(project("review", "k", 1, "{}"), Ok(None));
    }

    #[test]
    fn missing_words_are_unknown() {
        let body = r#"{"record":{"shipped_at":"2026-03-01T00:00:00Z","change":{"repository":"r"},"lines":251}}"#;
        let Ok(Some(Row::Change(row))) = project("change", "k", 1, body) else {
            panic!("a change");
        };
        assert_eq!((row.team.as_str(), row.tier, row.size), ("unknown", -1, 2));
        assert_eq!(
            (row.verdict.as_str(), row.involvement.as_str()),
            ("none", "unknown")
        );
    }
}
