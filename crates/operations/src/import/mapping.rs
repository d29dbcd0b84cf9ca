//! Which field of a table or of JSON lines means what.
//!
//! ```toml
//! version = 1
//! source = "servicenow"              # names the system in ids
//! zone = "Europe/Berlin"             # of times that do not say their own
//! time = "%d.%m.%Y %H:%M"            # left out: ISO 8601
//! list = ";"                         # between the entries of a list
//!
//! [fields]
//! id = "Number"                      # a column, or a path such as `a.b`
//! title = "Short description"
//! started = "Opened"
//! resolved = "Closed"
//! severity = "Priority"
//! services = "CI"
//!
//! [severity]                         # their word = ours
//! "1 - Critical" = "Sev1"
//! ```

use std::collections::BTreeMap;

use countersign_core::problem::{Problem, Source};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::Deserialize;
use toml::Spanned;

use crate::incident::{AiPart, Severity, Status};

/// Which field of the source holds what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Unique id; needed.
    pub id: String,
    /// One line; needed.
    pub title: String,
    /// When it began; needed.
    pub started: String,
    /// When it was noticed.
    pub detected: Option<String>,
    /// When customers were served again.
    pub mitigated: Option<String>,
    /// When it was over.
    pub resolved: Option<String>,
    /// How bad.
    pub severity: Option<String>,
    /// How far it is.
    pub status: Option<String>,
    /// A list of services.
    pub services: Option<String>,
    /// A list of customer functions.
    pub functions: Option<String>,
    /// A list of regions.
    pub regions: Option<String>,
    /// A list of words.
    pub tags: Option<String>,
    /// Share of customers, in percent.
    pub customers: Option<String>,
    /// How AI took part.
    pub ai: Option<String>,
    /// A few sentences.
    pub summary: Option<String>,
    /// Address.
    pub url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    source: Spanned<String>,
    zone: Option<Spanned<String>>,
    time: Option<String>,
    list: Option<String>,
    fields: Fields,
    #[serde(default)]
    severity: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    status: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    ai: BTreeMap<String, Spanned<String>>,
}

/// A mapping, ready to be used.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Names the system in ids and as who set a field.
    pub source: String,
    /// Which field holds what.
    pub fields: Fields,
    zone: Option<TimeZone>,
    time: Option<String>,
    pub(super) list: String,
    severity: BTreeMap<String, Severity>,
    status: BTreeMap<String, Status>,
    ai: BTreeMap<String, AiPart>,
}

/// A time, and whether the clock showed it twice or never.
pub(super) struct ReadTime {
    pub(super) at: Timestamp,
    pub(super) doubtful: Option<&'static str>,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// Every problem found, placed in the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        let source = Source { file, text };
        let raw: File = source.toml().map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        if *raw.version.get_ref() != 1 {
            let message = format!("version {} is not known", raw.version.get_ref());
            problems.push(
                source
                    .at(raw.version.span(), message)
                    .hint("this program reads version 1"),
            );
        }
        let name = raw.source.get_ref();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
            let message = "a source is a word of a-z, 0-9 and `-`";
            problems.push(source.at(raw.source.span(), message));
        }
        let zone = raw.zone.and_then(|zone| {
            let found = TimeZoneDatabase::bundled().get(zone.get_ref());
            let wrong = |_| {
                let message = format!("`{}` is not a time zone", zone.get_ref());
                problems.push(
                    source
                        .at(zone.span(), message)
                        .hint("write one such as `Europe/Berlin`"),
                );
            };
            found.map_err(wrong).ok()
        });
        let mapping = Self {
            source: raw.source.into_inner(),
            fields: raw.fields,
            zone,
            time: raw.time,
            list: raw
                .list
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| ",".to_owned()),
            severity: values(raw.severity, &source, &mut problems),
            status: values(raw.status, &source, &mut problems),
            ai: values(raw.ai, &source, &mut problems),
        };
        if problems.is_empty() {
            Ok(mapping)
        } else {
            Err(problems)
        }
    }

    /// Reads a time. One without an offset needs the mapping's zone.
    pub(super) fn time(&self, text: &str) -> Result<ReadTime, String> {
        let text = text.trim();
        let wrong = |expected: &str| {
            let text: String = text.chars().take(60).collect();
            format!("`{text}` is not a time ({expected})")
        };
        if self.time.is_none()
            && let Ok(at) = text.parse::<Timestamp>()
        {
            return Ok(ReadTime { at, doubtful: None });
        }
        let civil: DateTime = match &self.time {
            Some(form) => {
                let parsed = jiff::fmt::strtime::parse(form, text).map_err(|_| wrong(form))?;
                if let Ok(at) = parsed.to_timestamp() {
                    return Ok(ReadTime { at, doubtful: None });
                }
                parsed.to_datetime().map_err(|_| wrong(form))?
            }
            None => {
                // A date alone says nothing about when on that day.
                let has_time = text.contains([':']) && text.len() > 10;
                let civil = text.parse().map_err(|_| wrong("ISO 8601"))?;
                if !has_time {
                    return Err(wrong("it has a day and no time of day"));
                }
                civil
            }
        };
        let Some(zone) = &self.zone else {
            return Err(wrong("it has no offset, and the mapping states no `zone`"));
        };
        let found = zone.to_ambiguous_timestamp(civil);
        let doubtful = match found.offset() {
            jiff::tz::AmbiguousOffset::Unambiguous { .. } => None,
            jiff::tz::AmbiguousOffset::Gap { .. } => Some("clocks skipped this hour"),
            jiff::tz::AmbiguousOffset::Fold { .. } => {
                Some("clocks showed this hour twice; the first is taken")
            }
        };
        let at = found
            .compatible()
            .map_err(|_| wrong("it is out of range"))?;
        Ok(ReadTime { at, doubtful })
    }

    pub(super) fn severity(&self, text: &str) -> Result<Severity, String> {
        look_up(&self.severity, text)
    }

    pub(super) fn status(&self, text: &str) -> Result<Status, String> {
        look_up(&self.status, text)
    }

    pub(super) fn ai(&self, text: &str) -> Result<AiPart, String> {
        look_up(&self.ai, text)
    }
}

/// Their word by the mapping, else ours.
fn look_up<T>(map: &BTreeMap<String, T>, text: &str) -> Result<T, String>
where
    T: Clone + std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text = text.trim();
    match map.get(text) {
        Some(value) => Ok(value.clone()),
        None => text
            .to_lowercase()
            .parse()
            .map_err(|error: T::Err| error.to_string()),
    }
}

fn values<T>(
    map: BTreeMap<String, Spanned<String>>,
    source: &Source<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let mut found = BTreeMap::new();
    for (theirs, ours) in map {
        match ours.get_ref().parse() {
            Ok(value) => {
                found.insert(theirs, value);
            }
            Err(error) => problems.push(source.at(ours.span(), T::Err::to_string(&error))),
        }
    }
    found
}
