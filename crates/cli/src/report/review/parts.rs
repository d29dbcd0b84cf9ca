//! Small things, said the same way everywhere.

use countersign_operations::incident::Severity;
use jiff::Timestamp;

use crate::register;

/// Or a dash.
pub(super) fn dash(text: Option<&str>) -> String {
    text.unwrap_or("–").to_owned()
}

/// `a, b`, or a dash.
pub(super) fn joined<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    if names.is_empty() {
        dash(None)
    } else {
        names.join(", ")
    }
}

/// A time, to the minute.
pub(super) fn moment(at: Timestamp) -> String {
    register::short(at)
}

/// A day, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// `Sev2`, or `not graded`.
pub(super) fn severity(severity: Option<Severity>) -> &'static str {
    severity.map_or("not graded", Severity::as_str)
}

/// How long.
pub(super) fn minutes(minutes: Option<u64>) -> String {
    minutes.map_or_else(
        || "not recorded".to_owned(),
        |minutes| register::minutes(minutes as f64),
    )
}
