//! What other systems say about incidents and deployments, read into drafts.
//!
//! A reader never guesses and never drops in silence: whatever it did not
//! understand is in the [`Report`], with its place. Ids are made from the
//! source's own, so that the same file read twice gives the same drafts, and
//! [`crate::incident::Incident::imported`] finds nothing new in them.

mod alertmanager;
mod cdevents;
mod github_status;
mod json;
pub mod mapping;
mod pagerduty;
pub mod rows;
mod table;
mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use self::mapping::Mapping;
use crate::deployment::Deployment;
use crate::incident::{Incident, SourceRef};
use crate::link::Link;
use crate::noted::Noted;
use crate::record::Recorded;
use crate::words::words;

/// The largest file read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;
/// The most rows or events of one file.
pub const MAX_ROWS: usize = 1_000_000;
/// The most remarks kept; the rest is counted.
const MAX_REMARKS: usize = 1_000;
/// The most characters of a remark.
const MAX_REMARK: usize = 300;

words! {
    /// Where a file comes from.
    pub enum Format {
        /// Incidents of a status page: Statuspage's JSON, or one incident a line.
        GithubStatus = "github-status",
        /// A table with a mapping of its columns.
        Csv = "csv",
        /// One JSON object a line, with a mapping of its fields.
        Jsonl = "jsonl",
        /// Webhook events of PagerDuty, version 3.
        Pagerduty = "pagerduty",
        /// Webhook messages of Prometheus Alertmanager, version 4.
        Alertmanager = "alertmanager",
        /// CDEvents: incidents and deployments.
        Cdevents = "cdevents",
    }
}

words! {
    /// What became of a row that is remarked on.
    pub enum Became {
        /// It is not in the result.
        Skipped = "skipped",
        /// It is, without the part that was not understood.
        Partial = "partial",
        /// It is kept, but only as a line in a timeline.
        Kept = "kept",
    }
}

/// Something that a reader did not understand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Which row, line, event or alert, from 1.
    pub row: usize,
    /// What became of it.
    pub became: Became,
    /// What was not understood: one line.
    pub message: String,
}

/// How reading went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows, events or alerts read.
    pub rows: usize,
    /// What was not understood.
    pub remarks: Vec<Remark>,
    /// Remarks beyond the most that are kept.
    pub more_remarks: usize,
    /// Events of kinds that say nothing about incidents or deployments.
    pub not_relevant: BTreeMap<String, usize>,
}

impl Report {
    fn remark(&mut self, row: usize, became: Became, message: impl Into<String>) {
        if self.remarks.len() >= MAX_REMARKS {
            self.more_remarks += 1;
            return;
        }
        self.remarks.push(Remark {
            row,
            became,
            message: text::line(&message.into(), MAX_REMARK),
        });
    }

    fn skip(&mut self, row: usize, message: impl Into<String>) {
        self.remark(row, Became::Skipped, message);
    }

    /// How many rows are not in the result.
    #[must_use]
    pub fn skipped(&self) -> usize {
        let skipped = self
            .remarks
            .iter()
            .filter(|it| it.became == Became::Skipped);
        skipped.count()
    }
}

/// Which fields of an incident its events do not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guesses {
    /// The start is only the time of the first event read.
    pub start: bool,
    /// No event read says whether it is over.
    pub status: bool,
    /// Everything is put together out of events, of which earlier ones may come
    /// later.
    pub events: bool,
}

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// Incidents, each once, by id.
    pub incidents: Vec<Incident>,
    /// Deployments, each once, by id.
    pub deployments: Vec<Deployment>,
    /// Links that the source itself reports.
    pub links: Vec<Link>,
    /// What is only guessed, because the file holds a part of the events of an
    /// incident.
    pub guesses: BTreeMap<String, Guesses>,
    /// How reading went.
    pub report: Report,
}

/// Why a file cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// More than [`MAX_BYTES`].
    #[error("the file has more than {MAX_BYTES} bytes; split it")]
    TooLarge,
    /// More than [`MAX_ROWS`].
    #[error("the file has more than {MAX_ROWS} rows; split it")]
    TooManyRows,
    /// Not of the format.
    #[error("this is not {format}: {why}")]
    Format {
        /// The format asked for.
        format: Format,
        /// What is wrong.
        why: String,
    },
    /// A table or lines of JSON, without saying what their fields mean.
    #[error("`{0}` needs a mapping: which field is the id, the title, the start")]
    NeedsMapping(Format),
}

/// Reads a file.
///
/// `at` is when it is read: it becomes `noted.at` of every draft, and times
/// after it are refused.
///
/// # Errors
/// When nothing of it can be read; what is wrong with single rows is in the
/// [`Report`].
pub fn read(
    format: Format,
    text: &str,
    mapping: Option<&Mapping>,
    at: Timestamp,
) -> Result<Import, ImportError> {
    if text.len() > MAX_BYTES {
        return Err(ImportError::TooLarge);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let noted = Noted::imported(format.as_str(), at);
    let mapped = || mapping.ok_or(ImportError::NeedsMapping(format));
    let mut import = match format {
        Format::GithubStatus => github_status::read(text, &noted),
        Format::Csv => table::read_csv(text, mapped()?, &noted),
        Format::Jsonl => table::read_jsonl(text, mapped()?, &noted),
        Format::Pagerduty => pagerduty::read(text, &noted),
        Format::Alertmanager => alertmanager::read(text, &noted),
        Format::Cdevents => cdevents::read(text, &noted),
    }?;
    import.finish();
    Ok(import)
}

impl Import {
    /// Puts what is known already in the place of what is only guessed, so that
    /// events may arrive one at a time and in any order.
    pub fn keep_known(&mut self, known: &BTreeMap<String, Incident>) {
        for it in &mut self.incidents {
            let guesses = self.guesses.get(&it.id).copied().unwrap_or_default();
            let known = known.get(&it.id);
            if let Some(known) = known.filter(|_| guesses.events) {
                cdevents::beside(it, known, &mut self.report);
                continue;
            }
            if let Some(known) = known.filter(|_| guesses.start) {
                it.started = it.started.min(known.started);
                it.detected = it.detected.into_iter().chain(known.detected).min();
            }
            if guesses.status {
                it.status = known.map_or(it.status, |known| known.status);
                it.sources = it.sources.iter().map(|own| not_newer(own, known)).collect();
            }
        }
    }

    /// Leaves out what may not be kept, says why, and puts the rest in order.
    fn finish(&mut self) {
        keep_sound(&mut self.incidents, &mut self.report);
        keep_sound(&mut self.deployments, &mut self.report);
        keep_sound(&mut self.links, &mut self.report);
    }
}

/// News without a status must not make older news with one look stale; it may
/// itself be stale.
fn not_newer(own: &SourceRef, known: Option<&Incident>) -> SourceRef {
    let sources = known.into_iter().flat_map(|known| &known.sources);
    let mut same = sources.filter(|it| it.system == own.system && it.id == own.id);
    let seen = same.next().and_then(|known| known.seen);
    SourceRef {
        seen: own.seen.min(seen),
        ..own.clone()
    }
}

fn keep_sound<T: Recorded>(records: &mut Vec<T>, report: &mut Report) {
    records.sort_by_key(Recorded::key);
    records.retain(|record| {
        let faults = record.faults();
        for fault in faults.iter().take(3) {
            report.skip(0, format!("{} `{}`: {fault}", T::KIND, record.key()));
        }
        faults.is_empty()
    });
}

#[cfg(test)]
mod tests;
