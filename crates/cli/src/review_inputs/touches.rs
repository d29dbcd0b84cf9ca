//! Who recorded what about the things that a circulated review names.

use std::collections::BTreeSet;

use countersign_operations::factor::FactorClaim;
use countersign_operations::history::difference;
use countersign_operations::record::{Kind, Record};
use countersign_operations::review::{Line, Touch, record_of};
use countersign_operations::week::Week;
use countersign_store::Store;
use jiff::Timestamp;
use serde_json::Value;

use super::Reading;
use crate::error::CliResult;

/// Versions of one thing that are looked at.
const MOST_VERSIONS: u32 = 10_000;
/// Fields named one by one.
const MOST_FIELDS: usize = 4;

pub(super) async fn read(reading: &mut Reading<'_>, week: Week) -> CliResult<()> {
    let Some(before) = reading.inputs.before(week) else {
        return Ok(());
    };
    let (after, lines) = (before.cut_off, before.lines.clone());
    reading.inputs.touches = of(reading.store, &lines, after, reading.cut_off).await?;
    Ok(())
}

/// What was recorded, between two moments, about the things that lines name.
pub(crate) async fn of(
    store: &Store,
    lines: &[Line],
    after: Timestamp,
    until: Timestamp,
) -> CliResult<Vec<Touch>> {
    let mut touches = Vec::new();
    let mut things: BTreeSet<(Kind, &str)> = lines
        .iter()
        .filter_map(|line| record_of(&line.about))
        .collect();
    // a claim goes with its incident
    let claims = things.iter().filter(|(kind, _)| *kind == Kind::Factor);
    let incidents: Vec<&str> = claims
        .filter_map(|(_, key)| key.split(' ').next())
        .collect();
    things.extend(incidents.into_iter().map(|id| (Kind::Incident, id)));
    for (kind, key) in things {
        let found = store.history(kind.as_str(), key, 0, MOST_VERSIONS).await?;
        let mut before: Option<Value> = None;
        for it in found {
            let body = it.record.body();
            let Ok(record) = Record::parse(body) else {
                continue;
            };
            let fields = fields(body);
            let noted = record.noted();
            if after < noted.at && noted.at <= until {
                touches.push(Touch {
                    kind,
                    key: key.to_owned(),
                    at: noted.at,
                    by: noted.by.clone(),
                    through: noted.through.clone(),
                    why: noted.why.clone(),
                    what: what(kind, &record, before.as_ref(), fields.as_ref()),
                });
            }
            before = fields;
        }
    }
    Ok(touches)
}

fn fields(body: &str) -> Option<Value> {
    let mut body: Value = serde_json::from_str(body).ok()?;
    body.get_mut("record").map(Value::take)
}

/// What a version did, in one line.
fn what(kind: Kind, record: &Record, before: Option<&Value>, after: Option<&Value>) -> String {
    if let (Kind::Factor, Record::Factor(statement)) = (kind, record) {
        let statement: &FactorClaim = statement;
        return statement.state.to_string();
    }
    let (Some(before), Some(after)) = (before, after) else {
        return "recorded".to_owned();
    };
    let changes = difference(before, after);
    let said = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => text.chars().take(60).collect(),
        Some(Value::Array(list)) => format!("{} entries", list.len()),
        Some(Value::Object(_)) => "…".to_owned(),
        Some(value) => value.to_string(),
    };
    let named = changes.iter().take(MOST_FIELDS).map(|it| {
        format!(
            "{}: {} → {}",
            it.field,
            said(it.before.as_ref()),
            said(it.after.as_ref())
        )
    });
    let mut text = named.collect::<Vec<_>>().join("; ");
    if changes.len() > MOST_FIELDS {
        text.push_str(&format!("; and {} more", changes.len() - MOST_FIELDS));
    }
    if text.is_empty() {
        text.push_str("recorded again");
    }
    text
}
