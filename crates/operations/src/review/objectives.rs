//! Objectives: what the organisation wants of its services, as a small TOML file.
//!
//! ```toml
//! version = 1
//!
//! [[objective]]
//! id = "shop-available"
//! title = "The shop is there"
//! metric = "availability"
//! definition = "customer-weighted"
//! services = ["shop"]
//! at_least = 99.9          # percent
//! weeks = 4
//!
//! [[objective]]
//! id = "sev2-per-day"
//! metric = "incidents-per-day"
//! severity = "sev2"        # or worse
//! at_most = 0.3
//! ```

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::availability::Definition;
use crate::incident::Severity;

/// Weeks of a window unless stated.
pub const WEEKS: u8 = 4;
/// The longest window, in weeks.
pub const MAX_WEEKS: u8 = 13;
/// The most objectives in a file.
const MAX: usize = 200;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Availability in percent, by a definition.
    Availability(Definition),
    /// Incidents a day.
    PerDay,
    /// Incidents per 1,000 changes shipped.
    PerChange,
}

/// One figure to look at every week, with or without a target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    /// Unique.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What is measured.
    pub measure: Measure,
    /// Only incidents of this severity or worse.
    pub severity: Option<Severity>,
    /// Only incidents that affected one of these, and changes of them; empty: all.
    pub services: BTreeSet<String>,
    /// The worst value that meets it: at least for availability (percent), at
    /// most for incidents. `None`: it is only looked at.
    pub target: Option<f64>,
    /// The window, in weeks.
    pub weeks: u8,
}

impl Objective {
    fn plain(id: &str, title: &str, measure: Measure, severity: Option<Severity>) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            measure,
            severity,
            services: BTreeSet::new(),
            target: None,
            weeks: WEEKS,
        }
    }

    /// What is looked at where there is no file: no targets.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        let sev2 = Some(Severity::Sev2);
        vec![
            Self::plain(
                "sev2-per-day",
                "Sev2 or worse per day",
                Measure::PerDay,
                sev2,
            ),
            Self::plain(
                "sev2-per-change",
                "Sev2 or worse per change",
                Measure::PerChange,
                sev2,
            ),
            Self::plain(
                "incidents-per-change",
                "Incidents per change",
                Measure::PerChange,
                None,
            ),
            Self::plain(
                "available-by-customers",
                "Availability",
                Measure::Availability(Definition::CustomerWeighted),
                None,
            ),
            Self::plain(
                "available-by-clock",
                "Availability",
                Measure::Availability(Definition::ClockTime),
                None,
            ),
        ]
    }

    /// Reads what ends a policy pack or initiative, where it can be measured:
    /// `sev2-per-day at most 0.3 over 8 weeks`, `incidents-per-1000-changes at
    /// most 2`, `sev1-per-1000-changes at most 0.1 over 13 weeks`.
    ///
    /// # Errors
    /// One line that says what is not understood.
    pub fn criterion(text: &str) -> Result<Self, String> {
        let form = || {
            format!(
                "`{text}` cannot be measured; write `sev2-per-day at most 0.3 over 8 weeks` or \
                 `sev2-per-1000-changes at most 1.5 over 8 weeks`"
            )
        };
        let (name, rest) = text.trim().split_once(" at most ").ok_or_else(form)?;
        let (number, weeks) = match rest.split_once(" over ") {
            Some((number, weeks)) => {
                let weeks = weeks.trim().trim_end_matches('s').trim_end_matches("week");
                (number, weeks.trim().parse().map_err(|_| form())?)
            }
            None => (rest, WEEKS),
        };
        let (of, measure) = match name.trim() {
            name if name.ends_with("-per-day") => {
                (name.trim_end_matches("-per-day"), Measure::PerDay)
            }
            name => (
                name.strip_suffix("-per-1000-changes").ok_or_else(form)?,
                Measure::PerChange,
            ),
        };
        let severity = match of {
            "incidents" => None,
            of => Some(of.parse::<Severity>().map_err(|_| form())?),
        };
        let target: f64 = number.trim().parse().map_err(|_| form())?;
        if !(target.is_finite() && target >= 0.0 && (1..=MAX_WEEKS).contains(&weeks)) {
            return Err(form());
        }
        Ok(Self {
            target: Some(target),
            weeks,
            ..Self::plain(text.trim(), text.trim(), measure, severity)
        })
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Availability(definition) => write!(f, "%, {}", definition.as_str()),
            Self::PerDay => f.write_str("a day"),
            Self::PerChange => f.write_str("per 1,000 changes"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    objective: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: String,
    title: Option<String>,
    metric: Metric,
    definition: Option<String>,
    severity: Option<String>,
    #[serde(default)]
    services: BTreeSet<String>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    weeks: Option<u8>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Metric {
    Availability,
    IncidentsPerDay,
    IncidentsPerChange,
}

/// Reads an objectives file.
///
/// # Errors
/// Everything that is wrong, one line each.
pub fn parse(text: &str) -> Result<Vec<Objective>, Vec<String>> {
    let file: File = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut wrong = Vec::new();
    if file.version != 1 {
        wrong.push(format!("version {} is not known (write 1)", file.version));
    }
    if file.objective.len() > MAX {
        wrong.push(format!("more than {MAX} objectives"));
    }
    let mut ids = BTreeSet::new();
    let mut objectives = Vec::new();
    for raw in file.objective.into_iter().take(MAX) {
        let id = raw.id.clone();
        if !ids.insert(id.clone()) {
            wrong.push(format!("objective `{id}` is there twice"));
        }
        match read(raw) {
            Ok(objective) => objectives.push(objective),
            Err(message) => wrong.push(format!("objective `{id}`: {message}")),
        }
    }
    if wrong.is_empty() {
        Ok(objectives)
    } else {
        Err(wrong)
    }
}

fn read(raw: Raw) -> Result<Objective, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if raw.id.is_empty() || raw.id.len() > 60 || !raw.id.chars().all(is_word) {
        return Err("its id is not a word of letters, digits and `-`".to_owned());
    }
    let title = raw.title.unwrap_or_else(|| raw.id.clone());
    if title.chars().count() > 100 || title.chars().any(char::is_control) {
        return Err("its title is not one line of at most 100 characters".to_owned());
    }
    let weeks = raw.weeks.unwrap_or(WEEKS);
    if !(1..=MAX_WEEKS).contains(&weeks) {
        return Err(format!("`weeks` is not from 1 to {MAX_WEEKS}"));
    }
    let severity = raw.severity.as_deref().map(str::parse).transpose()?;
    let (measure, target) = if raw.metric == Metric::Availability {
        if raw.at_most.is_some() || severity.is_some() {
            return Err("availability takes `at_least` and no `severity`".to_owned());
        }
        if let Some(percent) = raw.at_least {
            crate::availability::Objective::from_percent(percent)?;
        }
        let named = raw
            .definition
            .as_deref()
            .ok_or_else(|| format!("availability needs a `definition`: {}", names()))?;
        let definition = Definition::ALL
            .into_iter()
            .find(|it| name(*it) == named)
            .ok_or_else(|| format!("`{named}` is no definition of availability: {}", names()))?;
        (Measure::Availability(definition), raw.at_least)
    } else {
        if raw.at_least.is_some() || raw.definition.is_some() {
            return Err("incidents take `at_most` and no `definition`".to_owned());
        }
        if raw
            .at_most
            .is_some_and(|most| !(most.is_finite() && most >= 0.0))
        {
            return Err("`at_most` is not a number from 0 on".to_owned());
        }
        if raw.metric == Metric::IncidentsPerChange && raw.services.len() > 1 {
            return Err(
                "per change, name one service: a change of two would count twice".to_owned(),
            );
        }
        let measure = match raw.metric {
            Metric::IncidentsPerDay => Measure::PerDay,
            _ => Measure::PerChange,
        };
        (measure, raw.at_most)
    };
    Ok(Objective {
        id: raw.id,
        title,
        measure,
        severity,
        services: raw.services,
        target,
        weeks,
    })
}

/// How a definition is named in the file.
const fn name(definition: Definition) -> &'static str {
    match definition {
        Definition::ClockTime => "clock-time",
        Definition::CustomerWeighted => "customer-weighted",
        Definition::RequestWeighted => "request-weighted",
        Definition::FiveMinuteMean => "five-minute-mean",
        Definition::DowntimePeriods => "downtime-periods",
        Definition::UnavailableMinutes => "unavailable-minutes",
    }
}

