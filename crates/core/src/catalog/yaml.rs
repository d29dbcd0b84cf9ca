//! YAML into types, with problems placed in the file and work bounded.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location, MessageFormatter, Options, UserMessageFormatter};

use crate::problem::{Problem, Source, closest};

/// The largest YAML file that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Reads one YAML document into `T`.
pub(crate) fn one<T: DeserializeOwned>(source: Source<'_>) -> Result<T, Problem> {
    bounded(source)?;
    serde_saphyr::from_str_with_options(source.text, options()).map_err(|e| problem(source, &e))
}

/// Reads every document of a YAML stream into `T`; empty documents are left out.
pub(crate) fn many<T: DeserializeOwned>(source: Source<'_>) -> Result<Vec<T>, Problem> {
    bounded(source)?;
    serde_saphyr::from_multiple_with_options(source.text, options())
        .map_err(|e| problem(source, &e))
}

/// The byte range that a location covers, as far as the reader knows it.
pub(crate) fn span(location: Location) -> std::ops::Range<usize> {
    let start = location.span().byte_offset().unwrap_or(0);
    let length = location.span().byte_len().unwrap_or(0);
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(0);
    start..start.saturating_add(length)
}

fn bounded(source: Source<'_>) -> Result<(), Problem> {
    if source.text.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(source
        .whole(format!("{} bytes are too many", source.text.len()))
        .hint("at most 64 MiB are read; split the file"))
}

/// Wide enough for 100,000 services, narrow enough that no input multiplies:
/// aliases are few and never replayed beyond the size of a large file.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 40_000_000,
            max_nodes: 20_000_000,
            max_depth: 64,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_documents: 100_000,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

fn problem(source: Source<'_>, error: &Error) -> Problem {
    // Only the words: the place goes where every problem keeps it.
    let message = UserMessageFormatter
        .format_message(error.without_snippet())
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(", ");
    let problem = match error.location() {
        Some(location) => source.at(span(location), message),
        None => source.whole(message),
    };
    match error.without_snippet() {
        Error::SerdeUnknownField {
            field, expected, ..
        } => match closest(field, expected.iter().copied()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem,
        },
        _ => problem,
    }
}
