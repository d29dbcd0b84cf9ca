//! JSON that holds several things: one object, an array, or one object a line.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{Format, ImportError, MAX_ROWS, Report};

/// Every object of a text, with its number from 1. What is not an object of the
/// form wanted is remarked on and left out.
///
/// # Errors
/// When the text holds nothing that is JSON, or too much.
pub(super) fn objects<T: DeserializeOwned>(
    text: &str,
    format: Format,
    report: &mut Report,
) -> Result<Vec<(usize, T)>, ImportError> {
    let trimmed = text.trim_start();
    if trimmed.starts_with('[') {
        let whole: Vec<&RawValue> =
            serde_json::from_str(trimmed).map_err(|error| not(format, &error))?;
        return collect(whole.into_iter().map(RawValue::get), report);
    }
    // One object, or several one after another, however they are broken into
    // lines.
    let whole = serde_json::Deserializer::from_str(trimmed).into_iter::<&RawValue>();
    let mut found = Vec::new();
    for value in whole {
        match value {
            Ok(raw) => found.push(raw.get()),
            // Past a broken one there is no telling where the next begins,
            // unless each has a line of its own.
            Err(_) => return lines(text, format, report),
        }
        if found.len() > MAX_ROWS {
            return Err(ImportError::TooManyRows);
        }
    }
    if found.is_empty() {
        let why = "the file is empty".to_owned();
        return Err(ImportError::Format { format, why });
    }
    collect(found.into_iter(), report)
}

/// One object a line.
pub(super) fn lines<T: DeserializeOwned>(
    text: &str,
    format: Format,
    report: &mut Report,
) -> Result<Vec<(usize, T)>, ImportError> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let objects = collect(lines, report)?;
    if objects.is_empty() {
        let why = report
            .remarks
            .first()
            .map_or("the file is empty".to_owned(), |it| it.message.clone());
        return Err(ImportError::Format { format, why });
    }
    Ok(objects)
}

fn collect<'a, T: DeserializeOwned>(
    values: impl Iterator<Item = &'a str>,
    report: &mut Report,
) -> Result<Vec<(usize, T)>, ImportError> {
    let mut found = Vec::new();
    for (place, value) in (1..).zip(values) {
        if place > MAX_ROWS {
            return Err(ImportError::TooManyRows);
        }
        report.rows += 1;
        match serde_json::from_str(value) {
            Ok(object) => found.push((place, object)),
            Err(error) => report.skip(place, error.to_string()),
        }
    }
    Ok(found)
}

fn not(format: Format, error: &serde_json::Error) -> ImportError {
    ImportError::Format {
        format,
        why: error.to_string(),
    }
}

/// A value that may be absent, `null` or of another type than expected; the
/// last two read as absent.
pub(super) fn lenient<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: DeserializeOwned,
    D: serde::Deserializer<'de>,
{
    let value = serde_json::Value::deserialize(from)?;
    Ok(serde_json::from_value(value).ok())
}
