//! The ledger as text: one JSON object a line.
//!
//! The first line is `{"format":"countersign.ledger/1"}`. Each other line is an
//! entry with `seq`, `recorded_at`, `recorded_by`, `kind`, `key`, `at`, `body`, `prev`
//! and `hash`. Times are microseconds since 1970-01-01 UTC. `body` is a *string*:
//! the bytes that were hashed, whatever a reader of JSON would make of them.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, MAX_BODY, Record, check_recorded_by};
use crate::signoff::Digest;

/// The version of the form.
pub const FORMAT: &str = "countersign.ledger/1";

/// The longest line read, in bytes: the largest body, each byte of it escaped,
/// and the rest.
pub const MAX_LINE: usize = MAX_BODY * 6 + 16 * 1024;

/// Why a line is not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The first line is not the header.
    #[error("this is not an export of a ledger: the first line is not {{\"format\":\"{FORMAT}\"}}")]
    Header,
    /// A later form.
    #[error("the export has the form `{0}`, and this version reads `{FORMAT}`")]
    Version(String),
    /// Longer than [`MAX_LINE`].
    #[error("the line has {0} bytes, more than {MAX_LINE}")]
    Long(usize),
    /// Not an entry.
    #[error("the line is not an entry: {0}")]
    Entry(String),
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    recorded_at: i64,
    recorded_by: String,
    kind: String,
    key: String,
    at: i64,
    body: String,
    prev: Digest,
    hash: Digest,
}

/// The first line, with its end.
#[must_use]
pub fn header() -> String {
    format!("{{\"format\":\"{FORMAT}\"}}\n")
}

/// Checks the first line.
///
/// # Errors
/// [`ExportError::Header`] or [`ExportError::Version`].
pub fn read_header(line: &[u8]) -> Result<(), ExportError> {
    let header: Header = serde_json::from_slice(line).map_err(|_| ExportError::Header)?;
    match header.format.as_str() {
        FORMAT => Ok(()),
        other if other.starts_with("countersign.ledger/") => {
            Err(ExportError::Version(other.chars().take(40).collect()))
        }
        _ => Err(ExportError::Header),
    }
}

/// One entry as a line, with its end.
///
/// # Errors
/// Never in practice; what serde says.
pub fn write(entry: &Entry) -> Result<String, ExportError> {
    let line = Line {
        seq: entry.seq,
        recorded_at: entry.recorded_at,
        recorded_by: entry.recorded_by.clone(),
        kind: entry.record.kind().to_owned(),
        key: entry.record.key().to_owned(),
        at: entry.record.at(),
        body: entry.record.body().to_owned(),
        prev: entry.prev,
        hash: entry.hash,
    };
    serde_json::to_string(&line)
        .map(|text| text + "\n")
        .map_err(|error| ExportError::Entry(error.to_string()))
}

/// Reads one entry. Its hash is not checked yet.
///
/// # Errors
/// [`ExportError`]: unknown or missing fields, and whatever could not have been
/// recorded.
pub fn read(line: &[u8]) -> Result<Entry, ExportError> {
    if line.len() > MAX_LINE {
        return Err(ExportError::Long(line.len()));
    }
    let wrong = |error: String| ExportError::Entry(error);
    let line: Line = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
    check_recorded_by(&line.recorded_by).map_err(|error| wrong(error.to_string()))?;
    let record = Record::from_parts(line.kind, line.key, line.at, line.body)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(Entry {
        seq: line.seq,
        recorded_at: line.recorded_at,
        recorded_by: line.recorded_by,
        record,
        prev: line.prev,
        hash: line.hash,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn headers() {
        assert_eq!(read_header(header().as_bytes()), Ok(()));
        assert_eq!(read_header(b"{}"), Err(ExportError::Header));
        assert_eq!(read_header(b"{\"format\":\"x\"}"), Err(ExportError::Header));
        let later = br#"{"format":"countersign.ledger/2"}"#;
        assert!(matches!(read_header(later), Err(ExportError::Version(_))));
    }

    proptest! {
        #[test]
        fn entries_come_back(
            seq in any::<u64>(), recorded_at in any::<i64>(), at in any::<i64>(),
            by in "[^\\p{Cc}]{1,40}", key in "[^\\p{Cc}]{1,40}", text in any::<String>(),
        ) {
            let record = Record::new("a", key, at, &json!({ "text": text })).unwrap();
            let entry = Entry::after(Digest::of(b""), seq, recorded_at, by, record);
            let line = write(&entry).unwrap();
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert_eq!(read(line.as_bytes()), Ok(entry));
        }

        #[test]
        fn any_bytes_are_survived(bytes in any::<Vec<u8>>()) {
            let _ = read_header(&bytes);
            let _ = read(&bytes);
        }
    }
}
