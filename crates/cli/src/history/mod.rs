//! What happened, gathered for the questions of `trend`.

mod files;
mod rows;
mod store;
mod when;

pub(crate) use countersign_operations::import::rows::clean;
pub(crate) use files::{Files, read, read_more};
pub(crate) use store::read_store;
pub(crate) use when::{day, week};

use std::collections::BTreeSet;

use countersign_operations::trend::{Event, Exposure, History, Incident};
use countersign_operations::week::Week;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::Offset;
use serde::Serialize;

use crate::error::{CliError, CliResult, exit};

/// Where something was read from, and what exactly was read.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InputFile {
    /// `incidents`, `changes`, `service-hours` or `events`.
    pub(crate) holds: &'static str,
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) sha256: String,
}

/// Incidents, exposure and events as they were read.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) exposure: Exposure,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) events: Vec<Event>,
    pub(crate) inputs: Vec<InputFile>,
    /// What was left out or looks wrong.
    pub(crate) warnings: Vec<String>,
    /// First and last day with a record of its own.
    span: Option<(Date, Date)>,
}

impl Gathered {
    fn seen(&mut self, day: Date) {
        self.span = Some(match self.span {
            None => (day, day),
            Some((first, last)) => (first.min(day), last.max(day)),
        });
    }

    /// The services of which anything is known.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        let of_incidents = self.incidents.iter().flat_map(|it| &it.services);
        let mut names = self.exposure.services();
        names.extend(of_incidents.copied());
        let texts = names.into_iter().map(|name| self.exposure.names.text(name));
        texts.map(str::to_owned).collect()
    }

    /// Over whole weeks: the ones that the records cut short at either end would
    /// look quieter than they were.
    pub(crate) fn history(
        self,
        since: Option<Week>,
        until: Option<Week>,
    ) -> CliResult<(History, Vec<InputFile>, Vec<String>)> {
        let whole = self.span.map(|(first, last)| {
            let from = Week::of_date(first).plus(i32::from(first.weekday() != Weekday::Monday));
            let to = Week::of_date(last).plus(-i32::from(last.weekday() != Weekday::Sunday));
            if from <= to {
                (from, to)
            } else {
                (Week::of_date(first), Week::of_date(last))
            }
        });
        let window = (since.or(whole.map(|w| w.0)), until.or(whole.map(|w| w.1)));
        let history = History::new(self.exposure, self.incidents, self.events, window)
            .map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
        Ok((history, self.inputs, self.warnings))
    }
}

/// The day of an instant, in UTC.
fn day_of(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}
