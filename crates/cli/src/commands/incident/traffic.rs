//! Measured requests, minute by minute, from a CSV file.

use std::collections::BTreeMap;
use std::path::Path;

use countersign_operations::incident::{Incident, Traffic};
use jiff::Timestamp;
use serde::Deserialize;

use crate::error::{CliError, CliResult, exit};
use crate::register::ZoneArgs;

/// The most intervals that an incident keeps.
const MOST: usize = 2_000;

/// One row. `requests` are those received; who cannot get through stops asking,
/// so `expected` says how many there would have been.
#[derive(Debug, Deserialize)]
struct Row {
    time: String,
    requests: Option<u64>,
    failed: u64,
    expected: Option<u64>,
    seconds: Option<u32>,
}

/// Reads a file into an incident; an interval that it has already is replaced.
pub(super) fn apply(path: &Path, zone: &ZoneArgs, it: &mut Incident) -> CliResult<()> {
    let name = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| {
            CliError::new(exit::NOT_FOUND, format!("reading {name} failed: {error}"))
        })?;
    let mut measured: BTreeMap<Timestamp, Traffic> = it
        .traffic
        .drain(..)
        .map(|known| (known.from, known))
        .collect();
    for (at, row) in reader.deserialize::<Row>().enumerate() {
        let line = at + 2;
        let wrong = |message: String| {
            CliError::new(exit::DATA, format!("{name} line {line}: {message}")).hint(
                "the columns are time, failed, and requests or expected; seconds where it is not a minute",
            )
        };
        let row = row.map_err(|error| wrong(error.to_string()))?;
        if at >= MOST {
            return Err(wrong(format!(
                "there are more than {MOST} rows; take longer intervals, with `seconds`"
            )));
        }
        let interval = interval(&row, zone).map_err(wrong)?;
        measured.insert(interval.from, interval);
    }
    it.traffic = measured.into_values().collect();
    Ok(())
}

fn interval(row: &Row, zone: &ZoneArgs) -> Result<Traffic, String> {
    let from = zone.time(&row.time).map_err(|error| error.to_string())?;
    let requests = row
        .requests
        .or(row.expected)
        .ok_or("neither `requests` nor `expected` is given")?;
    if row.failed > requests {
        return Err(format!("{} of {requests} requests failed", row.failed));
    }
    Ok(Traffic {
        from,
        seconds: row.seconds.unwrap_or(60),
        requests,
        failed: row.failed,
        expected: row.expected,
    })
}