fn names() -> String {
    Definition::ALL.map(name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read() {
        let text = "version = 1\n\
            [[objective]]\nid = \"a\"\nmetric = \"availability\"\ndefinition = \"clock-time\"\nat_least = 99.9\n\
            [[objective]]\nid = \"b\"\nmetric = \"incidents-per-day\"\nseverity = \"Sev2\"\nat_most = 0.3\nweeks = 8\n";
        let read = parse(text).unwrap();
        assert_eq!(
            read[0].measure,
            Measure::Availability(Definition::ClockTime)
        );
        assert_eq!((read[0].target, read[0].weeks), (Some(99.9), 4));
        assert_eq!((read[1].severity, read[1].weeks), (Some(Severity::Sev2), 8));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (entry, said) in [
            ("metric = \"availability\"", "needs a `definition`"),
            (
                "metric = \"availability\"\ndefinition = \"nines\"",
                "is no definition",
            ),
            (
                "metric = \"incidents-per-day\"\nat_least = 3",
                "take `at_most`",
            ),
            (
                "metric = \"incidents-per-day\"\nat_most = nan",
                "not a number from 0",
            ),
            ("metric = \"incidents-per-day\"\nweeks = 40", "from 1 to 13"),
            (
                "metric = \"incidents-per-day\"\nseverity = \"bad\"",
                "not a severity",
            ),
            ("metric = \"happiness\"", "unknown variant"),
            (
                "metric = \"incidents-per-change\"\nservices = [\"a\", \"b\"]",
                "name one service",
            ),
        ] {
            let wrong = parse(&format!(
                "version = 1\n[[objective]]\nid = \"x\"\n{entry}\n"
            ));
            let wrong = wrong.unwrap_err().join("\n");
            assert!(wrong.contains(said), "{entry}: {wrong}");
        }
        assert!(parse("version = 2").unwrap_err()[0].contains("version 2"));
    }

    #[test]
    fn criteria_are_read_or_refused() {
        let read = Objective::criterion("sev2-per-1000-changes at most 1.5 over 8 weeks").unwrap();
        assert_eq!((read.measure, read.weeks), (Measure::PerChange, 8));
        assert_eq!(
            (read.severity, read.target),
            (Some(Severity::Sev2), Some(1.5))
        );
        let read = Objective::criterion("incidents-per-day at most 2").unwrap();
        assert_eq!(
            (read.measure, read.severity, read.weeks),
            (Measure::PerDay, None, 4)
        );
        for text in [
            "Sev2 incidents per change back under last year's rate",
            "sev9-per-day at most 1",
            "sev2-per-day at most -1",
            "sev2-per-day at most 1 over 90 weeks",
            "",
        ] {
            assert!(Objective::criterion(text).is_err(), "{text}");
        }
    }
}
