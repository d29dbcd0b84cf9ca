//! Footers and links that agents leave in messages, such as
//! `🤖 Generated with [Claude Code](https://claude.com/claude-code)`.

use memchr::memmem;

use super::catalogue::Catalogue;
use super::message::{
    GLUED, INDENT_MAX, Marker, begins_with, is_co_author, is_quoted, line_end, starts_line,
};

/// An address that stands alone on its line or is the target of a link.
pub(super) fn url<'m>(
    catalogue: &Catalogue,
    text: &'m [u8],
    start: usize,
    found: &mut impl FnMut(Marker<'m>),
) {
    let tail = text.get(start..).unwrap_or_default();
    let Some(row) = catalogue
        .urls()
        .iter()
        .find(|row| begins_with(tail, row.value))
    else {
        return;
    };
    let linked = text.get(..start).is_some_and(|t| t.ends_with(b"]("));
    if linked || starts_line(text, start) {
        found(Marker {
            row,
            value: b"",
            line: line_end(tail).trim_ascii(),
        });
    }
}

/// A footer around `at`, where one of its words was found.
pub(super) fn footer<'m>(
    catalogue: &Catalogue,
    text: &'m [u8],
    at: usize,
    found: &mut impl FnMut(Marker<'m>),
) {
    let start = at.saturating_sub(1);
    let from = start.saturating_sub(INDENT_MAX);
    let before = text.get(from..start).unwrap_or_default();
    // Where the footer may begin: at the line's first word, or right after a
    // symbol such as an emoji, which tools put before it.
    let first = first_word(before, from == 0).map(|offset| from + offset);
    let glued = (follows_symbol(before) && !is_quoted(before)).then_some(start);
    for start in [first, glued].into_iter().flatten() {
        let line = line_end(text.get(start..).unwrap_or_default());
        let row = catalogue
            .footers()
            .iter()
            .find(|row| begins_with(line, row.value) && footer_ends(line, row.value));
        if let Some(row) = row {
            let line = line.trim_ascii();
            return found(Marker {
                row,
                value: b"",
                line,
            });
        }
    }
}

/// The offset of the first word of the line that `before` ends in, if that
/// beginning can be seen; decoration before the word is skipped.
fn first_word(before: &[u8], whole: bool) -> Option<usize> {
    let line = match memchr::memrchr2(b'\n', b'\r', before) {
        Some(at) => at + 1,
        None => match memmem::rfind(before, b"\\n") {
            Some(at) => at + 2,
            None if whole => 0,
            None => return None,
        },
    };
    let line = match memmem::rfind(before.get(line..).unwrap_or_default(), b"\\n") {
        Some(at) => line + at + 2,
        None => line,
    };
    let text = String::from_utf8_lossy(before.get(line..).unwrap_or_default());
    let skipped: usize = text
        .chars()
        .take_while(|c| is_decoration(*c))
        .map(char::len_utf8)
        .sum();
    Some(line + skipped.min(before.len() - line))
}

fn follows_symbol(before: &[u8]) -> bool {
    let text = String::from_utf8_lossy(before);
    let text = text.trim_end_matches([' ', '_', '*']);
    text.chars().next_back().is_some_and(is_symbol)
}

fn is_decoration(c: char) -> bool {
    matches!(c, ' ' | '\t' | '*' | '-' | '_' | '#') || is_symbol(c)
}

/// Emoji and their joiners, but neither letters nor dashes nor quotes.
fn is_symbol(c: char) -> bool {
    let punctuation =
        ('\u{2010}'..='\u{205e}').contains(&c) || ('\u{3000}'..='\u{303f}').contains(&c);
    c >= '\u{200d}' && c != '\u{fffd}' && !c.is_alphanumeric() && !punctuation
}

/// Whether a footer's words end where the row's do: a link follows a bracket,
/// and plain words end the line or the sentence.
fn footer_ends(line: &[u8], value: &str) -> bool {
    let rest = line.get(value.len()..).unwrap_or_default();
    if value.ends_with(']') {
        return rest.starts_with(b"(");
    }
    match rest {
        [] => true,
        [b' ' | b'\t', ..] => {
            let next = rest.trim_ascii();
            !next.first().is_some_and(u8::is_ascii_alphanumeric)
                || next.get(..GLUED.len()).is_some_and(is_co_author)
        }
        [next, ..] => !next.is_ascii_alphanumeric() && !matches!(next, b'-' | b'_' | b'/' | b'\''),
    }
}
