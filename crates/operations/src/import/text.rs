//! Text from outside, made fit to be kept.

use std::collections::BTreeSet;

use crate::faults::{MAX_ID, MAX_LINE, MAX_TEXT};

/// What parts the columns of a CSV file: a comma, unless its head has none and
/// has semicolons or tabs, as spreadsheets write in much of Europe.
pub(super) fn delimiter(text: &[u8]) -> u8 {
    let head = text.split(|&byte| byte == b'\n').next().unwrap_or(text);
    [b',', b';', b'\t']
        .into_iter()
        .find(|known| head.contains(known))
        .unwrap_or(b',')
}

/// One line: control characters become spaces, what is too long is cut.
pub(super) fn line(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut out: String = text.trim().chars().map(plain).take(most + 1).collect();
    if out.chars().count() > most {
        out = out.chars().take(most.saturating_sub(1)).collect();
        out.push('…');
    }
    out.trim().to_owned()
}

/// A title, which must say something.
pub(super) fn title(text: &str) -> String {
    match line(text, MAX_LINE) {
        empty if empty.is_empty() => "(without a title)".to_owned(),
        line => line,
    }
}

/// Free text with its line breaks.
pub(super) fn free(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' {
            ' '
        } else {
            c
        }
    };
    let text = text.replace("\r\n", "\n");
    text.trim().chars().map(plain).take(MAX_TEXT).collect()
}

/// A name as an id: lower case, words joined by `-`. `None`: nothing is left.
pub(super) fn slug(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        let kept = c.is_alphanumeric() || "._/:@#".contains(c);
        if kept {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
        if out.len() > MAX_ID - 4 {
            break;
        }
    }
    let out = out.trim_matches('-');
    (!out.is_empty()).then(|| out.to_owned())
}

/// Names as ids.
pub(super) fn slugs<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().filter_map(slug).collect()
}

/// An id of ours for an id of theirs: `source:id`.
pub(super) fn id(source: &str, theirs: &str) -> Option<String> {
    let plain = !theirs.chars().any(|c| c.is_whitespace() || c.is_control());
    let fits = theirs.len() + source.len() < MAX_ID;
    (!theirs.is_empty() && plain && fits).then(|| format!("{source}:{theirs}"))
}

/// An address, if it is one that people can open.
pub(super) fn url(text: &str) -> Option<String> {
    let text = text.trim();
    let web = text.starts_with("https://") || text.starts_with("http://");
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (web && plain && text.len() <= 2_000).then(|| text.to_owned())
}
